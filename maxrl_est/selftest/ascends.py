"""What the estimators of the table ascend: exactly on 0/1 rewards, and how far that is off on graded likelihoods."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from maxrl_est._arguments import whole
from maxrl_est._typing import Estimator
from maxrl_est.checks import GRADED
from maxrl_est.estimators import get, names
from maxrl_est.measures import effective_weight, exact_moments, target_gradient
from maxrl_est.objectives import Objective
from maxrl_est.objectives.targets import Target


@dataclass(frozen=True, slots=True)
class ObjectiveRow:
    """What an estimator ascends with groups of n rollouts, and its relative bias on a graded problem."""

    estimator: str
    n: int
    ascends: str
    exact: bool
    graded_bias: float  # |E[g] - truth| / |truth| for the objective ascended
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
    near, target = effective_weight(row, n).nearest(), row.target(n)
    bias, angle = _graded_bias(row, target or near.objective or Objective.expected(), n)
    return ObjectiveRow(name, n, str(near), near.exact, bias, angle, target.name if target else "none")


def _graded_bias(estimator: Estimator, target: Target, n: int) -> tuple[float, float]:
    """Relative size of the exact bias on a graded problem, and the angle to the true gradient in degrees."""
    problem = GRADED[0]
    truth = target_gradient(problem, target)
    mean = exact_moments(problem, estimator, n).mean
    bias = float(np.linalg.norm((mean - truth).astype(np.float64)) / np.linalg.norm(truth.astype(np.float64)))
    got, expected = mean.astype(np.float64), truth.astype(np.float64)
    across = np.linalg.norm(got - (got @ expected) / (expected @ expected) * expected)
    return bias, math.degrees(math.atan2(float(across), float(got @ expected) / float(np.linalg.norm(expected))))
