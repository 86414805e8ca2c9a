"""The estimates of checked groups in operations of the array API standard, which compilers trace.

The namesakes of `maxrl_est.estimates.checked`, from the same recipes, for arrays of any framework.
"""

from __future__ import annotations

import functools
from typing import Any, Literal, NamedTuple

from maxrl_est.adapters import _circle, _others, _product_tree, _quadrature
from maxrl_est.adapters._arrays import static
from maxrl_est.adapters._groups import TracedGroups
from maxrl_est.estimates import baselines
from maxrl_est.estimates._kernels.circle_rules import serves
from maxrl_est.estimates.baselines import Baseline, Recipe
from maxrl_est.objectives import Objective, ObjectiveLike

_LARGEST_GROWTH = 1024  # of an expansion: JAX has 24 bits to lose
_POWERS = 64  # E_k <= 2^-k where the mean failure mass is at most 1/2, so that further terms round off


class Terms(NamedTuple):
    """`maxrl_est.objectives.Expansion` in floats, which torch.compile takes for constants."""

    successes: bool
    coefficients: tuple[float, ...]
    integrated: tuple[float, ...]
    circle: Literal["maxrl", "pass_at"] | None  # what weights in O(N) are there for, in groups of N


class TracedRecipe(NamedTuple):
    """`maxrl_est.estimates.baselines.Recipe` in floats."""

    weights: Terms | None  # None: MaxRL of order N > 1
    constant: float
    guess: tuple[float, float] | None  # constant, and share of the mean of the others
    others: Terms | None
    one_below: bool  # order N - 1 less the others' pass@(N-1)


@static
def recipe_of(objective: ObjectiveLike, baseline: Baseline, size: int) -> TracedRecipe:
    """The recipe for groups of N = size, with the errors of the one that it is made from."""
    return _in_floats(baselines.recipe(objective, baseline, size), size)


@functools.lru_cache(maxsize=256)
def _in_floats(made_of: Recipe, size: int) -> TracedRecipe:
    weights = made_of.weights or (Objective.expected() if size == 1 else None)
    growth = 1.0 if weights is None else weights.expansion.growth
    if weights is not None and growth > _LARGEST_GROWTH:
        raise ValueError(
            f"objective {weights.name!r} must have terms that cancel to no less than 1/{_LARGEST_GROWTH} of the sum of "
            f"their sizes for arrays that a compiler traces, got 1/{growth:.0f}; maxrl_est.loo_weights takes it"
        )
    one_below = made_of.others is not None and weights == Objective.maxrl(size - 1)
    guess = made_of.guess and (float(made_of.guess.constant), float(made_of.guess.share))
    others = _terms(made_of.others, size)
    return TracedRecipe(_terms(weights, size), float(made_of.constant), guess, others, one_below)


def _terms(objective: Objective | None, size: int) -> Terms | None:
    if objective is None:
        return None
    by = objective.expansion
    circle = by.form if serves(size, by.coefficients.size) else None
    return Terms(by.successes, tuple(by.coefficients.tolist()), tuple(by.integrated().tolist()), circle)


def loo_weights(groups: TracedGroups, terms: Terms | None) -> Any:
    """Leave-one-out weights (..., N)."""
    if terms is None:
        return _quadrature.loo_weights(groups.xp, groups.values)
    order = len(terms.coefficients)
    if terms.circle == "maxrl":
        return _circle.loo_weights(groups.xp, groups.values, order)
    if terms.circle == "pass_at":
        return 1.0 - _circle.failure_power_of_others(groups.xp, groups.values, order - 1)
    return _product_tree.loo_weights(groups.xp, groups.values, terms.coefficients, terms.successes)


def weights_and_advantages(groups: TracedGroups, made_of: TracedRecipe) -> tuple[Any, Any]:
    """Leave-one-out weights (..., N) and advantages (..., N)."""
    if made_of.one_below:
        return _less_pass(groups.xp, groups.values)
    weights = loo_weights(groups, made_of.weights)
    ascended = weights * groups.values
    if made_of.guess is not None:
        constant, share = made_of.guess
        guess = constant + share * _others.mean_of_others(groups.xp, groups.values) if share else constant
        return weights, ascended - weights * guess
    if made_of.others is not None:
        return weights, ascended - loo_weights(groups, made_of.others)
    return weights, ascended - made_of.constant


def _less_pass(xp: Any, values: Any) -> tuple[Any, Any]:
    """MaxRL of order N - 1 less the others' pass@(N-1), by the weights omega_i of order N.

    With r_i the chance that all others fail and R that all do, (omega_i - r_i) l_i - (1 - r_i) = omega_i l_i - (1 - R).
    As r_i is the least of the N terms of omega_i, the N roundings that it may be off are one of omega_i.
    """
    weights = _quadrature.loo_weights(xp, values)
    advantages = weights * values - (1.0 - _others.failure_of_all(xp, values))
    return weights - _others.failure_of_others(xp, values), advantages


def objective_estimate(groups: TracedGroups, terms: Terms | None) -> Any:
    """Estimate (...) of the objective."""
    xp, values, size = groups.xp, groups.values, groups.size
    if terms is not None:
        return _product_tree.combined_powers(xp, values, terms.integrated, terms.successes)
    few = tuple(-1.0 / k for k in range(1, min(size, _POWERS) + 1))
    by_powers = _product_tree.combined_powers(xp, values, (0.0, *few), False)
    if size <= _POWERS:
        return by_powers
    by_integral = _quadrature.objective_estimate(xp, values)
    return xp.where(xp.mean(values, axis=-1) >= 0.5, by_powers, by_integral)  # powers are accurate even near 0
