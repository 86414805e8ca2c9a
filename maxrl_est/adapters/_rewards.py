"""Rewards of a trainer as what they stand for."""

from __future__ import annotations

from maxrl_est._typing import Array
from maxrl_est.estimators.advantages import advantages
from maxrl_est.objectives import ObjectiveLike


def advantages_of_rewards(
    rewards: Array, objective: ObjectiveLike, baseline: str | float, log_ceiling: float | None
) -> Array:
    """Advantages (..., N) of rewards (..., N): likelihoods, or log-likelihoods where there is a ceiling of them."""
    if log_ceiling is None:
        return advantages(rewards, objective, baseline=baseline)
    return advantages(None, objective, baseline=baseline, log_likelihoods=rewards, log_ceiling=log_ceiling)
