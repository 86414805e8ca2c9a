"""The gradient of what an estimator is meant to ascend."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._arguments import words
from maxrl_est._arguments.protocols import Array, Problem, RolloutMoments
from maxrl_est.measures._enumerated import exact_moments, finite
from maxrl_est.objectives.targets import LogMean, LogPassRate, MeanLessVariance, OverLevels, Target, checked_target
from maxrl_est.problems._laws import law


def target_gradient(problem: Problem, target: Target) -> Array:
    """Gradient ``(d,)`` of a target at a problem, the mean of its gradients at the prompts.

    Exact Fractions where the problem is made of them, `LogMean` aside.

    Parameters
    ----------
    problem : a law
    target : one of

        - an `Objective`: w(p) grad p
        - `OverLevels`: the same of each level set, by ``prompt.gradient_over_levels``
        - `MeanLessVariance`: (1 + 2 c p) E l S - c E l^2 S, by ``prompt.moments``
        - `LogPassRate`: grad p / p, so no prompt may have p = 0
        - `LogMean`: over all groups of its size, so likelihoods are above 0 and finitely many; in floats

    Returns
    -------
    (d,) float64 or Fractions

    Raises
    ------
    TypeError, ValueError
        Where the problem is no law, or the target has no gradient at it.

    >>> from fractions import Fraction
    >>> from maxrl_est.problems import Bernoulli
    >>> target_gradient(Bernoulli(Fraction(1, 4)), LogPassRate())
    array([Fraction(3, 4)], dtype=object)
    """
    target = checked_target("target", target)
    return np.asarray(sum(weight * _of_one_prompt(prompt, target) for weight, prompt in law(problem).prompts))


def _of_one_prompt(prompt: Any, target: Target) -> Array:
    match target:
        case OverLevels(objective):
            return np.asarray(prompt.gradient_over_levels(objective))
        case MeanLessVariance(c):
            return _of_mean_and_variance(prompt.moments, c)
        case LogPassRate():
            if prompt.pass_rate == 0:
                raise ValueError(f"problem must have p > 0, got {words(prompt)}: log p has no gradient at p = 0")
            return np.asarray(prompt.grad_pass_rate / prompt.pass_rate)
        case LogMean(n):
            return _of_log_mean(prompt, n)
    return np.asarray(target.weight(prompt.pass_rate) * prompt.grad_pass_rate)


def _of_mean_and_variance(moments: RolloutMoments, c: Fraction) -> Array:
    """Grad E l - c (grad E l^2 - 2 p grad E l)."""
    factor = c if isinstance(moments.p, Fraction) else float(c)
    return np.asarray((1 + 2 * factor * moments.p) * moments.lS - factor * moments.l2S)


def _of_log_mean(prompt: Any, n: int) -> Array:
    """By the score function: the gradient of E f(group) is E f(group) times the sum of all scores."""
    for index, likelihood in enumerate(finite(prompt).likelihoods):
        if likelihood == 0:
            raise ValueError(f"problem must have likelihoods above 0, got likelihoods[{index}] = 0 of {prompt}")

    def for_every_score(likelihoods: Array) -> Array:
        means = np.log(likelihoods.astype(np.float64).mean(axis=-1, keepdims=True))
        return np.broadcast_to(n * means, likelihoods.shape)

    return exact_moments(prompt, for_every_score, n).mean
