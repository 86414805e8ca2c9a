"""Rewards of a trainer as what they stand for: likelihoods, or log-likelihoods where there is a ceiling of them."""

from __future__ import annotations

from typing import Any

from maxrl_est._arguments import finite
from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates.baselines import Baseline, recipe
from maxrl_est.estimators._advantages import advantages
from maxrl_est.objectives import ObjectiveLike


def check_settings(objective: ObjectiveLike, baseline: Baseline, log_ceiling: float | None, size: int) -> None:
    """TypeError or ValueError for settings that have no advantages in groups of N = size, whatever the rewards are."""
    recipe(objective, baseline, size)
    if log_ceiling is not None:
        finite("log_ceiling", log_ceiling)


def advantages_of_rewards(
    rewards: Array, objective: ObjectiveLike, baseline: Baseline, log_ceiling: float | None, **off_policy: Any
) -> Array:
    """Advantages (..., N) of rewards (..., N), and of ratios and a control where there are any."""
    if log_ceiling is None:
        return advantages(rewards, objective, baseline=baseline, **off_policy)
    return advantages(
        None, objective, baseline=baseline, log_likelihoods=rewards, log_ceiling=log_ceiling, **off_policy
    )
