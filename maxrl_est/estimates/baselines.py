"""Recipes: what the advantages of a group are made of, for an objective, a baseline and N; worked out once and kept.

NumPy, the array API and torch compute from the same recipe, so that a baseline means one thing. With weights omega_i,
those of the others and a mean over the others,

    A_i = omega_i l_i - b_i,   b_i = constant,  or  omega_i mean(l_{-i}),  or  sum_k s_k E_k(q_{-i}).
"""

from __future__ import annotations

import functools
from fractions import Fraction
from numbers import Real
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from maxrl_est._arguments import finite, one_of
from maxrl_est._typing import Array
from maxrl_est.estimates import checked
from maxrl_est.estimates.means import mean_of_others
from maxrl_est.objectives import Objective, ObjectiveLike, order_of, resolve

BASELINES = ("none", "one", "one_over_n", "pass_loo", "mean_loo")

Baseline: TypeAlias = str | float | Fraction | None


class Recipe(NamedTuple):
    """How advantages are made; one of the three baselines is there, the constant as 0 where it is none."""

    weights: Objective | None  # of omega; None: MaxRL of order N
    constant: Fraction | float = Fraction(0)
    mean: bool = False  # omega_i times the mean of the others
    others: Objective | None = None  # its leave-one-out estimate: for w of c, that of p w(p)


def recipe(objective: ObjectiveLike, baseline: Baseline, size: int) -> Recipe:
    """The recipe for groups of N = size; TypeError or ValueError for what is no baseline, or none of such groups."""
    if isinstance(baseline, str):
        one_of("baseline", baseline, BASELINES)
    elif baseline is not None:
        if isinstance(baseline, bool) or not isinstance(baseline, Real):
            raise TypeError(f"baseline must be a number or one of {', '.join(BASELINES)}, got {baseline!r}")
        finite("baseline", baseline)
    if objective is not None and not isinstance(objective, Objective):
        objective = order_of(objective)
    return _recipe(objective, baseline, size)


@functools.lru_cache(maxsize=256, typed=True)
def _recipe(objective: ObjectiveLike, baseline: Baseline, size: int) -> Recipe:
    if baseline is None:
        baseline = "mean_loo" if size > 1 else "none"
    if baseline == "pass_loo":
        order = max(1, size - 1) if objective is None else order_of(objective)
        if order > size - 1:
            raise ValueError(f"baseline 'pass_loo' must have groups of N >= T + 1 = {order + 1}, got N = {size}")
        weights = resolve(objective or order, size, size)
        assert weights is not None
        steps = np.diff(np.array((0, *weights.rational_coefficients, 0), dtype=object))
        return Recipe(weights, others=Objective.from_coefficients(steps))
    weights = resolve(objective, size, size)
    match baseline:
        case "none":
            return Recipe(weights)
        case "one":
            return Recipe(weights, Fraction(1))
        case "one_over_n":
            return Recipe(weights, Fraction(1, size))
        case "mean_loo":
            if size < 2:
                raise ValueError(f"baseline 'mean_loo' must have groups of N >= 2, got N = {size}")
            return Recipe(weights, mean=True)
    number: Any = baseline
    return Recipe(weights, number if isinstance(number, Fraction) else Fraction(number))


def weights_and_advantages(values: Array, made_of: Recipe) -> tuple[Array, Array]:
    """Leave-one-out weights (B, N) and advantages (B, N) of checked groups (B, N)."""
    weights = checked.loo_weights(values, made_of.weights)
    advantages = weights * values
    if made_of.mean:
        advantages -= weights * mean_of_others(values)
    elif made_of.others is not None:
        advantages -= checked.loo_weights(values, made_of.others)
    elif made_of.constant:
        advantages -= made_of.constant if values.dtype == object else float(made_of.constant)
    return weights, advantages
