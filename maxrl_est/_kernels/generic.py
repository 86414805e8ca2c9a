"""The kernels in array operations alone: for exact rationals, and for where numba cannot be imported.

Batched over groups, in the dtype of the input: float64, or objects that add, multiply and divide by integers
without rounding (``fractions.Fraction``).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from maxrl_est._kernels.nodes import COUNTS, NODES, WEIGHTS
from maxrl_est._typing import Array, FloatArray

CUTOFF = 37.0  # exp(-37) is negligible: beyond a = 37 / sum(l) nothing is left of the integrals


def _empty(groups: int, max_power: int, like: Array) -> Array:
    """E_0..E_K of no values: 1, 0, ..., 0."""
    table = np.zeros((groups, max_power + 1), dtype=like.dtype)
    table[:, 0] = 1
    return table


def _append(table: Array, q: Array, count: int) -> Array:
    """E_0..E_K (B, K+1) of count values from those of count - 1 and the new q (B,)."""
    k = np.arange(1, table.shape[1])
    after = table.copy()
    after[:, 1:] = ((count - k) * table[:, 1:] + (k * q[:, None]) * table[:, :-1]) / count
    return after


def failure_powers(likelihoods: Array, out: Array) -> None:
    """Fill out (B, K+1) with E_0..E_K, K <= N, of the failure masses of each group of likelihoods (B, N)."""
    table = _empty(len(likelihoods), out.shape[1] - 1, likelihoods)
    for i, l in enumerate(likelihoods.T, start=1):
        table = _append(table, 1 - l, i)
    out[:] = table


def _leave_one_out(likelihoods: Array, max_power: int) -> Iterator[tuple[int, Array]]:
    """Yield (i, E_0..E_K of all values but the i-th), halving: first what lies outside each half, and so on."""

    def descend(table: Array, count: int, start: int, stop: int) -> Iterator[tuple[int, Array]]:
        if stop - start == 1:
            yield start, table
            return
        middle = (start + stop) // 2
        for half, other in (((start, middle), range(middle, stop)), ((middle, stop), range(start, middle))):
            outside = table
            for included, j in enumerate(other, start=1):
                outside = _append(outside, 1 - likelihoods[:, j], count + included)
            yield from descend(outside, count + len(other), *half)

    groups, size = likelihoods.shape
    if size:
        yield from descend(_empty(groups, max_power, likelihoods), 0, 0, size)


def loo_failure_powers(likelihoods: Array, out: Array) -> None:
    """Fill out (B, N, K+1) with E_0..E_K, K < N, of the others for every rollout."""
    for i, table in _leave_one_out(likelihoods, out.shape[2] - 1):
        out[:, i] = table


def loo_weights(likelihoods: Array, coefficients: Array, out: Array) -> None:
    """Fill out (B, N) with sum_k c_k E_k of the others, for coefficients (T,), T <= N."""
    for i, table in _leave_one_out(likelihoods, len(coefficients) - 1):
        out[:, i] = (table * coefficients).sum(axis=-1)


def _nodes(likelihoods: FloatArray, decay: FloatArray) -> Iterator[tuple[FloatArray, float, FloatArray]]:
    """Yield, for each Gauss-Legendre node t of [0, a]: t/a (B,), weight times a (B,), and a t l (B, N)."""
    a = np.minimum(1.0, CUTOFF / np.maximum(decay, CUTOFF))
    exact = np.flatnonzero(2 * COUNTS >= likelihoods.shape[1])
    rule = exact[0] if exact.size else COUNTS.size - 1
    for t, weight in zip(NODES[rule, : COUNTS[rule]], WEIGHTS[rule], strict=False):
        yield t, weight * a, (a * t)[:, None] * likelihoods


def full_order_weights(likelihoods: FloatArray, out: FloatArray) -> None:
    """Fill out (B, N) with the weights of order N: N Int_0^1 prod_{j != i} (1 - t l_j) dt."""
    out[:] = 0.0
    for _, weight, x in _nodes(likelihoods, likelihoods.sum(axis=-1) - likelihoods.max(axis=-1)):
        product = np.exp(np.log1p(-x).sum(axis=-1))
        out += (weight * product)[:, None] / (1.0 - x)
    out *= likelihoods.shape[1]


def full_order_weight_estimate(likelihoods: FloatArray, out: FloatArray) -> None:
    """Fill out (B,) with the estimate of w_(N+1)(p): (N + 1) Int_0^1 prod_j (1 - t l_j) dt."""
    out[:] = 0.0
    for _, weight, x in _nodes(likelihoods, likelihoods.sum(axis=-1)):
        out += weight * np.exp(np.log1p(-x).sum(axis=-1))
    out *= likelihoods.shape[1] + 1


def full_order_objective_estimate(likelihoods: FloatArray, harmonic_number: float, out: FloatArray) -> None:
    """Fill out (B,) with the estimate of J_N(p): Int_0^1 (1 - prod_j (1 - t l_j))/t dt - H_N."""
    decay = likelihoods.sum(axis=-1)
    out[:] = -np.log(np.minimum(1.0, CUTOFF / np.maximum(decay, CUTOFF))) - harmonic_number
    ...
