"""Advantages from leave-one-out weights, less a baseline that leaves the expectation as it is."""

from __future__ import annotations

import sys
from fractions import Fraction
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from maxrl_est._typing import Array
from maxrl_est.estimates.groups import as_groups
from maxrl_est.estimates.means import mean_of_others
from maxrl_est.estimates.ustatistics import loo_weights
from maxrl_est.objectives import Objective, ObjectiveLike, order_of

BASELINES = ("none", "one", "one_over_n", "pass_loo", "mean_loo")


def advantages(
    likelihoods: npt.ArrayLike | None = None,
    objective: ObjectiveLike = None,
    *,
    baseline: str | float = "one",
    log_likelihoods: npt.ArrayLike | None = None,
    log_ceiling: float = 0.0,
) -> Array:
    """Advantages ``omega_i l_i - b_i (..., N)`` with leave-one-out weights omega: unbiased for any likelihoods.

    Drop-in for the advantages of a policy-gradient trainer. Every baseline leaves the expectation as it is,
    because b_i does not depend on rollout i:

    - ``"one"``: 1. For 0/1 rewards and T = N this is MaxRL: N/K - 1 for successes, -1 for failures, K = 0 included.
    - ``"none"``: 0.
    - ``"one_over_n"``: 1/N.
    - ``"pass_loo"``: the others' estimate of p w(p), which for MaxRL is their pass@T. The advantages of a group
      then sum to zero; order 1 is RLOO. Needs T <= N - 1; None stands for that order. It is a difference of
      numbers up to 1 and rounds as such, however small the likelihoods are.
    - ``"mean_loo"``: omega_i times the others' mean likelihood. Needs N >= 2.
    - a number: itself.

    Which of them has least variance depends on the problem. Not for likelihoods far below 1/N on every rollout:
    all weights are then near T and the gradient is that of expected likelihood. Logarithms of likelihoods
    are taken as in `loo_weights`.

    >>> advantages([1, 0, 0, 0])
    array([ 3., -1., -1., -1.])
    >>> advantages([1, 0, 0, 0], 1, baseline="pass_loo")  # RLOO
    array([ 1.        , -0.33333333, -0.33333333, -0.33333333])
    """
    return weights_and_advantages(
        likelihoods, objective, baseline=baseline, log_likelihoods=log_likelihoods, log_ceiling=log_ceiling
    )[1]


def weights_and_advantages(
    likelihoods: npt.ArrayLike | None = None,
    objective: ObjectiveLike = None,
    *,
    baseline: str | float = "one",
    log_likelihoods: npt.ArrayLike | None = None,
    log_ceiling: float = 0.0,
) -> tuple[Array, Array]:
    """`advantages` ``(..., N)`` after the leave-one-out weights ``(..., N)`` they are made of.

    >>> weights_and_advantages([1, 0])
    (array([2., 1.]), array([ 1., -1.]))
    """
    groups = as_groups(likelihoods, log_likelihoods, log_ceiling)
    values, size = groups.values, groups.values.shape[-1]
    if baseline == "pass_loo":
        order = max(1, size - 1) if objective is None else order_of(objective)
        if order > size - 1:
            raise ValueError(f"baseline is 'pass_loo': order T = {order} needs T + 1 rollouts a group, and N = {size}")
        objective = objective if isinstance(objective, Objective) else Objective.maxrl(order)
    weights = loo_weights(values, objective)
    advantages = weights * values - _baseline(baseline, values, weights, objective)
    return groups.returned(weights), groups.returned(advantages)


def _baseline(baseline: str | float, values: Array, weights: Array, objective: ObjectiveLike) -> Any:
    size = values.shape[-1]
    match baseline:
        case "none":
            return 0
        case "one":
            return 1
        case "one_over_n":
            return Fraction(1, size) if values.dtype == object else 1.0 / size
        case "pass_loo":
            assert isinstance(objective, Objective)
            steps = np.diff(np.array((0, *objective.rational_coefficients, 0), dtype=object))
            return loo_weights(values, Objective.from_coefficients(steps))
        case "mean_loo":
            return weights * mean_of_others(values)
    number = a_number(baseline)
    return Fraction(number) if values.dtype == object else float(number)


def a_number(baseline: Any) -> Any:
    """A baseline that is no name, or the error for one that is none either."""
    if isinstance(baseline, str):
        raise ValueError(f"baseline is {baseline!r}: it is a number or one of {', '.join(BASELINES)}")
    if not isinstance(baseline, Real):
        raise TypeError(f"baseline is {baseline!r}: it is a number or one of {', '.join(BASELINES)}")
    number: Any = baseline
    if not -sys.float_info.max <= number <= sys.float_info.max:
        raise ValueError(f"baseline is {str(number)[:20]}: it is finite")
    return number
