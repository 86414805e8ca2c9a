"""Mean and covariance of a gradient estimate, over every group that can occur."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from maxrl_est._typing import Array, Estimator, FiniteProblem, Problem
from maxrl_est.measures.equivariant import ROUNDING, equivariant_advantages

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
    error says where it is not). A prompt with s outcomes has C(n+s-1, s-1) groups; past 10^7 rollouts in all this
    refuses. A group belongs to one prompt, so that with several the covariance has their spread too. Not for
    problems with a continuum of outcomes, of which `maxrl_est.measures.closed_forms` knows some.

    >>> from fractions import Fraction
    >>> from maxrl_est import estimators, problems
    >>> moments = exact_moments(problems.Bernoulli(Fraction(1, 4)), estimators.get("maxrl"), 2)
    >>> str(moments.mean[0])  # w_2(p) grad p = (2 - 1/4) 3/16
    '21/64'
    """
    if isinstance(n, bool) or not isinstance(n, Integral):
        raise ValueError(f"n is {n!r}: a group has at least 1 rollout, an int")
    return mixture([(weight, _of_one_prompt(finite(prompt), estimator, int(n))) for weight, prompt in problem.prompts])


def mixture(parts: Sequence[tuple[Any, Moments]]) -> Moments:
    """Moments of a group that belongs to part x with probability rho_x: pairs (rho_x, moments of x)."""
    first = parts[0][1]
    if len(parts) == 1:
        return first
    exact = all(part.exact for _, part in parts)
    kind = object if exact else np.float64
    weights = np.array([weight for weight, _ in parts], dtype=kind)
    means = np.array([part.mean for _, part in parts], dtype=kind)
    within = np.array([part.covariance for _, part in parts], dtype=kind)
    mean = weights @ means
    centred = means - mean
    covariance = np.tensordot(weights, within, 1) + (weights[:, None] * centred).T @ centred
    return Moments(mean, covariance, max(part.rounding for _, part in parts), first.n)


def finite(prompt: Any) -> FiniteProblem:
    """The prompt, refused if it has a continuum of outcomes."""
    if not hasattr(prompt, "probabilities"):
        raise ValueError(f"problem is {prompt}: its outcomes are a continuum, which cannot be enumerated")
    found: FiniteProblem = prompt
    return found


def _of_one_prompt(problem: FiniteProblem, estimator: Estimator, n: int) -> Moments:
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
