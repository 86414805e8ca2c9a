"""Polynomials in 1 - p or p at pass rates: exact for Fractions, within units in the last place for floats."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.objectives._numbers import check_probabilities, real_numbers

_Pair = tuple[FloatArray, FloatArray]  # a number to 106 bits, as the sum of a float64 and its rounding error
_SCALE = 2.0**480  # carried by powers of q, so that c_k q^k is accurate even where q^k alone would underflow
_SHRINK = 2.0**-400  # carried by coefficients, to make room for two factors of _SCALE
_BLOCK = 2**18  # terms held at once (2 MiB an array), unless a single p has more


def polynomial(c: Sequence[Fraction | int], p: Fraction) -> Fraction:
    check_probabilities(np.array(p))
    return reduce(lambda total, coefficient: total * (1 - p) + coefficient, reversed(c), Fraction(0))


def series(c: FloatArray, p: Any, successes: bool = False) -> Any:
    """sum_k c_k q^k, q = 1 - p, or p where ``successes``, for every p; a float where p has shape ().

    Term k = i m + j is c (I, m) times q^(i m) (points, I) times q^j (points, m). Both tables of powers start
    from q to 106 bits, because the power k multiplies a relative error by k. Only + - * / are used, so
    results do not depend on a maths library.
    """
    p = real_numbers("p", p, allowed="iuf")
    check_probabilities(p)
    m = 1 << (len(c) - 1).bit_length() // 2
    table = np.zeros((-(-len(c) // m), m))
    table.reshape(-1)[: len(c)] = c * _SHRINK
    points, out = p.astype(np.float64).reshape(-1, 1), np.empty(p.size)
    block = max(1, _BLOCK // table.size)
    with np.errstate(under="ignore"):
        for start in range(0, p.size, block):
            x = points[start : start + block]
            high, low = (x, 0 * x) if successes else (1 - x, (1 - (1 - x)) - x)
            powers, stride = _powers((_SCALE * high, _SCALE * low), m)
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
