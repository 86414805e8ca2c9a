"""Unbiased estimates from groups of likelihoods: the validated public face of the kernels.

Every function takes likelihoods ``(..., N)``: N rollouts of one prompt on the last axis, any batch axes before
it. Bool, integer and float input is computed in float64 (float32 is returned as float32); object arrays of
``fractions.Fraction`` or int are computed exactly. Inputs are never written to, and nothing is clipped: a
number that is not a likelihood is an error that says where it is.

Logarithms may be given instead, as ``log_likelihoods=``: then l = exp(log_likelihoods - log_ceiling) in float64, where
``log_ceiling`` is a known upper bound of theirs, such as the logarithm of a density at its peak, and -inf is l = 0.
Below about -745 l is less than any positive float64 and so is 0, which changes no weight of an objective in powers of
1 - p; what weights multiply, l itself, is kept by `maxrl_est.log_weights` alone. A ceiling is a choice of scale: it
changes nothing in the limit of maximum likelihood, but it does change J_T. If all likelihoods are far below 1/N, every
weight is near T and the gradient is that of expected likelihood, only scaled; so the ceiling should be as low as is
known.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import whole
from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates import checked
from maxrl_est.estimates.grouped import flat_of, of_groups
from maxrl_est.estimates.groups import groups_of
from maxrl_est.estimates.ratios import OffPolicy, computed, off_policy
from maxrl_est.estimates.ratios import weights as weights_off_policy
from maxrl_est.estimates.threads import in_blocks
from maxrl_est.objectives import ObjectiveLike, resolve


def loo_weights(
    likelihoods: npt.ArrayLike | None = None,
    objective: ObjectiveLike = None,
    *,
    log_likelihoods: npt.ArrayLike | None = None,
    log_ceiling: float = 0.0,
    ratios: npt.ArrayLike | None = None,
    control: Any = 0,
    groups: Any = None,
    out: Array | None = None,
    n_threads: int = 1,
) -> Array:
    """Leave-one-out weights ``omega (..., N)``: each rollout's estimate of w(p) from the other N-1 rollouts.

    Because omega_i is independent of rollout i, ``(1/N) sum_i omega_i l_i S_i`` with scores S_i is an unbiased
    estimate of ``w(p) grad p``. By U-statistics: ``omega_i = sum_k c_k E_k(1 - l_{-i})``, where E_k averages the
    products of all k-subsets; among estimates that know nothing about the law of l, none has less variance.

    A weight is accurate to a few units in the last place (4 for MaxRL of order T = N, else 5) where the coefficients of
    the objective have one sign, in powers of 1 - p or of p (`Objective.expansion`): MaxRL, pass@k, Tsallis, pass^k.
    E_k below 1e-300, as pass@k and pass^k of high k have, are off by up to 1e-315, and may be 0. For other objectives a
    weight is off by up to 1e-9 of the largest, and what would be by more is refused. Fractions are exact.

    Cost per group: O(N) for MaxRL of order T = N (the default) and, from N = 256 on, of any other, whose first weights
    take milliseconds more; O(N T) otherwise. Not for likelihoods of known form (one of few parameters): then better
    estimates of w(p) exist.

    Parameters
    ----------
    likelihoods : (..., N) numbers in [0, 1]
    objective : an `Objective` of order T <= N; an int T for MaxRL of order T; None for MaxRL of order N
    log_likelihoods : (..., N) their logarithms in their place; l is ``exp(log_likelihoods - log_ceiling)``
    log_ceiling : what no log-likelihood exceeds
    ratios : (..., N) pi / mu of whole rollouts that another policy mu drew, at least 0: weights then estimate w(p) of
        pi, the policy that learns. A rollout's own ratio is no part of its weight: `advantages` multiplies by it
    control : a constant c fixed before the rollouts are drawn: in the place of 1 - l_j stands
        ``1 - rho_j l_j + c (rho_j - 1)``. c = 1 makes that rho_j (1 - l_j), which is never negative
    groups : ids (M,) of the groups that flat likelihoods (M,) belong to, strings, ints or whatever can be hashed, in
        any order; groups may have different N, and None for the objective is then each group's own
    out : (..., N) array to fill and return; float64, or float32 for float32 input
    n_threads : how many blocks of groups are worked on at once; worth it from some 10^5 likelihoods on

    Returns
    -------
    (..., N), or (M,), float64; float32 for float32 input, Fractions for Fractions

    Raises
    ------
    TypeError, ValueError
        For likelihoods outside [0, 1], NaN, complex, masked or ragged; for both or neither of likelihoods and
        logarithms, or a ceiling without logarithms; for T > N, where no unbiased estimate exists: expectations from N
        values are polynomials of degree at most N in the law; for an objective whose terms cancel in floats; for ratios
        outside [0, 1e100], not one a likelihood, or not Fractions where those are, and for weights that lose more than
        1e-9 of the largest to terms of both signs, which large ratios have.

    Source: W. Hoeffding's U-statistics (1948) applied to MaxRL (arXiv 2602.02710).

    >>> loo_weights([1, 0, 0, 0])  # one success: N/K for it, and what its absence would mean for the others
    array([4., 2., 2., 2.])
    >>> loo_weights([0.5, 0.25], 1)  # order 1, the expected reward: no weighting
    array([1., 1.])
    >>> loo_weights(log_likelihoods=[-1e6, -2.0, float("-inf")], log_ceiling=-2.0)
    array([1.5, 3. , 1.5])
    >>> loo_weights([1, 1, 0, 0], groups=["a", "b", "a", "a"])
    array([3. , 1. , 1.5, 1.5])
    >>> loo_weights([1, 1, 0], ratios=[0.5, 2, 1], control=1)  # 1 + E_1 + E_2 of rho (1 - l): the failure's is 1
    array([1.5, 1.5, 1. ])
    """
    n_threads = whole("n_threads", n_threads)
    given = (groups_of if groups is None else flat_of)(likelihoods, log_likelihoods, log_ceiling)
    off = off_policy(given, ratios, control)
    values = given.own if groups is None and objective is None and off is None else given.values

    def of_other_policy(of: Array, off: OffPolicy) -> list[Array]:
        return weights_off_policy(of, off, resolve(objective, of.shape[1], of.shape[1]), n_threads)

    def fill(filled: Array) -> None:
        if off is not None:
            filled[:] = computed(given, off, groups, of_other_policy, 1)[0]
        elif groups is None:
            _fill_weights(values, filled, objective, n_threads)
        else:
            filled[:] = of_groups(given, groups, lambda of: (_weights(of, objective, n_threads),), 1)[0]

    weights: Array = given.fill(out, fill, (given.size,), values.dtype)
    return weights


def _weights(values: Array, objective: ObjectiveLike, n_threads: int) -> Array:
    weights = np.empty_like(values)
    _fill_weights(values, weights, objective, n_threads)
    return weights


def _fill_weights(values: Array, weights: Array, objective: ObjectiveLike, n_threads: int) -> None:
    resolved = resolve(objective, values.shape[1], values.shape[1])
    in_blocks(lambda of, filled: checked.fill_loo_weights(of, resolved, filled), n_threads, values, weights)


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

    Parameters
    ----------
    likelihoods : (..., N) numbers in [0, 1], N >= 0
    objective : an `Objective` of order T <= N + 1; an int T for MaxRL of order T; None for MaxRL of order N + 1
    log_likelihoods, log_ceiling : as in `loo_weights`

    Returns
    -------
    (...), a number for one group

    Raises
    ------
    TypeError, ValueError
        As `loo_weights` does, and for T > N + 1.

    >>> weight_estimate([0, 0, 0])  # three peers failed: the weight of order 4
    4.0
    >>> weight_estimate([0.5, 0.25], 2)
    1.625
    """
    groups = groups_of(likelihoods, log_likelihoods, log_ceiling, least=0)
    coefficients = resolve(objective, groups.size, groups.size + 1)
    return groups.back(checked.weight_estimate(groups.values, coefficients))


def objective_estimate(
    likelihoods: npt.ArrayLike | None = None,
    objective: ObjectiveLike = None,
    *,
    log_likelihoods: npt.ArrayLike | None = None,
    log_ceiling: float = 0.0,
) -> Any:
    """Estimate ``(...)`` of J(p) from N rollouts, unbiased: ``-sum_{k=1..T} c_{k-1} E_k(1 - l) / k``.

    For monitoring: it is the number whose expectation training with `loo_weights` ascends, and
    ``omega_i = N dJ/dl_i``. Not an estimate of log p: that has none, J_N lies above it. Accurate as `loo_weights` are;
    of objectives in powers of p, relative to their largest size.

    Parameters
    ----------
    likelihoods : (..., N) numbers in [0, 1]
    objective : as in `loo_weights`; None costs O(N), with a relative error of a few roundings, other orders O(N T)
    log_likelihoods, log_ceiling : as in `loo_weights`

    Returns
    -------
    (...), a number for one group

    Raises
    ------
    TypeError, ValueError
        As `loo_weights` does.

    >>> objective_estimate([1, 0, 0])  # harmonic numbers H_1 - H_3
    -0.8333333333333333
    >>> objective_estimate([0.5, 0.25], 1)  # mean likelihood - 1
    -0.625
    """
    groups = groups_of(likelihoods, log_likelihoods, log_ceiling)
    coefficients = resolve(objective, groups.size, groups.size)
    return groups.back(checked.objective_estimate(groups.values, coefficients))


def failure_powers(
    likelihoods: npt.ArrayLike | None,
    max_power: int,
    *,
    log_likelihoods: npt.ArrayLike | None = None,
    log_ceiling: float = 0.0,
) -> Array:
    """Estimates ``(..., K+1)`` of (1-p)^0, ..., (1-p)^K from N >= K rollouts, unbiased and of least variance.

    E_k is the mean of the product of 1 - l over all k-subsets. Cost O(N K). Use it to build estimates of
    other polynomials in p; for the weights themselves `loo_weights` is faster. Each is accurate to a few units in the
    last place, and below 1e-300 to 1e-315, and may be 0 there.

    Parameters
    ----------
    likelihoods : (..., N) numbers in [0, 1], N >= 0
    max_power : K, at most N
    log_likelihoods, log_ceiling : as in `loo_weights`

    Returns
    -------
    (..., K+1)

    Raises
    ------
    TypeError, ValueError
        As `loo_weights` does, and for K outside [0, N].

    >>> failure_powers([1, 0, 0], 3)
    array([1.        , 0.66666667, 0.33333333, 0.        ])
    """
    groups = groups_of(likelihoods, log_likelihoods, log_ceiling, least=0)
    power = whole("max_power", max_power, 0, groups.size)
    powers = np.empty((len(values := groups.values), power + 1), dtype=values.dtype)
    checked.fill_failure_powers(values, powers)
    back: Array = groups.back(powers)
    return back


def loo_failure_powers(
    likelihoods: npt.ArrayLike | None,
    max_power: int,
    *,
    log_likelihoods: npt.ArrayLike | None = None,
    log_ceiling: float = 0.0,
) -> Array:
    """Estimates ``(..., N, K+1)`` of (1-p)^0, ..., (1-p)^K for every rollout from the other N-1 >= K.

    Cost O(N K log N) time and the table itself in memory, each entry as accurate as in `failure_powers`. Use it to
    study or combine powers; for any fixed combination `loo_weights` needs neither the table nor the logarithm.

    Parameters
    ----------
    likelihoods : (..., N) numbers in [0, 1]
    max_power : K, at most N - 1
    log_likelihoods, log_ceiling : as in `loo_weights`

    Returns
    -------
    (..., N, K+1)

    Raises
    ------
    TypeError, ValueError
        As `loo_weights` does, and for K outside [0, N - 1].

    >>> loo_failure_powers([1, 0, 0], 2)[0]
    array([1., 1., 1.])
    """
    groups = groups_of(likelihoods, log_likelihoods, log_ceiling)
    power = whole("max_power", max_power, 0, groups.size - 1)
    powers = np.empty((*(values := groups.values).shape, power + 1), dtype=values.dtype)
    checked.fill_loo_failure_powers(values, powers)
    back: Array = groups.back(powers)
    return back
