"""The order of evidence behind one door: groups are enumerated, or a closed form is used, or they are drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import seed_of
from maxrl_est._arguments.arrays import vector
from maxrl_est._arguments.protocols import Array, Estimator, FloatArray, Problem
from maxrl_est.confidence._values import number_of
from maxrl_est.estimators import SequentialEstimator, chosen
from maxrl_est.measures._closed_forms import NoClosedForm, closed_form_moments
from maxrl_est.measures._columns import OfCovariance, shown
from maxrl_est.measures._enumerated import Moments, enumerable, exact_moments
from maxrl_est.measures._gradients import target_gradient
from maxrl_est.measures._sampled import monte_carlo
from maxrl_est.measures._sizes import size_for
from maxrl_est.objectives.targets import Target
from maxrl_est.problems._laws import law

Method = Literal["enumerated", "closed form", "sampled"]

REPLICATES = 1 << 18  # groups, where they have to be drawn


@dataclass(frozen=True, slots=True)
class Evidence(OfCovariance):
    """Moments of one gradient estimate g, the method that they are by, and with a target the bias.

    ``mean (d,)`` and ``covariance (d, d)`` are Fractions where ``rounding``, the relative error to expect, is 0. Where
    g is drawn, ``standard_error (d,)`` is that of the mean and ``total_variance_error`` that of the trace of the
    covariance; elsewhere both are 0. ``rollouts`` is how many one estimate takes, on average.
    """

    method: Method
    mean: Array
    covariance: Array
    rollouts: Any
    rounding: float
    standard_error: FloatArray
    total_variance_error: float
    target: Array | None = None  # its gradient (d,)

    @property
    def exact(self) -> bool:
        """Whether mean and covariance are exact rationals."""
        return self.method != "sampled" and self.rounding == 0

    @property
    def bias(self) -> Array | None:
        """E[g] less the gradient of the target (d,); None without a target."""
        return None if self.target is None else np.asarray(self.mean - self.target)

    def title(self) -> list[str]:
        """The method, and what one estimate costs and varies."""
        error = f" +- {shown(self.total_variance_error)}" if self.method == "sampled" else ""
        cost = f"{shown(self.rollouts)} rollouts an estimate"
        return [f"{self.method}; {cost}; total variance {shown(self.total_variance)}{error}"]

    def columns(self) -> dict[str, Any]:
        """Mean and variance of each coordinate; their errors where they are drawn, the bias where there is a target."""
        mean, variance = self.mean.tolist(), np.diag(self.covariance).tolist()
        columns: dict[str, Any] = {"coordinate": range(len(mean)), "mean": mean, "variance": variance}
        if self.method == "sampled":
            columns["standard error"] = self.standard_error.tolist()
        if self.target is not None and self.bias is not None:
            columns |= {"target": self.target.tolist(), "bias": self.bias.tolist()}
        return columns


def moments(
    problem: Problem,
    estimator: str | Estimator | SequentialEstimator,
    n: int | None = None,
    *,
    target: Target | npt.ArrayLike | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Evidence:
    """Mean and covariance of one gradient estimate, by the strongest evidence that there is.

    Every group is enumerated where outcomes are finitely many and groups few enough; else a closed form is used, where
    there is one; else groups are drawn, and the results have standard errors. The result says which it was.

    Parameters
    ----------
    problem : a law
    estimator : a name or a row; a function of likelihoods (..., N); or a sequential row, which draws as many rollouts
        as it needs
    n : rollouts in a group, at most 10^7; sequential rows do not use it, and it may be None for them
    target : what the mean should be the gradient of, such as an `Objective`, or that gradient itself (d,); None: the
        bias is not asked for
    replicates : groups to be drawn where they have to be
    seed : of these groups

    Returns
    -------
    `Evidence`: ``method``, ``mean``, ``covariance``, ``rollouts``, standard errors, and ``bias``.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not as above, the target has no gradient in closed form, or the estimator depends on the
        order of rollouts or on other groups.

    For a verdict with an error rate on an estimate that has to be drawn, use `monte_carlo` itself.

    >>> from fractions import Fraction
    >>> from maxrl_est import Objective, problems
    >>> coin = problems.Bernoulli(Fraction(1, 4))
    >>> print(moments(coin, "maxrl_shipped", 2, target=Objective.maxrl(2)))
    enumerated; 2 rollouts an estimate; total variance 15/256
    coordinate  mean  variance  target  bias
    ----------  ----  --------  ------  -----
    0           3/16  15/256    21/64   -9/64
    >>> moments(problems.Gaussian(0, 1, 1, 0.5), "ustat_one", 8).method
    'closed form'
    """
    row, replicates, seed = chosen(estimator), number_of("replicates", replicates, 2), seed_of("seed", seed)
    size = size_for(row, n)
    if size is None:
        found = _computed("closed form", closed_form_moments(problem, row, None), _cost(problem, row))
    else:
        found = _of_groups(law(problem), row, size, replicates, seed)
    return found if target is None else replace(found, target=_gradient(problem, target, found.mean.size))


def _of_groups(problem: Problem, estimator: Estimator, n: int, replicates: int, seed: int) -> Evidence:
    if enumerable(problem, n):
        return _computed("enumerated", exact_moments(problem, estimator, n), n)
    try:
        return _computed("closed form", closed_form_moments(problem, estimator, n), n)
    except NoClosedForm:
        result = monte_carlo(problem, estimator, n, replicates=replicates, seed=seed)
    errors = result.standard_error, result.total_variance_error
    return Evidence("sampled", result.mean, result.covariance, n, 0.0, *errors)


def _computed(method: Method, moments: Moments, rollouts: Any) -> Evidence:
    no_error = np.zeros(moments.mean.shape)
    return Evidence(method, moments.mean, moments.covariance, rollouts, moments.rounding, no_error, 0.0)


def _cost(problem: Problem, estimator: SequentialEstimator) -> Any:
    """Rollouts of one estimate of a row that decides itself, on average."""
    return sum(weight * estimator.closed_form(prompt.moments).rollouts for weight, prompt in problem.prompts)


def _gradient(problem: Problem, target: Any, d: int) -> Array:
    if isinstance(target, Target):
        return target_gradient(problem, target)
    rule = "an Objective, a target of maxrl_est.targets, or its gradient"
    return np.array(vector("target", target, d, rule).tolist())
