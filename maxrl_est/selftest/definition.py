"""Leave-one-out weights as their formula reads, slowly; and the textbook's shorter way, which loses all digits.

Fractions (dtype object) in, Fractions out; floats in, floats out. Integers under dtype object stay integers. Fast and
proved roundings are elsewhere: `reference` for the oracle, `maxrl_est.loo_weights` for use.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array


def elementary_symmetric(values: Array, top: int) -> Array:
    """e_0 .. e_top ``(..., top + 1)`` of values ``(..., N)``: coefficients of prod_j (1 + values_j x).

    >>> elementary_symmetric(np.array([2, 3, 5], dtype=object), 3).tolist()
    [1, 10, 31, 30]
    """
    e = np.zeros((*values.shape[:-1], top + 1), dtype=values.dtype)
    e[..., 0] = 1
    for j in range(values.shape[-1]):
        e[..., 1:] += values[..., j, None] * e[..., :-1]
    return e


def weight_estimate(likelihoods: Array, coefficients: Sequence[Any]) -> Array:
    """``sum_k c_k E_k`` of all N values ``(..., N)``, where ``E_k = e_k(1 - l) / C(N, k)``.

    >>> weight_estimate(np.array([1.0, 0.0, 0.0]), [0, 0, 1]).round(4)
    np.float64(0.3333)
    """
    return _weighted(likelihoods, _shares(coefficients, likelihoods.shape[-1], likelihoods))


def loo_weights(likelihoods: Array, coefficients: Sequence[Any]) -> Array:
    """Weights ``(..., N)``: for each rollout ``sum_k c_k E_k`` of the other N - 1 values.

    >>> loo_weights(np.array([1.0, 0.0, 0.0]), [1, 1, 1])
    array([3. , 1.5, 1.5])
    """
    n = likelihoods.shape[-1]
    shares = _shares(coefficients, n - 1, likelihoods)
    others = (np.delete(likelihoods, i, axis=-1) for i in range(n))
    return np.stack([_weighted(values, shares) for values in others], axis=-1)


def weights_by_deflation(likelihoods: Array) -> Array:
    """Weights of order N of groups ``(..., N)``: e_k of a group are found once, then each value is divided back out.

    e_k of the others is that of all minus q_i times e_{k-1} of the others, a difference of numbers that agree in ever
    more digits.
    """
    n, q = likelihoods.shape[-1], 1 - likelihoods
    with np.errstate(over="ignore", invalid="ignore"):
        e = elementary_symmetric(q, n)
        others, weights = np.ones_like(q), np.ones_like(q)
        for k in range(1, n):
            others = e[..., k, None] - q * others
            weights += others * (1 / math.comb(n - 1, k))
    return weights


def _shares(coefficients: Sequence[Any], members: int, like: Array) -> Array:
    """What one k-subset of the members counts for, c_k / C(members, k), in their number type."""
    shares = np.array([Fraction(c) / math.comb(members, k) for k, c in enumerate(coefficients)], dtype=object)
    return shares if like.dtype == object else shares.astype(np.float64)


def _weighted(likelihoods: Array, shares: Array) -> Array:
    return np.asarray(elementary_symmetric(1 - likelihoods, len(shares) - 1) @ shares)[()]
