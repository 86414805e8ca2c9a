"""The least variance of an unbiased rule for 0/1 rewards, and the rule that has it: a yardstick for all others."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._arguments import at, short, words
from maxrl_est._arguments.protocols import Array, Problem, RolloutMoments
from maxrl_est.measures import _bernstein
from maxrl_est.measures._bound import ROUNDING
from maxrl_est.measures._closed_forms import of_counts
from maxrl_est.measures._columns import OfCovariance, shown
from maxrl_est.measures._equivariant import MAX_COUNTED
from maxrl_est.measures._optimal import objective_for
from maxrl_est.measures._sizes import group_size
from maxrl_est.objectives import ObjectiveLike
from maxrl_est.objectives._numbers import real_numbers
from maxrl_est.problems._laws import law


@dataclass(frozen=True, slots=True, eq=False)
class LeastVariance(OfCovariance):
    """The unbiased rule of least total variance at one law, itself an advantage function of 0/1 rewards (..., n).

    Where m of the others succeed a success gets ``success[m]`` and a failure ``failure[m]``, both ``(n,)``: a_{m+1} and
    b_m of m successes among n. ``covariance (d, d)`` is that of the estimate, ``total_variance`` its trace.
    """

    success: Array
    failure: Array
    covariance: Array
    objective: str

    def __call__(self, rewards: Array) -> Array:
        """Advantages (..., n) of 0/1 rewards (..., n): Fractions of Fractions where the law is of Fractions."""
        groups = real_numbers("rewards", rewards, allowed="biufO")
        if groups.shape[-1:] != self.success.shape:
            raise ValueError(f"rewards must have groups of {len(self.success)}, got shape {groups.shape}")
        won = groups == 1
        if not (won | (groups == 0)).all():
            index = np.argwhere(~(won | (groups == 0)))[0]
            raise ValueError(f"{at('rewards', index)} must be 0 or 1, got {short(groups[tuple(index)])}")
        others = won.sum(axis=-1, keepdims=True) - won
        found = np.where(won, self.success[others], self.failure[others])
        return np.asarray(found if groups.dtype == object else found.astype(np.float64))

    def title(self) -> list[str]:
        """The variance, and what of."""
        what = f"an unbiased rule for grad {self.objective} on 0/1 rewards, {len(self.success)} rollouts"
        return [f"least total variance of {what}: {shown(self.total_variance)}"]

    def columns(self) -> dict[str, Any]:
        """What a success and a failure get, by the successes among the others."""
        count = range(len(self.success))
        return {"others' successes": count, "success": self.success.tolist(), "failure": self.failure.tolist()}


def least_variance(problem: Problem, objective: ObjectiveLike, n: int) -> LeastVariance:
    """The least total variance of an unbiased rule for 0/1 rewards at a law, and the rule that has it.

    A rule gives each success a_K and each failure b_K when K of n succeed, so that a_{m+1} - b_m = W_m, the Bernstein
    coefficients of w, make it unbiased at every law. What is left is free, and the variance is a convex quadratic form
    in it, least where for each m, with I = tr E[S S'], L = tr E[l S S'] and G = |grad p|^2,
    ``I b_m = -L W_m - (m G / p) (a_{m+1} - a_m) + ((n-1-m) G / (1-p)) (b_{m+1} - b_m)``.
    Where G is small beside I and successes score as failures do, b_m = -p W_m: the best baseline is a guess of p, and
    no constant. A rule of counts is told nothing of the scores; `variance_bound` is the limit for those that are.

    For comparisons: the rule needs the moments of the law, and is best at that law only.

    Parameters
    ----------
    problem : a law of one prompt with 0/1 rewards; exact rationals where its numbers are Fractions
    objective : an `Objective`, an int for MaxRL of that order, None for MaxRL of order n
    n : rollouts in a group, at least the order of the objective and at most 2048

    Returns
    -------
    `LeastVariance`: ``total_variance``, ``covariance (d, d)`` and the rule, ``success`` and ``failure (n,)``; called
    with rewards it gives advantages. In floats a covariance of 0 is what rounding does not tell from it.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not as above.

    >>> from maxrl_est import closed_form_variance, problems
    >>> scores = [[3], [-1], [1], [Fraction(-11, 9)]]
    >>> loud = problems.Finite("p = 0.1", [0.05, 0.05, 0.45, 0.45], [1, 1, 0, 0], np.array(scores, float))
    >>> best = least_variance(loud, 2, 2)
    >>> print(best)
    least total variance of an unbiased rule for grad J_2 on 0/1 rewards, 2 rollouts: 0.612211
    others' successes  success   failure
    -----------------  --------  ---------
    0                  1.38593   -0.614067
    1                  0.732086  -0.267914
    >>> best([1.0, 0.0]).round(3).tolist()
    [1.386, -0.268]
    >>> round(float(closed_form_variance(loud, "maxrl_cv", 2)[0, 0] / best.total_variance), 3)
    1.25
    """
    n = group_size(n, MAX_COUNTED)
    goal, moments = objective_for(n, objective), _moments(problem)
    exact = isinstance(moments.p, Fraction)
    weights = _bernstein.bernstein_of(goal.rational_coefficients, n)
    w = np.array(weights, dtype=object) if exact else np.array([float(x) for x in weights])
    failure = _failures(moments, w)
    success = failure + w
    covariance = _covariance(moments, success, failure)
    if not exact and np.trace(covariance) <= ROUNDING * np.trace(_covariance(moments, w, 0 * w)):
        covariance = 0 * covariance
    return LeastVariance(success, failure, covariance, goal.name)


def _covariance(moments: RolloutMoments, success: Array, failure: Array) -> Array:
    """That of the estimate (d, d), where the others' successes say what a success and a failure get."""
    a, b = np.append(0 * success[:1], success), np.append(failure, 0 * failure[:1])
    return of_counts(moments, a, b)[1]


def _moments(problem: Problem) -> RolloutMoments:
    prompts = law(problem).prompts
    if len(prompts) != 1:
        raise ValueError(f"problem must have one prompt, got {len(prompts)}: each has a best rule of its own")
    moments = prompts[0][1].moments
    if moments.p2 != moments.p:
        raise ValueError(f"problem must have 0/1 rewards, got {words(problem)}: see maxrl_est.variance_bound")
    return moments


def _failures(moments: RolloutMoments, w: Array) -> Array:
    """b (n,), by elimination: the diagonal exceeds the two entries beside it by I, so no pivot is smaller than I."""
    p, m = moments.p, np.arange(len(w))
    spread, of_successes, signal = np.trace(moments.SS), np.trace(moments.lSS), moments.lS @ moments.lS
    if not spread:  # no score, no variance
        return 0 * w
    up, down = (m * (signal / p), m[::-1] * (signal / (1 - p))) if signal else (0 * w, 0 * w)
    below = np.append(0 * w[:1], w[:-1])  # W_{m-1}, times m
    return _solved(up, spread + up + down, down, up * below - (of_successes + up) * w)


def _solved(lower: Array, diagonal: Array, upper: Array, right: Array) -> Array:
    """x (n,) with ``diagonal_m x_m - lower_m x_{m-1} - upper_m x_{m+1} = right_m``."""
    ratios, sides = [], []
    ratio = side = 0 * diagonal[0]
    for below, own, above, value in zip(lower, diagonal, upper, right, strict=True):
        pivot = own - below * ratio
        ratio, side = above / pivot, (value + below * side) / pivot
        ratios.append(ratio)
        sides.append(side)
    x = 0 * diagonal[0]
    found = []
    for ratio, side in zip(reversed(ratios), reversed(sides), strict=True):
        x = side + ratio * x
        found.append(x)
    return np.array(found[::-1])
