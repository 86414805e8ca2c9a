"""The kernels in array operations alone: for exact rationals, and for where numba cannot be imported.

Batched over groups: of float64, or of objects that add, multiply and divide by integers without rounding
(``fractions.Fraction``).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.estimates._kernels import repeated
from maxrl_est.estimates._kernels.circle_rules import CircleRule
from maxrl_est.estimates._kernels.nodes import COUNTS, NODES, WEIGHTS
from maxrl_est.estimates.elementwise import elementwise

CUTOFF = 37.0  # exp(-37) is negligible: beyond a = 37 / sum(l) nothing is left of the integrals


def _empty(groups: int, max_power: int, like: Array) -> Array:
    """E_0..E_K of no values: 1, 0, ..., 0."""
    zero, one = (Fraction(0), Fraction(1)) if like.dtype == object else (0.0, 1.0)
    table = np.full((groups, max_power + 1), zero, dtype=like.dtype)
    table[:, 0] = one
    return table


def _extended(likelihoods: Array) -> Array:
    """Floats in the longest format there is, since rounding adds up in a recurrence; Fractions as they are."""
    return likelihoods if likelihoods.dtype == object else likelihoods.astype(np.longdouble)


def _append(table: Array, q: Array, count: int) -> Array:
    """E_0..E_K (B, K+1) of count values from those of count - 1 and the new q (B,)."""
    k = np.arange(1, table.shape[1])
    after = table.copy()
    after[:, 1:] = ((count - k) * table[:, 1:] + (k * q[:, None]) * table[:, :-1]) / count
    return after


def powers(likelihoods: Array, successes: bool, out: Array) -> None:
    """Fill out (B, K+1) with E_0..E_K, K <= N, of the masses of each group of likelihoods (B, N)."""
    masses = _masses(likelihoods, successes)
    table = _empty(len(masses), out.shape[1] - 1, masses)
    for i, q in enumerate(masses.T, start=1):
        table = _append(table, q, i)
    out[:] = table


def _masses(likelihoods: Array, successes: bool) -> Array:
    """What E_k are means of products of: 1 - l of failures, or l of successes."""
    return _extended(likelihoods) if successes else elementwise(lambda l: 1 - l, _extended(likelihoods))


def _leave_one_out(masses: Array, max_power: int) -> Iterator[tuple[int, Array]]:
    """Yield (i, E_0..E_K of all values but the i-th), by halving: what lies outside each half, then quarter, ..."""

    def descend(table: Array, count: int, start: int, stop: int) -> Iterator[tuple[int, Array]]:
        if stop - start == 1:
            yield start, table
            return
        middle = (start + stop) // 2
        for half, other in (((start, middle), range(middle, stop)), ((middle, stop), range(start, middle))):
            outside = table
            for included, j in enumerate(other, start=1):
                outside = _append(outside, masses[:, j], count + included)
            yield from descend(outside, count + len(other), *half)

    groups, size = masses.shape
    if size:
        yield from descend(_empty(groups, max_power, masses), 0, 0, size)


def loo_failure_powers(likelihoods: Array, out: Array) -> None:
    """Fill out (B, N, K+1) with E_0..E_K, K < N, of the others for every rollout."""
    for i, table in _leave_one_out(_masses(likelihoods, False), out.shape[2] - 1):
        out[:, i] = table


def loo_weights(likelihoods: Array, coefficients: Array, successes: bool, out: Array) -> None:
    """Fill out (B, N) with sum_k c_k E_k of the others, for coefficients (T,), T <= N."""
    masses = _masses(likelihoods, successes)
    left = repeated.fill_few(masses, out, repeated.Weights(coefficients, masses.shape[1] - 1))
    for i, table in _leave_one_out(masses[left], len(coefficients) - 1):
        out[left, i] = (table * coefficients).sum(axis=-1)


def maxrl_weights(likelihoods: FloatArray, rule: CircleRule, out: FloatArray) -> None:
    """Fill out (B, N) with the weights of MaxRL of the rule's order."""
    loo_weights(likelihoods, np.ones(rule.order), False, out)


def failure_power_of_others(likelihoods: FloatArray, rule: CircleRule, out: FloatArray) -> None:
    """Fill out (B, N) with E_{T-1} of the others, for the rule's order T."""
    loo_weights(likelihoods, np.eye(1, rule.order, rule.order - 1)[0], False, out)


def mean_of_others(likelihoods: Array, out: Array) -> None:
    """Fill out (B, N) with the mean of the others, for N >= 2: the sum less l_i would lose what is far below l_i."""
    left = repeated.fill_few(likelihoods, out, repeated.mean)
    values = likelihoods[left]
    before, after = _from_both_sides(np.add, values, values.dtype.type(0))
    total = before + after
    if values.dtype != object:  # equal likelihoods round alike, so what is lost is added up too
        lost = np.zeros_like(total)
        lost[:, 1:] += np.add.accumulate(rounded_off(before[:, :-1], values[:, :-1], before[:, 1:]), axis=1)
        lost[:, -2::-1] += np.add.accumulate(rounded_off(after[:, :0:-1], values[:, :0:-1], after[:, -2::-1]), axis=1)
        total += lost + rounded_off(before, after, total)
    out[left] = total / (likelihoods.shape[1] - 1)


def failure_of_others(likelihoods: Array, out: Array) -> None:
    """Fill out (B, N) with the product of 1 - l over the others."""
    masses = _masses(likelihoods, False)
    left = repeated.fill_few(masses, out, repeated.product)
    q = masses[left]
    before, after = _from_both_sides(np.multiply, q, q.dtype.type(1))
    out[left] = before * after


def _from_both_sides(operation: np.ufunc, values: Array, start: Any) -> tuple[Array, Array]:
    """What the operation makes of the values before each one, and of those after it, (B, N) both."""
    before, after = np.full_like(values, start), np.full_like(values, start)
    operation.accumulate(values[:, :-1], axis=1, out=before[:, 1:])
    operation.accumulate(values[:, :0:-1], axis=1, out=after[:, -2::-1])
    return before, after


def rounded_off(x: Array, y: Array, total: Array) -> Array:
    """What the total of x and y lost, exactly (D. E. Knuth)."""
    shift = total - x
    return np.asarray((x - (total - shift)) + (y - shift))


def _cut(decay: FloatArray) -> FloatArray:
    """The point a (B,) beyond which an integrand that falls off like exp(-decay t) leaves nothing."""
    return CUTOFF / np.maximum(decay, CUTOFF)


def _nodes(size: int) -> Iterator[tuple[float, float]]:
    """Nodes and weights on [0, 1], exact for polynomials of degree size - 1 or accurate for exp(-37 t)."""
    exact = np.flatnonzero(size <= 2 * COUNTS)
    rule = exact[0] if exact.size else COUNTS.size - 1
    for k in range(COUNTS[rule]):
        yield float(NODES[rule, k]), float(WEIGHTS[rule, k])


def _product(x: FloatArray) -> FloatArray:
    """prod_j (1 - x_j) over the last axis, through logarithms."""
    return np.asarray(np.exp(np.log1p(-x).sum(axis=-1)))


def full_order_weights(likelihoods: FloatArray, out: FloatArray) -> None:
    """Fill out (B, N) with the weights of order N: N Int_0^1 prod_{j != i} (1 - t l_j) dt."""
    size = likelihoods.shape[1]
    a = _cut(likelihoods.sum(axis=-1) - likelihoods.max(axis=-1))
    total = np.zeros(likelihoods.shape, np.longdouble)
    for node, weight in _nodes(size):
        x = (a * node)[:, None] * likelihoods
        total += (size * a * weight * _product(x))[:, None] / (1.0 - x)
    out[:] = total


def full_order_weights_single(likelihoods: Array, out: Array) -> None:
    """Fill out (B, N) with the weights of order N, both of float32."""
    weights = np.empty(likelihoods.shape)
    full_order_weights(likelihoods.astype(np.float64), weights)
    out[:] = weights


def full_order_weight_estimate(likelihoods: FloatArray, out: FloatArray) -> None:
    """Fill out (B,) with the estimate of w_(N+1)(p): (N + 1) Int_0^1 prod_j (1 - t l_j) dt."""
    size = likelihoods.shape[1]
    a = _cut(likelihoods.sum(axis=-1))
    total = np.zeros(out.shape, np.longdouble)
    for node, weight in _nodes(size + 1):
        total += (size + 1) * a * weight * _product((a * node)[:, None] * likelihoods)
    out[:] = total


def full_order_objective_estimate(
    likelihoods: FloatArray, harmonic_number: float, harmonic_rest: float, out: FloatArray
) -> None:
    """Fill out (B,) with the estimate of J_N(p): Int_0^1 (1 - prod_j (1 - t l_j))/t dt - H_N, a float and its rest."""
    a = _cut(likelihoods.sum(axis=-1))
    out[:], lost = -harmonic_number, np.full_like(out, -harmonic_rest)
    terms = (
        weight * (1.0 - _product((a * node)[:, None] * likelihoods)) / node
        for node, weight in _nodes(likelihoods.shape[1])
    )
    for term in itertools.chain((-np.log(a),), terms):
        total = out + term
        lost += rounded_off(out, term, total)
        out[:] = total
    out += lost
