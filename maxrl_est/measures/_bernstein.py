"""Polynomials W(p) of degree below n by their Bernstein coefficients, in which an effective weight is found.

Powers of q = 1 - p are another basis of the same polynomials, in which an objective is given. Only exact rationals pass
between the two: floats would lose 2^n. With j = n - 1 - m the coefficient of C(n-1, m) p^m q^j is
``sum_k c_k C(j, k) / C(n-1, k)``, a Newton series in j: differences lead one way and sums the other.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.objectives._numbers import in_one_unit


@functools.lru_cache(maxsize=64)
def bernstein_of(c: tuple[Fraction, ...], n: int) -> tuple[Fraction, ...]:
    """Bernstein coefficients (n,) of sum_k c_k q^k, for c (T,), T <= n.

    >>> [str(x) for x in bernstein_of((Fraction(1), Fraction(1)), 3)]  # 1 + q from p = 0, m = 0, to p = 1
    ['2', '3/2', '1']
    """
    steps, unit = in_one_unit(value / ways for value, ways in zip(c, _row(n - 1), strict=False))
    values = [0] * n
    for step in reversed(steps):
        values = list(accumulate(values[:-1], initial=step))
    return tuple(Fraction(value, unit) for value in reversed(values))


@functools.lru_cache(maxsize=64)
def powers_of(bernstein: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
    """The coefficients (n,) in powers of q of a polynomial with these Bernstein coefficients (n,)."""
    values, unit = in_one_unit(reversed(bernstein))
    steps = []
    while values:
        steps.append(values[0])
        values = [after - before for before, after in pairwise(values)]
    return tuple(Fraction(step * ways, unit) for step, ways in zip(steps, _row(len(steps) - 1), strict=True))


def value(bernstein: Sequence[Fraction], p: Fraction) -> Fraction:
    """The polynomial at p, exactly: one sum of integers."""
    (a, b), top = p.as_integer_ratio(), len(bernstein) - 1
    up, down = ([x**m for m in range(top + 1)] for x in (a, b - a))
    values, unit = in_one_unit(bernstein)
    terms = (ways * x * up[m] * down[top - m] for m, (ways, x) in enumerate(zip(_row(top), values, strict=True)))
    return Fraction(sum(terms), unit * b**top)


def basis(n: int, p: Array) -> FloatArray:
    """The Bernstein polynomials C(n-1, m) p^m q^(n-1-m) at p (...) in [0, 1], as (..., n) of sum 1.

    They are binomial probabilities, by logarithms of exact counts so that nothing overflows at any n.
    """
    p = np.asarray(p, dtype=np.float64)[..., None]
    m, ways = np.arange(n), np.array([math.log(ways) for ways in _row(n - 1)])
    least = np.finfo(np.float64).smallest_subnormal  # for a logarithm of 0
    logs = ways + m * np.log(np.maximum(p, least)) + m[::-1] * np.log(np.maximum(1 - p, least))
    none = ((p == 0) & (m > 0)) | ((p == 1) & (m < n - 1))  # powers of 0
    chances = np.where(none, 0.0, np.exp(logs))
    return np.asarray(chances / chances.sum(axis=-1, keepdims=True))


@functools.lru_cache(maxsize=8)
def nodes(size: int) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights (size,) of Gauss and Legendre on [0, 1], exact for polynomials of degree below 2 size."""
    x, weights = np.polynomial.legendre.leggauss(size)
    return (x + 1) / 2, weights / 2


@functools.lru_cache(maxsize=8)
def _row(top: int) -> tuple[int, ...]:
    """C(top, k) for k = 0..top."""
    return tuple(accumulate(range(top), lambda ways, k: ways * (top - k) // (k + 1), initial=1))
