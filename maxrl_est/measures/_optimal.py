"""The best constant baseline for the U-statistic estimator of an objective at a problem: a yardstick for all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial, reduce
from typing import Any

import numpy as np

from maxrl_est._arguments import at_most, short
from maxrl_est._arguments.protocols import Array, Problem
from maxrl_est.estimates.baselines import recipe, weights_and_advantages
from maxrl_est.estimators import NamedEstimator, Notes
from maxrl_est.measures._closed_forms import MAX_ORDER, alternate, closed_form_variance
from maxrl_est.measures._columns import Columns, shown
from maxrl_est.measures._sizes import group_size
from maxrl_est.objectives import Objective, ObjectiveLike, meant, order_of
from maxrl_est.problems._laws import law


@dataclass(frozen=True, slots=True)
class OptimalBaseline(Columns):
    """The constant b that makes the total variance of ``omega_i l_i - b`` least, and what it saves."""

    constant: Any
    without: Any  # total variance at b = 0
    variance: Any  # total variance at the constant

    @property
    def gain(self) -> float:
        """Share of the variance without baseline that it removes, in [0, 1]."""
        return 1 - float(self.variance) / float(self.without) if self.without else 0.0

    def title(self) -> list[str]:
        """The constant and what it is for."""
        return [f"the constant b of omega_i l_i - b with the least total variance: {shown(self.constant)}"]

    def columns(self) -> dict[str, Any]:
        """One row of all numbers."""
        row = {"constant": self.constant, "variance": self.variance, "at b = 0": self.without, "gain": self.gain}
        return {name: [value] for name, value in row.items()}


def optimal_baseline(problem: Problem, n: int, objective: ObjectiveLike = None) -> OptimalBaseline:
    """The best constant baseline for `ustat` of an objective (None: MaxRL with T = N), the same for all prompts.

    It is (w(p) tr E[l S S'] + w'(p) |grad p|^2) / tr E[S S'], numerator and denominator averaged over prompts: for a
    given objective the same whatever the group size. It needs the moments of the law, so it is a yardstick and not for
    training.

    Parameters
    ----------
    problem : a law
    n : rollouts in a group, at least the order of the objective and at most 10^7
    objective : an `Objective`, an int for MaxRL of that order; None: MaxRL of order n. Of an order up to 2048

    Returns
    -------
    `OptimalBaseline`: ``constant``, the total variance with it (``variance``) and at b = 0 (``without``), and ``gain``.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not as above.

    >>> from maxrl_est import problems
    >>> best = optimal_baseline(problems.Gaussian(mean=0, scale=1, target=1, sigma=0.5), 8)
    >>> [round(float(x), 4) for x in (best.constant, best.without, best.variance)]
    [0.3151, 0.0607, 0.0483]
    """
    n, problem = group_size(n), law(problem)
    given = objective_for(n, objective)
    c = given.rational_coefficients
    with_scores, spread = 0, 0  # n Cov(g, mean score) and n Cov(mean score), traces of both
    for weight, prompt in problem.prompts:
        moments = prompt.moments
        rate, steepness = (_at(x, 1 - moments.p) for x in (c, [k * x for k, x in enumerate(c)][1:]))
        curved = rate * np.trace(moments.lSS) - steepness * (moments.lS @ moments.lS)
        with_scores, spread = with_scores + weight * curved, spread + weight * np.trace(moments.SS)
    constant = with_scores / spread if spread else 0 * with_scores
    without = np.trace(closed_form_variance(problem, _ustat("ustat", given, Fraction(0)), n))
    return OptimalBaseline(constant, without, without - constant * with_scores / n)


def _at(c: Sequence[Fraction], q: Any) -> Any:
    """sum_k c_k q^k for a Fraction or a float, which is taken exactly where alternating terms would cancel."""
    if not isinstance(q, Fraction) and alternate(c):
        return float(_at(c, Fraction(float(q))))
    return reduce(lambda total, x: total * q + (x if isinstance(q, Fraction) else float(x)), reversed(c), 0 * q)


def ustat_optimal(problem: Problem, n: int, objective: ObjectiveLike = None) -> NamedEstimator:
    """The row ``omega_i l_i - b`` with the constant of `optimal_baseline` for this problem and n.

    To compare with other rows at this problem; not for training, where its moments are not known.

    Parameters
    ----------
    problem, n, objective : as for `optimal_baseline`

    Returns
    -------
    A `maxrl_est.estimators.NamedEstimator`

    Raises
    ------
    TypeError, ValueError
        As `optimal_baseline` does.

    >>> from maxrl_est import problems
    >>> ustat_optimal(problems.Bernoulli(Fraction(1, 4)), 2)([1.0, 0.0]).round(3).tolist()
    [0.875, -1.125]
    """
    constant = optimal_baseline(problem, n, objective).constant
    return _ustat("ustat_optimal", objective_for(n, objective), constant)


def _ustat(name: str, objective: Objective, constant: Any) -> NamedEstimator:
    return NamedEstimator(
        name,
        partial(_less_constant, objective, constant),
        partial(_always, objective),
        Notes(
            estimates=f"grad {objective.name}",
            how="ustat less the constant of least variance at one problem",
            unbiased="always; refuses T > N",
            cost="O(N), or O(N T) for T < N; the constant needs the problem's moments",
            source="`maxrl_est.optimal_baseline`",
        ),
        affine=partial(_always, (objective.rational_coefficients, (constant,))),
    )


def _less_constant(objective: Objective, constant: Any, likelihoods: Array) -> Array:
    return weights_and_advantages(likelihoods, recipe(objective, constant, likelihoods.shape[-1]))[1]


def _always(value: Any, n: int) -> Any:
    return value


def objective_for(n: int, objective: ObjectiveLike) -> Objective:
    """The objective that is meant, of an order that groups of n have and the closed form computes."""
    if objective is None:
        return Objective.maxrl(at_most("n", n, MAX_ORDER))
    order = order_of(objective)
    if order > min(n, MAX_ORDER):
        most = f"n = {n}" if n <= MAX_ORDER else f"{MAX_ORDER}"
        raise ValueError(f"objective must have an order T of at most {most}, got {short(order)}")
    return meant(objective)
