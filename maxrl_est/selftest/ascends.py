"""What the estimators of the table ascend, exactly: on 0/1 rewards, and on graded likelihoods if that is anything."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from maxrl_est._arguments import whole
from maxrl_est._arguments.protocols import Estimator
from maxrl_est.ascent import objective_of
from maxrl_est.checks import GRADED
from maxrl_est.estimators import get, names
from maxrl_est.measures import effective_weight, exact_moments, target_gradient
from maxrl_est.objectives import Objective
from maxrl_est.objectives.targets import Target, on_binary_rewards

LEVELS = (0, Fraction(1, 4), Fraction(1, 2), 1)  # of graded rewards; fewer could not tell a direction from nothing


@dataclass(frozen=True, slots=True)
class ObjectiveRow:
    """What an estimator ascends with groups of n rollouts, on 0/1 rewards and on graded ones, and its bias there."""

    estimator: str
    n: int
    ascends: str
    exact: bool
    graded: str  # "gradient" of some objective, "direction" of one on one prompt, or "none"
    graded_objective: str | None  # of which E[g] is the gradient
    graded_bias: float | None  # |E[g] - truth| / |truth| for the stated target
    graded_angle: float  # degrees between E[g] and the truth
    stated_target: str


def objective_table(n: int = 8) -> list[ObjectiveRow]:
    """A row for each estimator of the table that takes 0/1 rewards, with groups of n >= 4 rollouts.

    >>> [row.ascends for row in objective_table(4) if row.estimator in ("maxrl", "maxrl_shipped")]
    ['exactly J_4', 'exactly J_3']
    """
    n = whole("n", n, 4)  # the median of three of the others needs three of them
    return [_row(name, n) for name in names() if not get(name).positive_only]


def _row(name: str, n: int) -> ObjectiveRow:
    row = get(name)
    weight, target, graded = effective_weight(row, n), row.target(n), objective_of(row, n, LEVELS)
    near, stated = weight.nearest(), on_binary_rewards(target)
    if not near.known and stated is not None:
        near = weight.compare(stated)
    bias, angle = _graded_bias(row, target or near.objective or Objective.expected(), n)
    return ObjectiveRow(
        name,
        n,
        str(near),
        near.exact,
        graded.verdict,
        graded.name,
        bias if target else None,
        angle,
        target.name if target else "none",
    )


def _graded_bias(estimator: Estimator, target: Target, n: int) -> tuple[float, float]:
    """Relative size of the exact bias on a graded problem, and the angle to the true gradient in degrees."""
    problem = GRADED[0]
    truth = target_gradient(problem, target)
    mean = exact_moments(problem, estimator, n).mean
    bias = float(np.linalg.norm((mean - truth).astype(np.float64)) / np.linalg.norm(truth.astype(np.float64)))
    got, expected = mean.astype(np.float64), truth.astype(np.float64)
    across = np.linalg.norm(got - (got @ expected) / (expected @ expected) * expected)
    return bias, math.degrees(math.atan2(float(across), float(got @ expected) / float(np.linalg.norm(expected))))
