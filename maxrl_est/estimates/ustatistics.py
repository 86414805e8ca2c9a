"""Unbiased estimates from groups of likelihoods: the validated public face of the kernels.

Every function takes likelihoods ``(..., N)``: N rollouts of one prompt on the last axis, any batch axes before
it. Bool, integer and float input is computed in float64 (float32 is returned as float32); object arrays of
``fractions.Fraction`` or int are computed exactly. Inputs are never written to, and nothing is clipped: a
number that is not a likelihood is an error that says where it is.

Logarithms may be given instead, as ``log_likelihoods=``: then l = exp(log_likelihoods - log_ceiling) in float64, where
``log_ceiling`` is a known upper bound of theirs, such as the logarithm of a density at its peak, and -inf is l = 0.
Below about -745 l is less than any positive float64 and so is 0, which changes no weight. A ceiling is a choice of
scale: it changes nothing in the limit of maximum likelihood, but it does change J_T. If all likelihoods are far below
1/N, every weight is near T and the gradient is that of expected likelihood, only scaled; so the ceiling should be as
low as is known.
"""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from maxrl_est._typing import Array, FloatArray
from maxrl_est.estimates._kernels import Kernels, generic
from maxrl_est.estimates.groups import Groups
from maxrl_est.objectives import Objective, ObjectiveLike, resolve

_POWERS_AT_ONCE = 1 << 20  # estimates of powers held at once, 8 MiB
_POWERS = 64  # E_k <= 2^-k where the mean failure mass is at most 1/2, so that further terms round off


def loo_weights(
    likelihoods: npt.ArrayLike | None = None,
    objective: ObjectiveLike = None,
    *,
    log_likelihoods: npt.ArrayLike | None = None,
    log_ceiling: float = 0.0,
    out: Array | None = None,
) -> Array:
    """Leave-one-out weights ``omega (..., N)``: each rollout's estimate of w(p) from the other N-1 rollouts.

    Because omega_i is independent of rollout i, ``(1/N) sum_i omega_i l_i S_i`` with scores S_i is an unbiased
    estimate of ``w(p) grad p``. By U-statistics: ``omega_i = sum_k c_k E_k(1 - l_{-i})``, where E_k averages the
    products of all k-subsets; among estimates that know nothing about the law of l, none has less variance.

    Cost per group: O(N) for MaxRL of order T = N (the default), O(N T) otherwise. Not for likelihoods of known
    form (one of few parameters): then better estimates of w(p) exist.

    Parameters
    ----------
    likelihoods : (..., N) numbers in [0, 1]
    objective : an `Objective` of order T <= N; an int T for MaxRL of order T; None for MaxRL of order N
    log_likelihoods : (..., N) their logarithms in their place; l is ``exp(log_likelihoods - log_ceiling)``
    log_ceiling : what no log-likelihood exceeds
    out : (..., N) array to fill and return; float64, or float32 for float32 input

    Raises
    ------
    TypeError, ValueError
        For likelihoods outside [0, 1], NaN, complex, masked or ragged, and for T > N, where no unbiased
        estimate exists: expectations from N values are polynomials of degree at most N in the law.

    Source: R. Hoeffding's U-statistics (1948) applied to MaxRL (arXiv 2602.02710).

    >>> loo_weights([1, 0, 0, 0])  # one success: N/K for it, and what its absence would mean for the others
    array([4., 2., 2., 2.])
    >>> loo_weights([0.5, 0.25], 1)  # order 1, the expected reward: no weighting
    array([1., 1.])
    >>> loo_weights(log_likelihoods=[-1e6, -2.0, float("-inf")], log_ceiling=-2.0)
    array([1.5, 3. , 1.5])
    """
    groups = Groups(likelihoods, log_likelihoods, log_ceiling)
    groups.need_rollouts()
    coefficients = resolve(objective, groups.size, groups.size)

    def fill(kernels: Kernels, values: Array, weights: Array) -> None:
        if coefficients is None:
            kernels.full_order_weights(values, weights)
        else:
            kernels.loo_weights(values, coefficients.coefficients, weights)

    def fill_exactly(values: Array, weights: Array) -> None:
        generic.loo_weights(values, _rationals(objective, groups.size), weights)

    weights: Array = groups.map(fill, fill_exactly, (groups.size,), out)
    return weights


def weight_estimate(
    likelihoods: npt.ArrayLike | None = None,
    objective: ObjectiveLike = None,
    *,
    log_likelihoods: npt.ArrayLike | None = None,
    log_ceiling: float = 0.0,
) -> Any:
    """Estimate ``(...)`` of w(p) from all N given rollouts, unbiased: ``sum_k c_k E_k(1 - l)``.

    N rollouts estimate powers up to (1-p)^N, so orders T <= N + 1 are possible and None stands for T = N + 1:
    ``weight_estimate(peers)`` is the leave-one-out weight of the rollout whose N peers are given. Not for
    weighting the same rollouts: omega_i must not know l_i, use `loo_weights`. N = 0 gives c_0.

    >>> weight_estimate([0, 0, 0])  # three peers failed: the weight of order 4
    4.0
    >>> weight_estimate([0.5, 0.25], 2)
    1.625
    """
    groups = Groups(likelihoods, log_likelihoods, log_ceiling)
    coefficients = resolve(objective, groups.size, groups.size + 1)

    def fill(kernels: Kernels, values: Array, estimates: Array) -> None:
        if coefficients is None:
            kernels.full_order_weight_estimate(values, estimates)
        else:
            estimates[:] = _combined_powers(kernels, values, coefficients.coefficients)

    def fill_exactly(values: Array, estimates: Array) -> None:
        c = _rationals(objective, groups.size + 1)
        powers = np.empty((len(values), len(c)), dtype=object)
        generic.failure_powers(values, powers)
        estimates[:] = (powers * c).sum(axis=-1)

    return groups.map(fill, fill_exactly, ())


def objective_estimate(
    likelihoods: npt.ArrayLike | None = None,
    objective: ObjectiveLike = None,
    *,
    log_likelihoods: npt.ArrayLike | None = None,
    log_ceiling: float = 0.0,
) -> Any:
    """Estimate ``(...)`` of J(p) from N rollouts, unbiased: ``-sum_{k=1..T} c_{k-1} E_k(1 - l) / k``.

    For monitoring: it is the number whose expectation training with `loo_weights` ascends, and
    ``omega_i = N dJ/dl_i``. Not an estimate of log p: that has none, J_N lies above it.

    None stands for MaxRL of order N, in O(N) (relative error of a few roundings); other orders cost O(N T).

    >>> objective_estimate([1, 0, 0])  # harmonic numbers H_1 - H_3
    -0.8333333333333333
    >>> objective_estimate([0.5, 0.25], 1)  # mean likelihood - 1
    -0.625
    """
    groups = Groups(likelihoods, log_likelihoods, log_ceiling)
    groups.need_rollouts()
    coefficients = resolve(objective, groups.size, groups.size)

    def fill(kernels: Kernels, values: Array, estimates: Array) -> None:
        if coefficients is not None:
            estimates[:] = _integrated_powers(kernels, values, coefficients.coefficients)
            return
        terms = min(groups.size, _POWERS)
        by_powers = (values.mean(axis=-1) >= 0.5) | (groups.size == terms)  # accurate even where J is near 0
        estimates[by_powers] = _integrated_powers(kernels, values[by_powers], np.ones(terms))
        by_integral = np.empty(np.count_nonzero(~by_powers))
        harmonic_number = math.fsum(1 / k for k in range(1, groups.size + 1)) if by_integral.size else 0.0
        kernels.full_order_objective_estimate(values[~by_powers], harmonic_number, by_integral)
        estimates[~by_powers] = by_integral

    def fill_exactly(values: Array, estimates: Array) -> None:
        c = _rationals(objective, groups.size)
        powers = np.empty((len(values), len(c) + 1), dtype=object)
        generic.failure_powers(values, powers)
        estimates[:] = -(powers[:, 1:] * c / np.arange(1, len(c) + 1)).sum(axis=-1)

    return groups.map(fill, fill_exactly, ())


def failure_powers(
    likelihoods: npt.ArrayLike | None,
    max_power: int,
    *,
    log_likelihoods: npt.ArrayLike | None = None,
    log_ceiling: float = 0.0,
) -> Array:
    """Estimates ``(..., K+1)`` of (1-p)^0, ..., (1-p)^K from N >= K rollouts, unbiased and of least variance.

    E_k is the mean of the product of 1 - l over all k-subsets. Cost O(N K). Use it to build estimates of
    other polynomials in p; for the weights themselves `loo_weights` is faster.

    >>> failure_powers([1, 0, 0], 3)
    array([1.        , 0.66666667, 0.33333333, 0.        ])
    """
    groups = Groups(likelihoods, log_likelihoods, log_ceiling)
    power = _power(max_power, groups.size, "N")
    estimates: Array = groups.map(
        lambda kernels, values, powers: kernels.failure_powers(values, powers),
        generic.failure_powers,
        (power + 1,),
    )
    return estimates


def loo_failure_powers(
    likelihoods: npt.ArrayLike | None,
    max_power: int,
    *,
    log_likelihoods: npt.ArrayLike | None = None,
    log_ceiling: float = 0.0,
) -> Array:
    """Estimates ``(..., N, K+1)`` of (1-p)^0, ..., (1-p)^K for every rollout from the other N-1 >= K.

    Cost O(N K log N) time and the table itself in memory, each entry to a few roundings. Use it to study or
    combine powers; for any fixed combination `loo_weights` needs neither the table nor the logarithm.

    >>> loo_failure_powers([1, 0, 0], 2)[0]
    array([1., 1., 1.])
    """
    groups = Groups(likelihoods, log_likelihoods, log_ceiling)
    groups.need_rollouts()
    power = _power(max_power, groups.size - 1, "N - 1")
    estimates: Array = groups.map(
        lambda kernels, values, powers: kernels.loo_failure_powers(values, powers),
        generic.loo_failure_powers,
        (groups.size, power + 1),
    )
    return estimates


def _rationals(objective: ObjectiveLike, largest: int) -> Array:
    """The exact coefficients (T,) of an objective that `resolve` admits; None stands for the largest order."""
    if isinstance(objective, Objective):
        return np.array(objective.rational_coefficients, dtype=object)
    return np.array([Fraction(1)] * (largest if objective is None else objective), dtype=object)


def _integrated_powers(kernels: Kernels, values: FloatArray, coefficients: FloatArray) -> FloatArray:
    """-sum_k c_{k-1} E_k / k (B,) of groups (B, N)."""
    return -_combined_powers(kernels, values, np.append(0.0, coefficients / np.arange(1, coefficients.size + 1)))


def _combined_powers(kernels: Kernels, values: FloatArray, coefficients: FloatArray) -> FloatArray:
    """sum_k c_k E_k (B,) of groups (B, N), some groups at a time so that the powers stay small."""
    combined = np.empty(len(values))
    step = max(1, _POWERS_AT_ONCE // coefficients.size)
    for start in range(0, len(values), step):
        block = values[start : start + step]
        powers = np.empty((len(block), coefficients.size))
        kernels.failure_powers(block, powers)
        combined[start : start + step] = powers @ coefficients
    return combined


def _power(max_power: int, largest: int, bound: str) -> int:
    try:
        power = operator.index(max_power)
    except TypeError:
        raise TypeError(f"max_power is {max_power!r}: it must be an int") from None
    if not 0 <= power <= largest:
        raise ValueError(f"max_power is {power}: it must lie in [0, {bound}] = [0, {largest}]")
    return power
