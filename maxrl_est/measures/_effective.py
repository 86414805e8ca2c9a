"""Which objective an advantage function ascends on 0/1 rewards."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._typing import Estimator, FloatArray
from maxrl_est.measures._columns import Columns, shown
from maxrl_est.measures._equivariant import MAX_COUNTED, ROUNDING, equivariant_advantages, of_groups
from maxrl_est.measures._sizes import group_size
from maxrl_est.objectives import Objective


@dataclass(frozen=True, slots=True)
class Nearest(Columns):
    """The known objective closest to an effective weight: ``W(p) = scale * w(p)`` when ``exact``.

    ``distance`` is the root mean square of W - scale w over p in [0, 1], relative to that of W.
    """

    name: str
    objective: Objective | None
    scale: Fraction | float
    exact: bool
    distance: float

    def __str__(self) -> str:
        return f"exactly {self.name}" if self.exact else f"no known objective; nearest {self.name}"

    def title(self) -> list[str]:
        """What it is called."""
        return [str(self)]

    def columns(self) -> dict[str, Any]:
        """One row of all numbers."""
        row = {"name": self.name, "scale": self.scale, "exact": self.exact, "distance": self.distance}
        return {name: [value] for name, value in row.items()}


@dataclass(frozen=True, slots=True)
class EffectiveWeight(Columns):
    """W(p) with E[g] = W(p) grad p for 0/1 rewards: a polynomial of degree below n.

    ``bernstein (n,)`` are its coefficients in the basis C(n-1, m) p^m (1-p)^(n-1-m), exact rationals where the
    estimator computes with Fractions; elsewhere ``rounding`` is their relative error to expect.
    """

    bernstein: tuple[Fraction, ...]
    rounding: float
    n: int

    @property
    def exact(self) -> bool:
        """Whether the estimator computed with Fractions."""
        return self.rounding == 0

    @property
    def coefficients(self) -> tuple[Fraction, ...]:
        """The coefficients (n,) of W in powers of 1 - p, comparable with those of an `Objective`."""
        top = self.n - 1
        powers = [Fraction(0)] * self.n
        for m, value in enumerate(self.bernstein):
            for j in range(m + 1):  # p^m = (1 - q)^m
                powers[top - m + j] += (-1) ** j * math.comb(top, m) * math.comb(m, j) * value
        return tuple(powers)

    def title(self) -> list[str]:
        """The polynomial and the objective that it is the weight of."""
        polynomial = f"W(p) = {_polynomial(self.coefficients)}" if self.exact else "W(p), in floats"
        return [f"n = {self.n}: E[g] = W(p) grad p for 0/1 rewards", polynomial, str(self.nearest())]

    def __str__(self) -> str:
        return "\n".join(self.title()) if self.exact else Columns.__str__(self)

    def columns(self) -> dict[str, Any]:
        """W at eleven pass rates: of floats, powers of 1 - p would amplify the roundings."""
        rates = [Fraction(k, 10) for k in range(11)]
        return {"p": [float(p) for p in rates], "W(p)": [float(self.value(p)) for p in rates]}

    def value(self, p: Any) -> Any:
        """W(p) for numbers p (...) in [0, 1]; a Fraction for a Fraction."""
        top = self.n - 1
        total = 0 * p
        for m, value in enumerate(self.bernstein):
            coefficient = value if isinstance(p, Fraction) else float(value)
            total = total + math.comb(top, m) * coefficient * p**m * (1 - p) ** (top - m)
        return total

    def equals(self, objective: Objective, scale: Fraction | float = 1) -> bool:
        """Whether W = scale w: exactly, or to rounding where the estimator computed in floats."""
        if objective.order > self.n:
            return False
        target = [scale * value for value in _bernstein(objective.rational_coefficients, self.n)]
        if self.exact and isinstance(scale, Fraction | int):
            return list(self.bernstein) == target
        size = max(abs(float(value)) for value in target)
        pairs = zip(self.bernstein, target, strict=True)
        return all(abs(float(x) - float(y)) <= max(self.rounding, ROUNDING) * size for x, y in pairs)

    def nearest(self) -> Nearest:
        """The closest of J_1..J_n and pass@2..pass@n, up to a constant factor."""
        if not any(self.bernstein):
            return Nearest("0 (no learning)", None, 0, True, 0.0)
        known = [Objective.maxrl(order) for order in range(1, self.n + 1)]
        known += [Objective.pass_at(k) for k in range(2, self.n + 1)]
        for objective in known:
            if self.equals(objective):
                return Nearest(objective.name, objective, 1, True, 0.0)
        return min((self._compare(objective) for objective in known), key=lambda near: near.distance)

    def _compare(self, objective: Objective) -> Nearest:
        """The best multiple of one objective's weight, by least squares over p in [0, 1]."""
        gram = _bernstein_products(self.n)
        target = _bernstein(objective.rational_coefficients, self.n)
        ours, theirs = np.array(self.bernstein, dtype=np.float64), np.array(target, dtype=np.float64)
        fitted = float(ours @ gram @ theirs / (theirs @ gram @ theirs))
        pivot = max(range(self.n), key=lambda m: abs(target[m]))
        for scale in (self.bernstein[pivot] / target[pivot], Fraction(fitted).limit_denominator(4 * self.n)):
            if scale and self.equals(objective, scale):
                return Nearest(f"{_short(scale)} x {objective.name}", objective, scale, True, 0.0)
        rest = ours - fitted * theirs
        distance = math.sqrt(float(rest @ gram @ rest / (ours @ gram @ ours)))
        return Nearest(f"{_decimal(fitted)} x {objective.name}", objective, fitted, False, distance)


def effective_weight(estimator: str | Estimator, n: int) -> EffectiveWeight:
    """Which multiple of grad p an advantage function ascends for 0/1 rewards and groups of n rollouts.

    With K successes, a_K the advantage of each and b_K that of each failure, E[g] = W(p) grad p with
    ``W(p) = sum_m C(n-1, m) p^m (1-p)^(n-1-m) (a_{m+1} - b_m)``. No sampling and no choice of p: it is decided by
    n + 1 groups. Says nothing about rewards between 0 and 1; for those use `exact_moments`. From advantages to what
    they ascend for 0/1 rewards, as in arXiv 2510.23049 and arXiv 2510.13651.

    Parameters
    ----------
    estimator : a name, a row or a function of likelihoods (..., N), the same for any order of rollouts
    n : rollouts in a group, at most 2048

    Returns
    -------
    `EffectiveWeight`: W as a polynomial, exact where the estimator computes with Fractions; ``nearest()`` names the
    objective whose weight it is.

    Raises
    ------
    TypeError, ValueError
        Where n is no int in [1, 2048], the name is unknown, or the estimator depends on the order of rollouts.

    >>> print(effective_weight("maxrl_shipped", 4))
    n = 4: E[g] = W(p) grad p for 0/1 rewards
    W(p) = 1 + q + q^2, q = 1 - p
    exactly J_3
    """
    n, estimator = group_size(n, MAX_COUNTED), of_groups(estimator)
    successes = np.array([[Fraction(int(i < k)) for i in range(n)] for k in range(n + 1)], dtype=object)
    advantages, rounding = equivariant_advantages(estimator, successes)
    difference = tuple(Fraction(advantages[m + 1, 0]) - Fraction(advantages[m, -1]) for m in range(n))
    return EffectiveWeight(difference, rounding, n)


def _polynomial(coefficients: tuple[Fraction, ...]) -> str:
    """Terms in powers of q = 1 - p; of more than nine the first and the last few."""
    terms = [_term(k, value) for k, value in enumerate(coefficients) if value]
    if len(terms) > 9:
        terms[5:-2] = ["+ ..."]
    text = " ".join(terms).removeprefix("+ ") or "0"
    return f"{text}, q = 1 - p" if "q" in text else text


def _term(k: int, value: Fraction) -> str:
    power = "" if k == 0 else "q" if k == 1 else f"q^{k}"
    size = shown(abs(value))
    factor = "" if power and size == "1" else f"({size}) " if power and "/" in size else f"{size} " if power else size
    return f"{'-' if value < 0 else '+'} {factor}{power}"


def _short(scale: Fraction) -> str:
    """A fraction of small numbers as it is, any other as a decimal."""
    return str(scale) if scale.denominator < 10_000 else _decimal(float(scale))


def _decimal(scale: float) -> str:
    """Four digits, or as many as tell it from 1."""
    short = f"{scale:.4g}"
    return repr(scale) if short == "1" else short


@functools.lru_cache(maxsize=512)
def _bernstein(c: tuple[Fraction, ...], n: int) -> tuple[Fraction, ...]:
    """Bernstein coefficients (n,) of w(p) at degree n - 1: (1-p)^k has C(n-1-m, k) / C(n-1, k)."""
    top = n - 1
    terms = [(k, value / math.comb(top, k)) for k, value in enumerate(c) if value]
    return tuple(sum((math.comb(top - m, k) * value for k, value in terms), Fraction(0)) for m in range(n))


@functools.cache
def _bernstein_products(n: int) -> FloatArray:
    """Integrals (n, n) over [0, 1] of products of two Bernstein polynomials of degree n - 1."""
    top = n - 1
    return np.array(
        [
            [
                float(Fraction(math.comb(top, i) * math.comb(top, j), (2 * top + 1) * math.comb(2 * top, i + j)))
                for j in range(n)
            ]
            for i in range(n)
        ]
    )
