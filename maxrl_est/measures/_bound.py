"""The least variance of any unbiased estimate of an objective's gradient at a law, whatever it does with the scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array, Problem, RolloutMoments
from maxrl_est.measures._closed_forms import binomial_powers, in_floats, parts_of
from maxrl_est.measures._columns import OfCovariance, shown
from maxrl_est.measures._enumerated import Moments, mixture
from maxrl_est.measures._optimal import objective_for
from maxrl_est.measures._sizes import group_size
from maxrl_est.objectives import Objective, ObjectiveLike
from maxrl_est.problems._laws import law

ROUNDING = 1e-10  # relative to the variance without the scores: what is less is 0
_DEPENDENT = 1e-12  # a direction of scaled scores with a smaller share of their squares is none


@dataclass(frozen=True, slots=True)
class VarianceBound(OfCovariance):
    """The least covariance ``(d, d)`` of an unbiased estimate from n rollouts: that of any other exceeds it.

    In every direction of the parameters at once, so that the trace is the least total variance.
    """

    covariance: Array
    rounding: float  # relative error to expect: 0 for exact rationals
    n: int
    objective: str

    @property
    def exact(self) -> bool:
        """Whether it is exact rationals."""
        return self.rounding == 0

    def title(self) -> list[str]:
        """The bound, and what of."""
        what = f"an unbiased estimate of grad {self.objective} from {self.n} rollouts"
        return [f"least total variance of {what}: {shown(self.total_variance)}"]

    def columns(self) -> dict[str, Any]:
        """The least variance of each coordinate."""
        variance = np.diag(self.covariance).tolist()
        return {"coordinate": range(len(variance)), "variance": variance}


def variance_bound(problem: Problem, objective: ObjectiveLike, n: int) -> VarianceBound:
    """The least variance at this law of any unbiased estimate of w(p) grad p from n rollouts and their scores.

    Unbiased is what is so at every law whose scores have mean zero. Of all functions of n likelihoods and scores,
    these are the U-statistic and what differs from it by a sum of phi(the others) S_i, and at one law the least
    variance among them is that of the U-statistic with residuals in the place of l and of l S:
    l - beta'S and l S - B S, beta = I^-1 E[l S], B = E[l S S'] I^-1, I = E[S S'].
    No estimate has the least variance at every law: this one needs beta and B. Where the scores tell outcomes apart, as
    those of a tabular softmax do, they determine the law, and the bound is 0: it says something where parameters are
    fewer than outcomes. An estimate that knows more, such as the gradient of l by the parameters, may do better.

    Where I is singular any solution of its equations will do: they have one, since E[l S] and E[l S S'] lie in the span
    of scores, and two solutions differ by what no score sees. With several prompts a group is of one of them, and the
    bound has the variance between them too.

    Parameters
    ----------
    problem : a law; exact rationals where its numbers are Fractions
    objective : an `Objective`, an int for MaxRL of that order, None for MaxRL of order n
    n : rollouts in a group, at least the order of the objective and at most 10^7

    Returns
    -------
    `VarianceBound`: ``covariance (d, d)`` and ``total_variance``. In floats 0 is what rounding does not tell from it.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not as above.

    >>> from maxrl_est import closed_form_variance, problems
    >>> gaussian = problems.Gaussian(mean=0, scale=1, target=1, sigma=0.5)
    >>> print(variance_bound(gaussian, 8, 8))
    least total variance of an unbiased estimate of grad J_8 from 8 rollouts: 0.0352125
    coordinate  variance
    ----------  ---------
    0           0.0352125
    >>> closed_form_variance(gaussian, "ustat", 8).round(4).tolist()
    [[0.0607]]
    >>> variance_bound(problems.Bernoulli(Fraction(1, 4)), None, 4).total_variance
    Fraction(0, 1)
    """
    n = group_size(n)
    goal = objective_for(n, objective)
    parts = [(weight, _of_one_prompt(prompt.moments, goal, n)) for weight, prompt in law(problem).prompts]
    found = mixture(parts)
    return VarianceBound(found.covariance, found.rounding, n, goal.name)


def _of_one_prompt(moments: RolloutMoments, goal: Objective, n: int) -> Moments:
    exact = isinstance(moments.p, Fraction) and isinstance(moments.SS.flat[0], Fraction | int)
    moments = moments if exact else in_floats(moments)
    t = parts_of(goal.rational_coefficients, 1 - moments.p, n)
    covariance = _of_residuals(moments, t, n, _exactly if exact else _nearly)
    if not exact and np.trace(covariance) <= ROUNDING * np.trace(_of_residuals(moments, t, n, _ignored)):
        covariance = 0 * covariance
    return Moments(t[0] * moments.lS, covariance, 0.0 if exact else ROUNDING, n)


def _of_residuals(moments: RolloutMoments, t: Array, n: int, solve: Callable[[Array, Array], Array]) -> Array:
    """The covariance of (1/n) sum_i v_i sum_k c_k E_k(1 - x of the others), x and v residuals of l and l S.

    A sum over sets of m rollouts, whose parts are uncorrelated: with y = v - E v and z = x - p that of a set B is, up
    to its sign, ``sum_{i in B} y_i t_{m-1} prod_{B - i} z - (n - m) t_m E[v] prod_B z``.
    """
    m, size = np.arange(1, len(t) + 1), len(t)
    by_scores = solve(moments.SS, np.column_stack([moments.lS, moments.lSS]))  # beta, then B' (d, 1 + d)
    beta, slopes = by_scores[:, 0], by_scores[:, 1:].T
    mean = moments.lS
    spread = max(
        moments.p2 - moments.p**2 - np.asarray(beta @ mean).item(), 0 * moments.p
    )  # E z^2, which floats may make negative
    both = moments.l2S - slopes @ mean - moments.p * mean  # E z y
    own = moments.l2SS - slopes @ moments.lSS - np.outer(mean, mean)  # E y y'
    alone = binomial_powers(n - 1, spread, size) / n  # C(n-1, m-1) spread^(m-1) / n
    if alone.dtype != object and not np.isfinite(alone).all():
        raise ValueError(f"n must be such that counts of sets of rollouts are floats, got {n} with order {size}")
    pairs = np.append(0 * t[:1], binomial_powers(n - 2, spread, size - 1) * (n - 1) / n)
    rest = (n - m) * np.append(t[1:], 0 * t[:1])
    crossed = (alone * t) @ rest * np.outer(both, mean)
    covariance = (alone * t) @ t * own + (pairs * t) @ t * np.outer(both, both) - crossed - crossed.T
    return np.asarray(covariance + (alone * spread / m * rest) @ rest * np.outer(mean, mean))


def _ignored(information: Array, right: Array) -> Array:
    """Zero, for the estimate that makes no use of scores."""
    return 0 * right


def _nearly(information: Array, right: Array) -> Array:
    """A solution (d, k) in floats: of scores scaled to squares of mean 1, in the directions in which they vary."""
    scale = np.sqrt(np.diag(information))
    scale = np.where(scale > 0, scale, 1.0)
    solved = np.linalg.pinv(information / np.outer(scale, scale), _DEPENDENT, hermitian=True) @ (right / scale[:, None])
    return np.asarray(solved / scale[:, None])


def _exactly(information: Array, right: Array) -> Array:
    """A solution (d, k) in Fractions by elimination, 0 where there is a choice."""
    d = len(information)
    rows = [np.array([Fraction(x) for x in row], dtype=object) for row in np.column_stack([information, right])]
    pivots: list[int] = []
    for column in range(d):
        place = next((k for k in range(len(pivots), d) if rows[k][column]), None)
        if place is None:
            continue
        top = len(pivots)
        rows[top], rows[place] = rows[place], rows[top]
        rows[top] = rows[top] / rows[top][column]
        for k in range(d):
            if k != top:
                rows[k] = rows[k] - rows[k][column] * rows[top]
        pivots.append(column)
    found = np.full(right.shape, Fraction(0))
    for row, column in enumerate(pivots):
        found[column] = rows[row][d:]
    return found
