"""Advantages from leave-one-out weights, less a baseline that leaves the expectation as it is."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import finite, is_number, whole
from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates import baselines
from maxrl_est.estimates.baselines import Baseline, recipe
from maxrl_est.estimates.grouped import flat_of, of_groups
from maxrl_est.estimates.groups import Groups, groups_of
from maxrl_est.estimates.logarithms import warn_of_underflow
from maxrl_est.estimates.ratios import OffPolicy, computed, off_policy
from maxrl_est.estimates.ratios import weights_and_advantages as weights_and_advantages_off_policy
from maxrl_est.estimates.threads import in_blocks
from maxrl_est.estimators.designs import Design
from maxrl_est.estimators.designs._unbiased import Unbiased
from maxrl_est.objectives import ObjectiveLike


def advantages(
    likelihoods: npt.ArrayLike | None = None,
    objective: ObjectiveLike = None,
    *,
    baseline: Baseline = None,
    log_likelihoods: npt.ArrayLike | None = None,
    log_ceiling: float = 0.0,
    ratios: npt.ArrayLike | None = None,
    control: Any = 0,
    groups: Any = None,
    design: Design | None = None,
    out: Array | None = None,
    n_threads: int = 1,
) -> Array:
    """Advantages ``A_i = omega_i l_i - b_i (..., N)`` with leave-one-out weights omega: unbiased for any likelihoods.

    Drop-in for the advantages of a policy-gradient trainer: ``(1/N) sum_i A_i S_i`` with scores S_i is an unbiased
    estimate of ``w(p) grad p``, since b_i does not depend on rollout i.

    Cost per group: O(N) for MaxRL of order N, with ``"pass_loo"`` of order N - 1, and from N = 256 on of any order;
    O(N T) otherwise.
    Not for likelihoods far below 1/N on every rollout: all weights are then near T, and the gradient is that of
    expected likelihood. Which baseline has least variance depends on the problem: each is a guess of the pass rate.

    Parameters
    ----------
    likelihoods : (..., N) numbers in [0, 1]
    objective : an `Objective` of order T <= N; an int T for MaxRL of order T; None for MaxRL of the largest order that
        the baseline admits, N, or N - 1 with ``"pass_loo"``
    baseline : what is subtracted, one of

        - None, the default: ``"mean_loo"``; in groups of one, which have no others, ``"none"``
        - ``"mean_loo"``: omega_i times the others' mean likelihood. Needs N >= 2; RLOO at order 1
        - ``"pass_loo"``: the others' estimate of p w(p), which for MaxRL is their pass@T. Needs T <= N - 1. Advantages
          of a group then sum to zero; order 1 is RLOO, and order N - 1 is MaxRL as trainers ship it, on 0/1 rewards. It
          is a difference of numbers up to 1 and rounds as such, however small the likelihoods are
        - ``"one"``: 1, the paper's control variate. For 0/1 rewards and T = N: N/K - 1 for successes, -1 for failures,
          K = 0 included. It raises the variance of hard prompts, where nearly every advantage is -1
        - ``"one_over_n"``: 1/N
        - ``"none"``: 0
        - ``("beta", alpha, beta)``: omega_i t_i with t_i = (sum of the others' l + alpha) / (N - 1 + alpha + beta). Of
          0/1 rewards, where pass rates have the law Beta(alpha, beta), it makes the mean square of advantages least,
          whatever the objective; `maxrl_est.estimators.fit_prior` fits one. (0, 0) is ``"mean_loo"``, (1, 0) is
          ``"one"`` on 0/1 rewards for T = N, and a large beta nears ``"none"``. Not where scores of right and of wrong
          answers differ much in size, as those of a policy of two outcomes do
        - a number: itself
    log_likelihoods : (..., N) logarithms in their place, as in `maxrl_est.loo_weights`; below -745 l is 0, with a
        warning where a group has nothing else: `maxrl_est.log_weights` lose nothing
    log_ceiling : what no log-likelihood exceeds
    ratios, control : (..., N) pi / mu of whole rollouts that another policy mu drew, and a constant, as in
        `maxrl_est.loo_weights`: ``A_i = rho_i (omega_i l_i - b_i)``, an unbiased estimate with the scores of pi, the
        policy that is differentiated. All baselines stay free, since each is made of the others alone: b_i is what it
        is above with x_j, or 1 - x_j, in the place of the others' 1 - l_j, or l_j, x_j = 1 - rho_j l_j + c (rho_j - 1)
        (advantages with ``"pass_loo"`` sum to zero no more). Not for ratios that are cut off, nor of single tokens: the
        first are biased by what is cut, baselines no longer being free, the second miss the tokens before
    groups : ids (M,) of the groups of flat likelihoods (M,), as in `maxrl_est.loo_weights`
    design : one of `maxrl_est.designs` that decided how many rollouts each group has, in any order, of 0/1 rewards;
        None: their number was given beforehand. ``(1/N) sum_i A_i S_i`` over the N that were drawn is then unbiased
        for an objective that the design reaches, None for MaxRL of the largest such order. The baseline is ``"none"``,
        the default, or a number, of which ``N / cap`` times is subtracted: the same multiple of every score
    out, n_threads : as in `maxrl_est.loo_weights`

    Returns
    -------
    (..., N), or (M,), float64; float32 for float32 input, Fractions for Fractions

    Raises
    ------
    TypeError, ValueError
        As `maxrl_est.loo_weights` does; for a baseline that is none of these, is not finite, or needs more rollouts;
        with a design for ratios, other baselines, rewards but 0 and 1, groups with which it does not end, and an
        objective with a term (1-p)^k where it never comes to 1 success and k failures.

    Source: MaxRL (arXiv 2602.02710) and W. Hoeffding's U-statistics (1948); ``"mean_loo"`` is in
    nlyu1/maxrl-statistics, and the order N - 1 of what trainers ship in linjiw/curriculum-maxrl.

    >>> advantages([1, 0, 0, 0])
    array([ 4.        , -0.66666667, -0.66666667, -0.66666667])
    >>> advantages([1, 0, 0, 0], baseline="one")
    array([ 3., -1., -1., -1.])
    >>> advantages([1, 0, 0, 0], 1, baseline="pass_loo")  # RLOO
    array([ 1.        , -0.33333333, -0.33333333, -0.33333333])
    >>> advantages([1, 1, 0, 0, 0], groups=["a", "b", "a", "b", "b"])
    array([ 2.  ,  3.  , -1.  , -0.75, -0.75])
    >>> from maxrl_est import designs
    >>> advantages([1, 0, 0, 1, 0], groups=["a", "b", "b", "b", "a"], design=designs.until_mixed(3))
    array([2., 0., 0., 3., 0.])
    >>> advantages([1, 0, 0, 0], ratios=[0.5, 1, 2, 1], control=1)
    array([ 4.        ,  0.        , -1.33333333,  0.        ])
    """
    asked = objective, baseline, whole("n_threads", n_threads)
    given = _given(likelihoods, log_likelihoods, log_ceiling, groups)
    _need_range(baseline, given)
    values, off = given.values, off_policy(given, ratios, control)
    if design is not None and off is not None:
        raise ValueError(
            "ratios must be None where a design is given: it stops by rewards of the policy that drew them"
        )
    unbiased = None if design is None else Unbiased(design, objective, baseline)

    def fill(filled: Array) -> None:
        if unbiased:
            unbiased.fill(given, groups, filled)
        elif off is not None:
            filled[:] = _off_policy(given, off, groups, *asked)[1]
        elif groups is None:
            _fill(values, np.empty_like(values), filled, *asked)
        else:
            filled[:] = of_groups(given, groups, lambda of: _made(of, *asked), 2)[1]

    warn_of_underflow(log_likelihoods, given, groups)
    found: Array = given.fill(out, fill, (given.size,), values.dtype)
    return found


def weights_and_advantages(
    likelihoods: npt.ArrayLike | None = None,
    objective: ObjectiveLike = None,
    *,
    baseline: Baseline = None,
    log_likelihoods: npt.ArrayLike | None = None,
    log_ceiling: float = 0.0,
    ratios: npt.ArrayLike | None = None,
    control: Any = 0,
    groups: Any = None,
) -> tuple[Array, Array]:
    """The leave-one-out weights ``(..., N)`` and the `advantages` ``(..., N)`` made of them.

    Not for one of the two alone: `maxrl_est.loo_weights` and `advantages` give that.

    Parameters
    ----------
    likelihoods, objective, baseline, log_likelihoods, log_ceiling, groups : as in `advantages`
    ratios, control : as in `advantages`; a rollout's own ratio is a factor of its advantage and no part of its weight

    Returns
    -------
    weights (..., N) of the objective that the baseline admits, and advantages (..., N)

    Raises
    ------
    TypeError, ValueError
        As `advantages` does.

    >>> weights_and_advantages([1, 0])
    (array([2., 1.]), array([ 2., -1.]))
    >>> weights_and_advantages([1, 0], ratios=[0.5, 1])
    (array([2. , 1.5]), array([ 1.  , -0.75]))
    """
    given = _given(likelihoods, log_likelihoods, log_ceiling, groups)
    _need_range(baseline, given)
    off = off_policy(given, ratios, control)
    if off is not None:
        weights, found = _off_policy(given, off, groups, objective, baseline, 1)
    elif groups is None:
        weights, found = _made(given.values, objective, baseline, 1)
    else:
        weights, found = of_groups(given, groups, lambda of: _made(of, objective, baseline, 1), 2)
    warn_of_underflow(log_likelihoods, given, groups)
    return given.back(weights), given.back(found)


def _given(
    likelihoods: npt.ArrayLike | None, log_likelihoods: npt.ArrayLike | None, log_ceiling: float, ids: Any
) -> Groups:
    """Groups (B, N), or flat likelihoods (1, M) where groups are told by ids."""
    return (groups_of if ids is None else flat_of)(likelihoods, log_likelihoods, log_ceiling)


def _off_policy(
    given: Groups, off: OffPolicy, ids: Any, objective: ObjectiveLike, baseline: Baseline, n_threads: int
) -> list[Array]:
    """Weights and advantages, in the shape of checked groups, of rollouts with ratios."""

    def made(values: Array, off: OffPolicy) -> list[Array]:
        return weights_and_advantages_off_policy(values, off, recipe(objective, baseline, values.shape[1]), n_threads)

    return computed(given, off, ids, made, 2)


def _need_range(baseline: Baseline, given: Groups) -> None:
    """ValueError for a number that is a float64, and infinite in the float32 of the caller."""
    if given.returned == np.float32 and is_number(baseline):
        largest = float(np.finfo(np.float32).max)
        if abs(finite("baseline", baseline)) > largest:
            raise ValueError(f"baseline must be at most {largest:.6g} for likelihoods in float32, got {baseline}")


def _made(values: Array, *asked: Any) -> tuple[Array, Array]:
    weights, advantages = np.empty_like(values), np.empty_like(values)
    _fill(values, weights, advantages, *asked)
    return weights, advantages


def _fill(
    values: Array, weights: Array, advantages: Array, objective: ObjectiveLike, baseline: Baseline, n_threads: int
) -> None:
    """Fill weights and advantages (B, N) of checked groups (B, N)."""
    made_of = recipe(objective, baseline, values.shape[1])
    in_blocks(partial(baselines.fill, made_of), n_threads, values, weights, advantages)
