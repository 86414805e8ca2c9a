"""Mean and covariance of a gradient estimate, over every group that can occur."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maxrl_est._typing import Array, Estimator, FiniteProblem, Problem, Prompt
from maxrl_est.exact.advantages import ROUNDING, equivariant_advantages

MAX_ROLLOUTS = 10_000_000  # in all the distinct groups that are enumerated


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean ``(d,)`` and covariance ``(d, d)`` of the gradient estimate of one group of n rollouts."""

    mean: Array
    covariance: Array
    rounding: float  # relative error to expect: 0 for exact rationals
    n: int

    @property
    def exact(self) -> bool:
        """Whether the moments are exact rationals."""
        return self.rounding == 0


def exact_moments(problem: Problem, estimator: Estimator, n: int) -> Moments:
    """Mean and covariance of ``g = (1/N) sum_i A_i S_i`` over every possible group of n rollouts.

    Groups that differ in order only are counted once, so the estimator must be permutation equivariant (an
    error says where it is not). s outcomes make C(n+s-1, s-1) groups; past 10^7 rollouts in all this refuses.
    A group belongs to one of the problem's prompts. Not for problems with a continuum of outcomes.

    >>> from fractions import Fraction
    >>> from maxrl_est import estimators, problems
    >>> moments = exact_moments(problems.Bernoulli(Fraction(1, 4)), estimators.get("maxrl"), 2)
    >>> str(moments.mean[0])  # w_2(p) grad p = (2 - 1/4) 3/16
    '21/64'
    """
    parts = [(weight, at_prompt(prompt, estimator, n)) for weight, prompt in problem.prompts]
    mean, covariance = mixture([(weight, moments.mean, moments.covariance) for weight, moments in parts])
    return Moments(mean, covariance, max(moments.rounding for _, moments in parts), n)


def mixture(parts: Sequence[tuple[Any, Array, Array]]) -> tuple[Array, Array]:
    """Mean and covariance over groups of a random prompt, from (probability, mean, covariance) at each."""
    mean = sum(weight * m for weight, m, _ in parts)
    covariance = sum(weight * (within + np.outer(m - mean, m - mean)) for weight, m, within in parts)
    return np.asarray(mean), np.asarray(covariance)


def at_prompt(problem: Prompt, estimator: Estimator, n: int) -> Moments:
    """`exact_moments` at one prompt."""
    if not isinstance(problem, FiniteProblem):
        raise ValueError(
            f"problem {problem} has a continuum of outcomes: closed_form_moments or monte_carlo can do what this cannot"
        )
    outcomes = len(problem.probabilities)
    groups = math.comb(n + outcomes - 1, outcomes - 1) if n >= 1 else 0
    if not 1 <= groups * n <= MAX_ROLLOUTS:
        raise ValueError(
            f"n is {n}: with {outcomes} outcomes that makes {groups} groups, and all of them together must have "
            f"1 to {MAX_ROLLOUTS} rollouts"
        )
    counts = np.array(list(_counts(n, outcomes)))
    outcome = np.array([np.repeat(np.arange(outcomes), count) for count in counts])
    advantages, rounding = equivariant_advantages(estimator, problem.likelihoods[outcome])
    exact = rounding == 0 and problem.probabilities.dtype == object
    scores, probabilities = problem.scores, problem.probabilities
    if not exact:
        advantages, scores = advantages.astype(np.float64), scores.astype(np.float64)
        probabilities = probabilities.astype(np.float64)
    by_outcome = np.stack([(advantages * (outcome == o)).sum(axis=1) for o in range(outcomes)], axis=1)
    gradients = by_outcome @ scores / n
    chances = np.array([group_chance(count, probabilities) for count in counts], dtype=object if exact else np.float64)
    mean = chances @ gradients
    centred = gradients - mean
    covariance = (chances[:, None] * centred).T @ centred
    return Moments(mean, covariance, 0.0 if exact else max(rounding, ROUNDING), n)


def _counts(n: int, outcomes: int) -> Iterator[tuple[int, ...]]:
    """How often each outcome can occur among n rollouts."""
    for bars in itertools.combinations(range(n + outcomes - 1), outcomes - 1):
        edges = (-1, *bars, n + outcomes - 1)
        yield tuple(b - a - 1 for a, b in itertools.pairwise(edges))


def group_chance(count: Array, probabilities: Array) -> Any:
    """Probability that outcomes come this often, in any order."""
    ways, left = 1, int(count.sum())
    for k in count.tolist():
        ways *= math.comb(left, k)
        left -= k
    power = np.prod(probabilities**count)
    if probabilities.dtype == object or ways < 1 << 1000:
        return ways * power
    return math.exp(math.log(ways) + float(np.sum(count * np.log(probabilities))))
