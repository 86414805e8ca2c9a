"""An objective of the pass rate, by its coefficients."""

from __future__ import annotations

import html
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from itertools import accumulate
from math import comb, inf
from typing import Any, overload

import numpy as np

from maxrl_est._arguments import at_most, is_int, short, whole, words
from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.objectives._expansion import LARGEST_GROWTH, Expansion, expansion
from maxrl_est.objectives._numbers import exact_number, real_numbers
from maxrl_est.objectives._series import polynomial, series
from maxrl_est.objectives._symbols import html_power, plain_power, symbols

LONGEST = 10_000_000  # terms: no group has more rollouts, and an array of them fits in memory
LEAST_SIZE, LARGEST_SIZE = 1e-100, 1e100  # of coefficients: what series has room for


@dataclass(frozen=True, slots=True, eq=False)
class Objective:
    """An objective of the pass rate; make one by a class method, such as :meth:`maxrl`.

    Immutable and picklable; equal to another when the coefficients ``(T,)`` are equal without rounding, whatever the
    names. A bad argument is a ValueError or TypeError that names the argument, the index, the rule and the value.

    >>> print(Objective.maxrl(3))
    J_3: J = -q - q^2/2 - q^3/3, w = 1 + q + q^2, q = 1 - p
    """

    name: str
    coefficients: FloatArray  # (T,), read-only, the last one not zero
    _exact: Array | Fraction | None = field(default=None, repr=False)  # unrounded numbers, or Tsallis' q
    _bytes: bytes = field(init=False, repr=False)  # of the coefficients, to compare and to hash by
    _expansion: Expansion | None = field(init=False, repr=False)  # None where floats would cancel

    def __post_init__(self) -> None:
        c = np.array(self.coefficients)
        if c.ndim != 1:
            raise ValueError(f"c must be one sequence (T,), got shape {c.shape}")
        size = np.abs(c if c.dtype == object else c.astype(np.float64))
        outside = ~((size == 0) | ((size >= LEAST_SIZE) & (size <= LARGEST_SIZE)))
        if outside.any():
            k = int(outside.argmax())
            raise ValueError(f"c[{k}] must be 0 or of size 1e-100 to 1e100, got {short(c[k])}")
        if not c.any():
            raise ValueError(f"c must have an entry that is not 0, got {words(c.tolist())}")
        c = c[: c.nonzero()[0][-1] + 1].astype(np.float64) + 0.0  # which makes -0.0 a 0.0
        c.flags.writeable = False
        object.__setattr__(self, "coefficients", c)
        object.__setattr__(self, "_bytes", c.tobytes())
        object.__setattr__(self, "_expansion", expansion(c, self._rationals))

    @classmethod
    def maxrl(cls, order: int) -> Objective:
        """MaxRL, c_k = 1 for k < T: the series of log p in 1 - p, cut after T terms.

        T = 1 is the expected reward and T -> inf is maximum likelihood, log p. Not for groups of fewer than T
        rollouts, which have no unbiased estimate. Source: arXiv 2602.02710.

        >>> Objective.maxrl(4)
        Objective(name='J_4', coefficients=array([1., 1., 1., 1.]))
        """
        order = at_most("order", whole("order", order), LONGEST)
        return cls(f"J_{order}", np.ones(order))

    @classmethod
    def expected(cls) -> Objective:
        """Expected reward, c = (1,), so J = p - 1: what REINFORCE and RLOO ascend.

        Not for learning from prompts that nearly always fail: all prompts have the same weight, 1.

        >>> Objective.expected().value([0.0, 0.25, 1.0]).tolist()
        [-1.0, -0.75, 0.0]
        """
        return cls("expected", np.ones(1))

    @classmethod
    def pass_at(cls, k: int) -> Objective:
        """pass@k, only c_{k-1} = k, so J = -(1 - p)^k, which is pass@k less 1. Source: arXiv 2505.15201.

        Not for prompts that are solved often: their weight k (1 - p)^(k-1) vanishes.

        >>> Objective.pass_at(3).coefficients.tolist()
        [0.0, 0.0, 3.0]
        """
        k = at_most("k", whole("k", k), LONGEST)
        return cls(f"pass@{k}", np.append(np.zeros(k - 1), k))

    @classmethod
    def all_of(cls, k: int) -> Objective:
        """pass^k, the chance that all of k attempts succeed, less 1: J = p^k - 1, so w = k p^(k-1).

        Not for prompts that are rarely solved: their weight vanishes, and groups with fewer than k - 1 successes have
        weights of 0. In powers of 1 - p its coefficients alternate, c_j = (-1)^j k C(k-1, j), and would cancel in
        floats, which are computed in powers of p (see :attr:`expansion`). Source: tau-bench, arXiv 2406.12045.

        Parameters
        ----------
        k : an int from 1 to 320, so that no coefficient is above 1e100

        >>> Objective.all_of(3).value(0.5), Objective.all_of(3).coefficients.tolist()
        (-0.875, [3.0, -6.0, 3.0])
        """
        k = whole("k", k, 1, 320)
        exact = np.array([(-1) ** j * k * comb(k - 1, j) for j in range(k)], dtype=object)
        return cls(f"pass^{k}", exact, exact)

    @classmethod
    def tsallis(cls, q: float | Fraction, order: int) -> Objective:
        """Tsallis' q-logarithm, c_k = C(q + k - 1, k) for k < T: the series of w = p^-q, cut after T terms.

        q = 0 is the expected reward, q = 1 is MaxRL, and q between gives hard prompts less weight than MaxRL.
        Not for q > 1 without need: c_k grows like k^(q-1), and the variance of estimates with it.
        Source: C. Tsallis, "What are the numbers that experiments provide?", Quimica Nova 17 (1994) 468; for 0/1
        rewards, one-parameter families of objectives are in RL2ML (arXiv 2605.30154).

        Parameters
        ----------
        q : an int, a float or a Fraction of at least 0
        order : T, at least 1

        Raises
        ------
        TypeError, ValueError
            For other q or T, and where a coefficient is above 1e100 or, but for 0, below 1e-100.

        >>> Objective.tsallis(Fraction(1, 2), 4).rational_coefficients[1:]
        (Fraction(1, 2), Fraction(3, 8), Fraction(5, 16))
        """
        order, exact_q = at_most("order", whole("order", order), LONGEST), exact_number("q", q)
        if exact_q < 0:
            raise ValueError(f"q must be at least 0, got {short(q)}")
        if order > 1 and exact_q and not LEAST_SIZE <= exact_q <= LARGEST_SIZE:
            raise ValueError(f"c[1] must be 0 or of size 1e-100 to 1e100, got {short(q)}, as q is")
        n, d = exact_q.as_integer_ratio()
        # Integers in units of about q / 2^128: a product of floats would be off by hundreds of ulp at 10^6.
        one = (d // max(n, 1) + 1) << 128
        fixed = accumulate(range(1, order), lambda c, k: c * (n + (k - 1) * d) // (k * d), initial=one)
        floats = (c / one if c < one << 1000 else np.inf for c in fixed)
        return cls(f"tsallis({short(q)}, {order})", np.fromiter(floats, np.float64, order), exact_q)

    @classmethod
    def from_coefficients(cls, c: Sequence[Any] | Array, name: str | None = None) -> Objective:
        """The objective with w(p) = sum_{k<T} c_k (1 - p)^k, for c ``(T,)`` of ints, floats or Fractions.

        Not for coefficients of mixed signs in floats that are rounded: floats are taken for the numbers that they are,
        and where terms cancel (see :attr:`expansion`) the objective that was meant is another one.

        Parameters
        ----------
        c : (T,) numbers, of which trailing zeros are dropped; ints of any length and Fractions are kept exactly
        name : what reports and tables call it; "custom" by default

        Raises
        ------
        TypeError, ValueError
            For numbers that are not finite, all 0, or of a size above 1e100 or, but for 0, below 1e-100.

        >>> Objective.from_coefficients([1, Fraction(1, 3)]).weight(Fraction(1, 2))
        Fraction(7, 6)
        """
        exact = real_numbers("c", c, allowed="iufO")
        if exact.dtype.kind == "f" and exact.ndim == 1 and any(is_int(x) and abs(x) >= 2**53 for x in c):
            exact = np.array(c, dtype=object)  # NumPy rounds large ints beside floats, or beside each other
        if exact.dtype == object and exact.ndim == 1:
            exact[:] = [exact_number(f"c[{k}]", x) for k, x in enumerate(exact)]
        return cls(name or "custom", exact, None if exact.dtype == np.float64 else exact)

    @property
    def order(self) -> int:
        """T, the number of coefficients: the size of the smallest group that estimates w without bias."""
        return len(self.coefficients)

    @property
    def rational_coefficients(self) -> tuple[Fraction, ...]:
        """The coefficients ``(T,)`` without rounding, made anew at each access; slow above order 1000.

        >>> Objective.from_coefficients([2, 0.5]).rational_coefficients
        (Fraction(2, 1), Fraction(1, 2))
        """
        return tuple(self._rationals())

    @property
    def expansion(self) -> Expansion:
        """The powers, of 1 - p or of p, that floats are computed in, with the coefficients ``(T,)`` of w in them.

        Whichever has the smaller ``growth``, the sum of the sizes of the coefficients over the largest weight. It is 1
        for coefficients of one sign, whose results are accurate to a few units in the last place: those of MaxRL,
        pass@k and Tsallis in powers of 1 - p, of pass^k in powers of p. Terms of both signs cancel, and a result is off
        by up to 8 growth 2^-53 times the largest weight. Nothing is computed in floats above a growth of 10^6, 1e-9 of
        the largest weight; Fractions are exact for every objective.

        Raises
        ------
        ValueError
            For a growth above 10^6 both ways.

        >>> Objective.from_coefficients([3, -6, 3]).expansion
        Expansion(successes=True, coefficients=array([0., 0., 3.]), growth=1.0)
        >>> Objective.from_coefficients([-1, 2]).expansion.growth  # p (1 - p)
        3.0
        """
        if self._expansion is None:
            raise ValueError(
                f"objective {self.name!r} must be computed with Fractions: in floats its terms cancel, in powers of "
                f"1 - p and of p, to less than {1 / LARGEST_GROWTH:.0e} of the sum of their sizes"
            )
        return self._expansion

    def _rationals(self) -> Iterator[Fraction]:
        exact = self.coefficients if self._exact is None else self._exact
        if not isinstance(exact, Fraction):
            return (exact_number(f"c[{k}]", x) for k, x in enumerate(exact[: self.order]))
        ratios = ((exact + k - 1) / k for k in range(1, self.order))
        return accumulate(ratios, operator.mul, initial=Fraction(1))

    @overload
    def value(self, p: Fraction) -> Fraction: ...
    @overload
    def value(self, p: float) -> float: ...
    @overload
    def value(self, p: Sequence[Any] | Array) -> FloatArray: ...
    def value(self, p: Any) -> Any:
        """J(p) = -sum_{k=1..T} c_{k-1} (1 - p)^k / k at pass rates p of any shape; float64 of the same shape.

        Within 4 units in the last place at every p if all c have one sign, or, of the largest size of J, their
        coefficients in powers of p; otherwise as :attr:`expansion` says. Exact if p is a Fraction. O(T) for each p.

        >>> Objective.pass_at(2).value(0.5), Objective.maxrl(3).value(Fraction(1, 2))
        (-0.25, Fraction(-2, 3))
        """
        if isinstance(p, Fraction):
            return -polynomial([0, *(c / k for k, c in enumerate(self.rational_coefficients, 1))], p)
        found = self.expansion
        return 0.0 + series(found.integrated(), p, found.successes)  # which makes -0.0 a 0.0

    @overload
    def weight(self, p: Fraction) -> Fraction: ...
    @overload
    def weight(self, p: float) -> float: ...
    @overload
    def weight(self, p: Sequence[Any] | Array) -> FloatArray: ...
    def weight(self, p: Any) -> Any:
        """w(p) = J'(p) = sum_{k<T} c_k (1 - p)^k, so grad J = w(p) grad p; otherwise as :meth:`value`.

        >>> Objective.maxrl(8).weight([0.0, 1.0]).tolist()
        [8.0, 1.0]
        """
        if isinstance(p, Fraction):
            return polynomial(self.rational_coefficients, p)
        found = self.expansion
        return series(found.coefficients, p, found.successes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Objective) or self._bytes != other._bytes:
            return False
        mine, yours = self._exact, other._exact
        if mine is yours or (isinstance(mine, Fraction) and isinstance(yours, Fraction) and mine == yours):
            return True
        return all(a == b for a, b in zip(self._rationals(), other._rationals(), strict=True))

    def __hash__(self) -> int:
        return hash(self._bytes)

    def __str__(self) -> str:
        return f"{self.name}: {self._in_symbols(plain_power)}"

    def _repr_html_(self) -> str:
        return f"<b>{html.escape(self.name)}</b>: {self._in_symbols(html_power)}"

    def _in_symbols(self, power: Callable[[str, int], str]) -> str:
        found = self._expansion or Expansion(False, self.coefficients, inf)
        letter = "p" if found.successes else "q"
        value, weight = (symbols(c, partial(power, letter)) for c in (found.integrated(), found.coefficients))
        return f"J = {value}, w = {weight}" + ("" if found.successes else f", {power('q', 1)} = 1 - p")

    def __reduce__(self) -> tuple[Any, ...]:  # by __init__, because arrays come out of a pickle writeable
        return Objective, (self.name, self.coefficients, self._exact)
