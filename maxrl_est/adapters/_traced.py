"""The estimates of checked groups in operations of the array API standard, which compilers trace.

The namesakes of `maxrl_est.estimates.checked`, from the same recipes, for arrays of any framework.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from maxrl_est.adapters import _product_tree, _quadrature
from maxrl_est.adapters._arrays import size_of, static
from maxrl_est.adapters._groups import TracedGroups
from maxrl_est.estimates import baselines
from maxrl_est.estimates.baselines import Baseline
from maxrl_est.objectives import Objective, ObjectiveLike

_LARGEST_GROWTH = 1024  # of an expansion: JAX has 24 bits to lose
_POWERS = 64  # E_k <= 2^-k where the mean failure mass is at most 1/2, so that further terms round off


class Terms(NamedTuple):
    """`maxrl_est.objectives.Expansion` in floats, which torch.compile takes for constants."""

    successes: bool
    coefficients: tuple[float, ...]
    integrated: tuple[float, ...]


class TracedRecipe(NamedTuple):
    """`maxrl_est.estimates.baselines.Recipe` in floats."""

    weights: Terms | None  # None: MaxRL of order N > 1
    constant: float
    mean: bool
    others: Terms | None


@static
def recipe_of(objective: ObjectiveLike, baseline: Baseline, size: int) -> TracedRecipe:
    """The recipe for groups of N = size, with the errors of the one that it is made from."""
    made_of = baselines.recipe(objective, baseline, size)
    weights = made_of.weights or (Objective.expected() if size == 1 else None)
    growth = 1.0 if weights is None else weights.expansion.growth
    if weights is not None and growth > _LARGEST_GROWTH:
        raise ValueError(
            f"objective {weights.name!r} must have terms that cancel to no less than 1/{_LARGEST_GROWTH} of the sum of "
            f"their sizes for arrays that a compiler traces, got 1/{growth:.0f}; maxrl_est.loo_weights takes it"
        )
    return TracedRecipe(_terms(weights), float(made_of.constant), made_of.mean, _terms(made_of.others))


def _terms(objective: Objective | None) -> Terms | None:
    if objective is None:
        return None
    found = objective.expansion
    return Terms(found.successes, tuple(found.coefficients.tolist()), tuple(found.integrated().tolist()))


def loo_weights(groups: TracedGroups, terms: Terms | None) -> Any:
    """Leave-one-out weights (..., N)."""
    if terms is None:
        return _quadrature.loo_weights(groups.xp, groups.values)
    return _product_tree.loo_weights(groups.xp, groups.values, terms.coefficients, terms.successes)


def weights_and_advantages(groups: TracedGroups, made_of: TracedRecipe) -> tuple[Any, Any]:
    """Leave-one-out weights (..., N) and advantages (..., N)."""
    weights = loo_weights(groups, made_of.weights)
    ascended = weights * groups.values
    if made_of.mean:
        return weights, ascended - weights * _mean_of_others(groups.xp, groups.values)
    if made_of.others is not None:
        return weights, ascended - loo_weights(groups, made_of.others)
    return weights, ascended - made_of.constant


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


def _mean_of_others(xp: Any, values: Any) -> Any:
    """Mean of the other rollouts (..., N), from both sides: the sum less l_i would lose likelihoods far below l_i."""
    zero = xp.zeros_like(values[..., :1])
    before = xp.cumulative_sum(xp.concat([zero, values[..., :-1]], axis=-1), axis=-1)
    reversed_values = xp.flip(values, axis=-1)
    after = xp.cumulative_sum(xp.concat([zero, reversed_values[..., :-1]], axis=-1), axis=-1)
    return (before + xp.flip(after, axis=-1)) / (size_of(values) - 1)
