"""Mean and covariance of a gradient estimate, over every group that can occur."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maxrl_est._arguments import short, words
from maxrl_est._arguments.protocols import Array, Estimator, FiniteProblem, Problem
from maxrl_est.measures._columns import OfCovariance, shown
from maxrl_est.measures._equivariant import equivariant_advantages, of_groups
from maxrl_est.measures._precision import DOUBLE
from maxrl_est.measures._sizes import group_size
from maxrl_est.problems._laws import law

MAX_ROLLOUTS = 10_000_000  # in all the distinct groups that are enumerated


@dataclass(frozen=True, slots=True)
class Moments(OfCovariance):
    """Mean ``(d,)`` and covariance ``(d, d)`` of the gradient estimate of one group of n rollouts."""

    mean: Array
    covariance: Array
    rounding: float  # relative error to expect: 0 for exact rationals
    n: int  # 0 where the estimator decides itself

    @property
    def exact(self) -> bool:
        """Whether the moments are exact rationals."""
        return self.rounding == 0

    def title(self) -> list[str]:
        """Of which groups they are, and the total variance."""
        groups = f"groups of {self.n}" if self.n else "groups of sizes that the estimator decides"
        kind = "in rationals" if self.exact else f"to {self.rounding:.0e}"
        return [f"exact moments, {groups}, {kind}; total variance {shown(self.total_variance)}"]

    def columns(self) -> dict[str, Any]:
        """Mean and variance of each coordinate."""
        mean = self.mean.tolist()
        return {"coordinate": range(len(mean)), "mean": mean, "variance": np.diag(self.covariance).tolist()}


def exact_moments(problem: Problem, estimator: str | Estimator, n: int) -> Moments:
    """Mean and covariance of ``g = (1/N) sum_i A_i S_i`` over every possible group of n rollouts.

    Groups that differ in order only are counted once. A group belongs to one prompt, so that with several prompts the
    covariance has their spread too. Not for laws with a continuum of outcomes, for which there are
    `closed_form_moments` and `monte_carlo`; `moments` chooses.

    Parameters
    ----------
    problem : a law whose prompts have finitely many outcomes; exact rationals where its numbers are Fractions
    estimator : a name, a row or a function of likelihoods (..., N), the same for any order of rollouts
    n : rollouts in a group; a prompt with s outcomes has C(n+s-1, s-1) groups, at most 10^7 rollouts in all of them

    Returns
    -------
    `Moments`: ``mean (d,)``, ``covariance (d, d)`` and the relative ``rounding`` to expect, 0 for exact rationals.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not as above, or the estimator depends on the order of rollouts or on other groups.

    >>> from fractions import Fraction
    >>> from maxrl_est import problems
    >>> print(exact_moments(problems.Bernoulli(Fraction(1, 4)), "maxrl", 2))  # w_2(p) grad p = (2 - 1/4) 3/16
    exact moments, groups of 2, in rationals; total variance 567/4096
    coordinate  mean   variance
    ----------  -----  --------
    0           21/64  567/4096
    """
    n, function = group_size(n), of_groups(estimator)
    return mixture([(weight, _of_one_prompt(finite(prompt), function, n)) for weight, prompt in law(problem).prompts])


def enumerable(problem: Problem, n: int) -> bool:
    """Whether every prompt has finitely many outcomes, and few enough groups of n."""
    return all(
        hasattr(prompt, "probabilities") and n * _groups(n, len(prompt.probabilities)) <= MAX_ROLLOUTS
        for _, prompt in problem.prompts
    )


def _groups(n: int, outcomes: int) -> int:
    """The number of groups of n rollouts with so many outcomes, whatever their order."""
    return math.comb(n + outcomes - 1, n)


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
    """The prompt, refused if its outcomes are not listed: a continuum, or all walks through a maze."""
    if not hasattr(prompt, "probabilities"):
        raise ValueError(
            f"problem must list its outcomes (probabilities), got {words(prompt)}, which cannot be enumerated"
        )
    found: FiniteProblem = prompt
    return found


def _of_one_prompt(problem: FiniteProblem, estimator: Estimator, n: int) -> Moments:
    outcomes = len(problem.probabilities)
    groups = _groups(n, outcomes)
    if groups * n > MAX_ROLLOUTS:
        rule = f"n must make groups of at most {MAX_ROLLOUTS} rollouts in all"
        raise ValueError(f"{rule}, got {short(n)}: with {outcomes} outcomes there are {groups} groups")
    counts = _counts(n, outcomes)
    outcome = np.repeat(np.tile(np.arange(outcomes), groups), counts.ravel()).reshape(groups, n)
    advantages, precision = equivariant_advantages(estimator, problem.likelihoods[outcome])
    exact = precision is None and problem.probabilities.dtype == object
    scores, probabilities = problem.scores, problem.probabilities
    if not exact:
        advantages, scores = advantages.astype(np.float64), scores.astype(np.float64)
        probabilities = probabilities.astype(np.float64)
    by_outcome = np.stack([(advantages * (outcome == o)).sum(axis=1) for o in range(outcomes)], axis=1)
    gradients = by_outcome @ scores / n
    chances = group_chances(counts, probabilities)
    mean = chances @ gradients
    centred = gradients - mean
    covariance = (chances[:, None] * centred).T @ centred
    return Moments(mean, covariance, 0.0 if exact else (precision or DOUBLE).rounding, n)


def _counts(n: int, outcomes: int) -> Array:
    """How often each outcome can occur among n rollouts: (groups, outcomes)."""
    every = itertools.combinations(range(n + outcomes - 1), outcomes - 1)
    bars = np.fromiter(itertools.chain.from_iterable(every), np.int64).reshape(_groups(n, outcomes), outcomes - 1)
    return np.diff(bars, axis=1, prepend=-1, append=n + outcomes - 1) - 1


def group_chances(counts: Array, probabilities: Array) -> Array:
    """Probabilities (G,) that outcomes come as often as in each row of counts (G, outcomes), in any order."""
    n, outcomes = int(counts[0].sum()), np.arange(len(probabilities))
    factorials = np.array([math.factorial(k) for k in range(n + 1)], dtype=object)
    ways = factorials[n] // np.prod(factorials[counts], axis=1)
    powers = np.prod((probabilities[:, None] ** np.arange(n + 1))[outcomes, counts], axis=1)
    if probabilities.dtype == object:
        return np.asarray(ways * powers)
    many = (ways >= 1 << 1000).astype(bool)
    found: Array = np.where(many, 1, ways).astype(np.float64) * powers
    if many.any():  # more than floats can count, each by its logarithm
        from scipy.special import xlogy  # here, because SciPy takes longer to import than the package

        logs = np.array([math.log(w) for w in ways[many]])
        found[many] = np.exp(logs + xlogy(counts[many], probabilities).sum(axis=1))  # 0^0 = 1
    return found
