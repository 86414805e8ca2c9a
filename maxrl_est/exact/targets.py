"""The gradient that an estimator is meant to estimate."""

from __future__ import annotations

from typing import Any

import numpy as np

from maxrl_est._typing import Array, Problem
from maxrl_est.estimators.targets import LogMean, LogPassRate, OverLevels, Target
from maxrl_est.exact.moments import at_prompt
from maxrl_est.objectives import Objective


def target_gradient(problem: Problem, target: Target) -> Array:
    """Gradient ``(d,)`` of what an estimator is meant to ascend, averaged over the prompts.

    >>> from maxrl_est import problems
    >>> coins = problems.Contextual([problems.Bernoulli(0.5), problems.Bernoulli(0.1)])
    >>> target_gradient(coins, Objective.maxrl(2)).round(4).tolist()  # (2 - p) p (1 - p) / 2
    [0.1875, 0.0855]
    """
    parts = [weight * _at_prompt(prompt, target) for weight, prompt in problem.prompts]
    return np.asarray(sum(parts))


def _at_prompt(prompt: Any, target: Target) -> Array:
    match target:
        case Objective():
            return np.asarray(target.weight(prompt.pass_rate) * prompt.grad_pass_rate)
        case OverLevels():
            return np.asarray(prompt.gradient_over_levels(target.objective))
        case LogPassRate():
            if not prompt.pass_rate:
                raise ValueError(f"problem {prompt} has pass rate 0: log p has no gradient there")
            return np.asarray(prompt.grad_pass_rate / prompt.pass_rate)
        case LogMean():
            return at_prompt(prompt, _log_mean_score, target.n).mean


def _log_mean_score(likelihoods: Array) -> Array:
    """Advantages N log mean(l) for the whole group: the score function of E log mean."""
    if not likelihoods.all():
        raise ValueError("likelihoods hold a 0: a logarithm of the mean needs them positive")
    size = likelihoods.shape[-1]
    mean = likelihoods.astype(np.float64).mean(axis=-1, keepdims=True)
    return np.broadcast_to(size * np.log(mean), likelihoods.shape)
