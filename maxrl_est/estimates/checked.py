"""The estimates of checked groups ``(B, N)``: compiled where they are float64, exact where they are Fractions.

Nothing is checked here. An objective is what `maxrl_est.objectives.resolve` gives, so that None is MaxRL of the largest
order that the rollouts admit. Floats are computed by an objective's expansion: from E_k of 1 - l, or where it is in
powers of p from the same means of products of l, unbiased for p^k.
"""

from __future__ import annotations

import functools
from fractions import Fraction

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.estimates import _kernels as kernels
from maxrl_est.estimates._kernels import generic
from maxrl_est.estimates._kernels.circle_rules import rule, serves
from maxrl_est.estimates.groups import need_size
from maxrl_est.objectives import Expansion, Objective

_POWERS_AT_ONCE = 1 << 20  # estimates of powers held at once, 8 MiB
_POWERS = 64  # E_k <= 2^-k where the mean failure mass is at most 1/2, so that further terms round off


def loo_weights(values: Array, objective: Objective | None) -> Array:
    """Leave-one-out weights (B, N) in a new array."""
    weights = np.empty(values.shape, dtype=values.dtype)
    fill_loo_weights(values, objective, weights)
    return weights


def fill_loo_weights(values: Array, objective: Objective | None, weights: Array) -> None:
    """Fill weights (B, N), C-contiguous: leave-one-out. Groups of float32 are for MaxRL of order N alone."""
    if values.dtype == object:
        generic.loo_weights(values, rationals(objective, values.shape[1]), False, weights)
    elif values.dtype == np.float32:
        kernels.full_order_weights_single(values, weights)
    elif objective is None:
        kernels.full_order_weights(values, weights)
    else:
        _fill_by_expansion(values, objective.expansion, weights)


def _fill_by_expansion(values: FloatArray, by: Expansion, weights: FloatArray) -> None:
    """By a circle of points where that is quicker: MaxRL of any order, and pass@k, which is 1 less a power."""
    c, size = by.coefficients, values.shape[1]
    form = by.form if serves(size, c.size) else None
    if form == "maxrl":
        kernels.maxrl_weights(values, rule(size, c.size), weights)
    elif form == "pass_at":
        kernels.failure_power_of_others(values, rule(size, c.size), weights)
        np.subtract(1.0, weights, out=weights)
    else:
        kernels.loo_weights(values, c, by.successes, weights)


def weight_estimate(values: Array, objective: Objective | None) -> Array:
    """Estimates (B,) of w(p) from all rollouts; None is MaxRL of order N + 1."""
    if values.dtype == object:
        c = rationals(objective, values.shape[1] + 1)
        powers = np.empty((len(values), len(c)), dtype=object)
        generic.powers(values, False, powers)
        return np.asarray((powers * c).sum(axis=-1))
    if objective is not None:
        return _combined_powers(values, objective.expansion.coefficients, objective.expansion.successes)
    estimates = np.empty(len(values))
    kernels.full_order_weight_estimate(values, estimates)
    return estimates


def objective_estimate(values: Array, objective: Objective | None) -> Array:
    """Estimates (B,) of J(p)."""
    size = values.shape[1]
    if values.dtype == object:
        c = rationals(objective, size)
        powers = np.empty((len(values), len(c) + 1), dtype=object)
        generic.powers(values, False, powers)
        return np.asarray(-(powers[:, 1:] * c / np.arange(1, len(c) + 1)).sum(axis=-1))
    if objective is not None:
        by = objective.expansion
        return _combined_powers(values, by.integrated(), by.successes)
    estimates, terms = np.empty(len(values)), min(size, _POWERS)
    by_powers = (values.mean(axis=-1) >= 0.5) | (size == terms)  # accurate even where J is near 0
    few = Expansion(False, np.ones(terms), 1.0).integrated()
    estimates[by_powers] = _combined_powers(_chosen(values, by_powers), few, False)
    by_integral = np.empty(np.count_nonzero(~by_powers))
    if by_integral.size:
        kernels.full_order_objective_estimate(_chosen(values, ~by_powers), *_harmonic(size), by_integral)
        estimates[~by_powers] = by_integral
    return estimates


@functools.lru_cache(maxsize=64)
def _harmonic(size: int) -> tuple[float, float]:
    """H_N as a float and what that leaves of it."""
    unit = 2**120
    whole = sum(unit // k for k in range(1, size + 1))
    return whole / unit, float(Fraction(whole, unit) - Fraction(whole / unit))


def _chosen(values: FloatArray, groups: Array) -> FloatArray:
    """Some of the groups, read-only as all are: kernels are compiled again for writeable arrays."""
    some = values[groups]
    some.flags.writeable = False
    return some


def mean_of_others(values: Array) -> Array:
    """Mean of the other rollouts (B, N), for each of the N >= 2."""
    need_size(values.shape[1], 2, "the mean of the others")
    means = np.empty(values.shape, dtype=values.dtype)
    (generic if values.dtype == object else kernels).mean_of_others(values, means)
    return means


def failure_of_others(values: Array) -> Array:
    """Chance (B, N) that all the other rollouts fail: their E_{N-1}, the product of 1 - l."""
    products = np.empty(values.shape, dtype=values.dtype)
    (generic if values.dtype == object else kernels).failure_of_others(values, products)
    return products


def fill_failure_powers(values: Array, powers: Array) -> None:
    """Fill powers (B, K + 1), K <= N, with E_0..E_K."""
    (generic if values.dtype == object else kernels).powers(values, False, powers)


def fill_loo_failure_powers(values: Array, powers: Array) -> None:
    """Fill powers (B, N, K + 1), K < N, with E_0..E_K of the others."""
    (generic if values.dtype == object else kernels).loo_failure_powers(values, powers)


def rationals(objective: Objective | None, largest: int) -> Array:
    """The exact coefficients (T,)."""
    if objective is None:
        return np.array([Fraction(1)] * largest, dtype=object)
    return np.array(objective.rational_coefficients, dtype=object)


def _combined_powers(values: FloatArray, coefficients: FloatArray, successes: bool) -> FloatArray:
    """sum_k c_k E_k (B,) of groups (B, N), some groups at a time so that the powers stay small."""
    combined = np.empty(len(values))
    step = max(1, _POWERS_AT_ONCE // coefficients.size)
    for start in range(0, len(values), step):
        block = values[start : start + step]
        powers = np.empty((len(block), coefficients.size))
        kernels.powers(block, successes, powers)
        combined[start : start + step] = _row_sums(powers * coefficients)
    return combined


def _row_sums(terms: FloatArray) -> FloatArray:
    """Sums (B,) of the rows of terms (B, K), rounded once: pair by pair, and what each addition loses is added up."""
    lost = np.zeros(len(terms))
    while (half := terms.shape[1] // 2) > 0:
        total = terms[:, :half] + terms[:, half : 2 * half]
        lost += generic.rounded_off(terms[:, :half], terms[:, half : 2 * half], total).sum(axis=-1)
        terms = np.concatenate([total, terms[:, 2 * half :]], axis=-1)
    return np.asarray(terms[:, 0] + lost)
