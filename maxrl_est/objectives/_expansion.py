"""The expansion of a polynomial in which floats do not cancel: in powers of 1 - p, failures, or of p, successes.

Terms of one sign add without loss, and few polynomials have them both ways: MaxRL and pass@k have them in powers of
1 - p, pass^k in powers of p, where its coefficients in powers of 1 - p are alternating binomials. The cost of terms of
both signs is their ``growth``: how many times the sum of their sizes is the largest weight. What rounding does to a
result is then a few units in the last place of the largest weight, times the growth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from math import fsum, lcm
from typing import Any, Literal, NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.objectives._series import series

LARGEST_GROWTH = 1e6  # times 8 roundings of 2^-53: 1e-9 of the largest weight
_HARMLESS = 16  # a growth that is not worth the other expansion
_LONGEST = 1024  # order of what is expanded in powers of p: one sign there takes c_k of size C(T - 1, k), below 1e200
_LARGEST = 10**120  # what series has room for


class Expansion(NamedTuple):
    """A weight w(p) = sum_k c_k x^k, x the failure rate 1 - p or the success rate p."""

    successes: bool  # whether x is p
    coefficients: FloatArray  # (T,)
    growth: float  # sum_k |c_k| / max_p |w(p)|, 1 for coefficients of one sign

    @property
    def form(self) -> Literal["maxrl", "pass_at"] | None:
        """MaxRL's sum of powers of 1 - p, or pass@k's 1 less the last one, to which there are ways in O(N)."""
        c = self.coefficients
        if self.successes:
            return None
        if (c == 1).all():
            return "maxrl"
        return "pass_at" if c[0] == 1 and c[-1] == -1 and not c[1:-1].any() else None

    def integrated(self) -> FloatArray:
        """Coefficients (T + 1,) of J in the same powers, so that J(1) = 0."""
        parts = self.coefficients / np.arange(1, len(self.coefficients) + 1)
        return np.append(-fsum(parts), parts) if self.successes else np.append(0.0, -parts)


def expansion(rounded: FloatArray, exact: Callable[[], Iterable[Fraction]]) -> Expansion | None:
    """The expansion of least growth of sum_k c_k (1 - p)^k, c given as floats (T,) and exactly; None if none is tame.

    Successes are tried where they may be better: one sign there takes alternating signs here, without a zero.
    """
    failures = Expansion(False, rounded, _growth(rounded))
    signs = np.sign(rounded)
    alternating = len(signs) > 1 and bool((signs[1:] * signs[:-1] < 0).all())
    best: Expansion = failures
    if (failures.growth > _HARMLESS or alternating) and len(signs) <= _LONGEST:
        other = in_other_powers(exact())
        if sum(map(abs, other)) < _LARGEST:
            floats = np.array(other, dtype=np.float64)
            floats.flags.writeable = False
            best = min(failures, Expansion(True, floats, _growth(floats)), key=lambda found: found.growth)
    return best if best.growth <= LARGEST_GROWTH else None


def in_other_powers(c: Iterable[Fraction]) -> list[Fraction]:
    """d with sum_k c_k (1 - x)^k = sum_k d_k x^k, which is its own inverse: by repeated division by 1 - x.

    >>> in_other_powers([Fraction(2), Fraction(-2)])  # 2 - 2 (1 - p) = 2 p
    [Fraction(0, 1), Fraction(2, 1)]
    """
    exact = list(c)
    unit = lcm(*(x.denominator for x in exact))
    d: list[Any] = [x.numerator * (unit // x.denominator) for x in exact]  # integers need no reduction
    for first in range(len(d)):
        for k in range(len(d) - 2, first - 1, -1):
            d[k] += d[k + 1]
    return [Fraction(-x if k % 2 else x, unit) for k, x in enumerate(d)]


def _growth(c: FloatArray) -> float:
    size = float(np.abs(c).sum())
    if abs(float(c.sum())) == size:
        return 1.0
    near = np.geomspace(0.1 / len(c), 0.5, 40)  # of an end, where weights such as k p q^(k-1) have their peak
    largest = float(np.abs(series(c, np.concatenate([np.linspace(0.0, 1.0, 65), near, 1.0 - near]))).max())
    return size / largest if largest else np.inf
