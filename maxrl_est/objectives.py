"""Objectives of the pass rate p: what is ascended.

One idea: **an objective is its coefficients.** With q = 1 - p the failure rate and c of shape ``(T,)``, ::

    w(p) = dJ/dp = sum_{k<T} c_k q^k          J(p) = -sum_{k=1..T} c_{k-1} q^k / k,  so J(1) = 0

and a group of n >= T rollouts estimates every q^k, hence w, without bias. Nothing downstream asks which
objective it was given: expected reward, pass@k, MaxRL and Tsallis' logarithm are four ways to fill in c.

>>> Objective.maxrl(3).weight(0.5)  # 1 + 1/2 + 1/4
1.75
>>> Objective.maxrl(1) == Objective.expected() == Objective.pass_at(1)
True
"""

from __future__ import annotations

import functools
import html
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from itertools import accumulate
from numbers import Integral, Rational
from typing import Any, TypeAlias, overload

import numpy as np

from maxrl_est._arguments import at, whole
from maxrl_est._typing import Array, FloatArray

__all__ = ["Objective", "ObjectiveLike"]

_Pair = tuple[FloatArray, FloatArray]  # a number to 106 bits, as the sum of a float64 and its rounding error
_SCALE = 2.0**480  # carried by powers of q, so that c_k q^k is accurate even where q^k alone would underflow
_SHRINK = 2.0**-400  # carried by coefficients, to make room for two factors of _SCALE
_WRITTEN = 4  # terms of a polynomial that are written out
_BLOCK = 2**18  # terms held at once (2 MiB an array), unless a single p has more


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

    def __post_init__(self) -> None:
        c = np.array(self.coefficients)
        if c.ndim != 1:
            raise ValueError(f"c must be one sequence (T,), got shape {c.shape}")
        size = np.abs(c if c.dtype == object else c.astype(np.float64))
        outside = ~((size == 0) | ((size >= 1e-100) & (size <= 1e100)))  # what _series has room for
        if outside.any():
            k = int(outside.argmax())
            raise ValueError(f"c[{k}] must be 0 or of size 1e-100 to 1e100, got {c[k]!s:.40}")
        if not c.any():
            raise ValueError(f"c must have an entry that is not 0, got {c.tolist()}")
        c = c[: c.nonzero()[0][-1] + 1].astype(np.float64) + 0.0  # which makes -0.0 a 0.0
        c.flags.writeable = False
        object.__setattr__(self, "coefficients", c)
        object.__setattr__(self, "_bytes", c.tobytes())

    @classmethod
    def maxrl(cls, order: int) -> Objective:
        """MaxRL, c_k = 1 for k < T: the series of log p in 1 - p, cut after T terms.

        T = 1 is the expected reward and T -> inf is maximum likelihood, log p. Not for groups of fewer than T
        rollouts, which have no unbiased estimate. Source: arXiv 2602.02710.

        >>> Objective.maxrl(4)
        Objective(name='J_4', coefficients=array([1., 1., 1., 1.]))
        """
        order = whole("order", order)
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
        k = whole("k", k)
        return cls(f"pass@{k}", np.append(np.zeros(k - 1), k))

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
        order, exact_q = whole("order", order), exact_number("q", q)
        if exact_q < 0:
            raise ValueError(f"q must be at least 0, got {q}")
        n, d = exact_q.as_integer_ratio()
        # Integers in units of about q / 2^128: a product of floats would be off by hundreds of ulp at 10^6.
        one = (d // max(n, 1) + 1) << 128
        fixed = accumulate(range(1, order), lambda c, k: c * (n + (k - 1) * d) // (k * d), initial=one)
        floats = (c / one if c < one << 1000 else np.inf for c in fixed)
        return cls(f"tsallis({q}, {order})", np.fromiter(floats, np.float64, order), exact_q)

    @classmethod
    def from_coefficients(cls, c: Sequence[Any] | Array, name: str | None = None) -> Objective:
        """The objective with w(p) = sum_{k<T} c_k (1 - p)^k, for c ``(T,)`` of ints, floats or Fractions.

        Not for coefficients of large mixed signs: terms cancel, and J and w are then accurate relative to the sum of
        the sizes of the terms only.

        Parameters
        ----------
        c : (T,) numbers, of which trailing zeros are dropped
        name : what reports and tables call it; "custom" by default

        Raises
        ------
        TypeError, ValueError
            For numbers that are not finite, all 0, or of a size above 1e100 or, but for 0, below 1e-100.

        >>> Objective.from_coefficients([1, Fraction(1, 3)]).weight(Fraction(1, 2))
        Fraction(7, 6)
        """
        exact = _numbers("c", c, allowed="iufO")
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

        Within 4 units in the last place at every p if all c >= 0; exact if p is a Fraction. O(T) for each p.

        >>> Objective.pass_at(2).value(0.5), Objective.maxrl(3).value(Fraction(1, 2))
        (-0.25, Fraction(-2, 3))
        """
        if isinstance(p, Fraction):
            return -_polynomial([0, *(c / k for k, c in enumerate(self.rational_coefficients, 1))], p)
        return 0.0 - _series(np.append(0.0, self.coefficients / np.arange(1, self.order + 1)), p)

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
            return _polynomial(self.rational_coefficients, p)
        return _series(self.coefficients, p)

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
        return f"{self.name}: {self._in_symbols(_plain_power)}"

    def _repr_html_(self) -> str:
        return f"<b>{html.escape(self.name)}</b>: {self._in_symbols(_html_power)}"

    def _in_symbols(self, power: Callable[[int], str]) -> str:
        integrated = -self.coefficients / np.arange(1, self.order + 1)
        value, weight = _symbols(np.append(0.0, integrated), power), _symbols(self.coefficients, power)
        return f"J = {value}, w = {weight}, {power(1)} = 1 - p"

    def __reduce__(self) -> tuple[Any, ...]:  # by __init__, because arrays come out of a pickle writeable
        return Objective, (self.name, self.coefficients, self._exact)


ObjectiveLike: TypeAlias = Objective | int | None
"""How callers say what is ascended: an int T is MaxRL of order T, None is MaxRL of the largest order there can be."""


def resolve(objective: ObjectiveLike, size: int, largest: int) -> Objective | None:
    """The objective that a caller means, for groups of N = size that admit orders up to ``largest``.

    None is MaxRL of the largest order, in whatever way it was asked for; ValueError for orders above it.
    """
    if objective is None:
        return None
    order = order_of(objective)
    if order > largest:
        raise ValueError(
            f"objective must be of order T <= {largest} for groups of N = {size}, got T = {order}: no unbiased "
            f"estimate exists, since expectations of so few rollouts are polynomials of lower degree"
        )
    if not isinstance(objective, Objective):
        return None if order == largest else _maxrl(order)
    return None if order == largest and objective == _maxrl(order) else objective


@functools.lru_cache(maxsize=8)
def _maxrl(order: int) -> Objective:
    return Objective.maxrl(order)


def order_of(objective: Objective | int) -> int:
    """The order T of an objective, or of MaxRL where an int stands for it; TypeError or ValueError for all else."""
    if isinstance(objective, Objective):
        return objective.order
    if isinstance(objective, bool) or not isinstance(objective, Integral):
        raise TypeError(f"objective must be an Objective, an int (the order of MaxRL) or None, got {objective!r}")
    return whole("objective", objective)


def exact_number(name: str, value: Any) -> Fraction:
    """An int, a float or a Fraction without rounding; TypeError or ValueError for all else."""
    if isinstance(value, bool) or not isinstance(value, (Rational, float, np.floating)):
        raise TypeError(f"{name} must be an int, a float or a Fraction, got {value!r}")
    if not isinstance(value, Rational) and not np.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    number: Any = int(value) if isinstance(value, Integral) else value  # NumPy's integers have no ratio
    return Fraction(*number.as_integer_ratio())


def _numbers(name: str, values: Any, allowed: str) -> Array:
    """A copy of values as an array, refused if masked or of a dtype whose kind is not allowed."""
    if np.ma.is_masked(values):
        index = np.argwhere(np.ma.getmaskarray(values))[0]
        raise ValueError(f"{at(name, index)} must be a number, got a masked entry")
    try:
        array = np.array(values)
    except ValueError:
        raise ValueError(f"{name} must have rows of one length, got ragged ones") from None
    if array.dtype.kind not in allowed:
        raise TypeError(f"{name} must be real numbers, got dtype {array.dtype}")
    return array


def _check_probabilities(p: Array) -> None:
    outside = np.argwhere(~((p >= 0) & (p <= 1)))  # NaN is outside too
    if len(outside):
        index = tuple(outside[0].tolist())
        raise ValueError(f"{at('p', index)} must lie in [0, 1], got {p[index]}")


def _plain_power(k: int) -> str:
    return "q" if k == 1 else f"q^{k}"


def _html_power(k: int) -> str:
    return "<i>q</i>" if k == 1 else f"<i>q</i><sup>{k}</sup>"


def _symbols(c: FloatArray, power: Callable[[int], str]) -> str:
    """sum_k c_k q^k as it is written, long ones by their first terms and the last."""
    places = c.nonzero()[0].tolist()
    shown = places if len(places) <= _WRITTEN else [*places[: _WRITTEN - 1], places[-1]]
    terms = [("-" if c[k] < 0 else "+") + " " + _term(abs(float(c[k])), power(k) if k else "") for k in shown]
    if len(places) > _WRITTEN:
        terms.insert(-1, f"{terms[-1][0]} ...")
    return " ".join(terms).removeprefix("+ ").replace("- ", "-", int(terms[0][0] == "-"))


def _term(size: float, symbol: str) -> str:
    """A coefficient before its power of q, as a ratio where it is one."""
    ratio = Fraction(size).limit_denominator(10**6)
    if abs(float(ratio) - size) > 1e-15 * size:
        return f"{size:.4g} {symbol}".rstrip()
    above, below = ratio.as_integer_ratio()
    factor = "" if above == 1 and symbol else str(above)
    return f"{factor} {symbol}".strip() + (f"/{below}" if below > 1 else "")


def _polynomial(c: Sequence[Fraction | int], p: Fraction) -> Fraction:
    _check_probabilities(np.array(p))
    return reduce(lambda total, coefficient: total * (1 - p) + coefficient, reversed(c), Fraction(0))


def _series(c: FloatArray, p: Any) -> Any:
    """sum_k c_k (1 - p)^k for every p; a float where p has shape ().

    Term k = i m + j is c (I, m) times q^(i m) (points, I) times q^j (points, m). Both tables of powers start
    from 1 - p to 106 bits, because the power k multiplies a relative error by k. Only + - * / are used, so
    results do not depend on a maths library.
    """
    p = _numbers("p", p, allowed="iuf")
    _check_probabilities(p)
    m = 1 << (len(c) - 1).bit_length() // 2
    table = np.zeros((-(-len(c) // m), m))
    table.reshape(-1)[: len(c)] = c * _SHRINK
    points, out = p.astype(np.float64).reshape(-1, 1), np.empty(p.size)
    block = max(1, _BLOCK // table.size)
    with np.errstate(under="ignore"):
        for start in range(0, p.size, block):
            x = points[start : start + block]
            powers, stride = _powers((_SCALE * (1 - x), _SCALE * ((1 - (1 - x)) - x)), m)
            strides, _ = _powers(stride, len(table))
            terms = table * powers[:, None]
            terms *= strides[:, :, None]
            terms = terms.reshape(len(x), -1)
            # Leading digits, cut at one place for all terms of a p, add without rounding; the rest is tiny.
            above = np.ldexp(1.0, np.frexp(np.abs(terms).sum(axis=1, keepdims=True))[1])
            leading = terms + above
            leading -= above
            terms -= leading
            out[start : start + block] = leading.sum(axis=1) + terms.sum(axis=1)
        out /= _SCALE * _SCALE * _SHRINK
    return out.reshape(p.shape) if p.ndim else float(out[0])


def _powers(base: _Pair, n: int) -> tuple[FloatArray, _Pair]:
    """q^0 .. q^(n-1) (points, n), and q^m for the power of two m >= n; arguments and results times _SCALE."""
    high, low = np.full_like(base[0], _SCALE), np.zeros_like(base[0])
    while high.shape[1] < n:
        more = _product((high, low), base)
        high, low = np.append(high, more[0], axis=1), np.append(low, more[1], axis=1)
        base = _product(base, base)
    return high[:, :n], base


def _product(a: _Pair, b: _Pair) -> _Pair:
    """a b / _SCALE to 106 bits, by splitting factors in halves: T. J. Dekker, Numer. Math. 18 (1971) 224."""
    a_high, b_high = (2.0**27 + 1) * a[0], (2.0**27 + 1) * b[0]
    a_high, b_high = a_high - (a_high - a[0]), b_high - (b_high - b[0])
    a_low, b_low = a[0] - a_high, b[0] - b_high
    product = a[0] * b[0]
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    error += a[0] * b[1] + a[1] * b[0]
    total = product + error
    return total / _SCALE, (error - (total - product)) / _SCALE
