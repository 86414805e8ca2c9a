"""Wrong estimators, each a mistake that has been made or is easily made, from the definition and slowly.

Weights and advantages take likelihoods ``(..., N)``, floats or Fractions, and the coefficients c of the objective.
The relative biases are those of `RELATIVE_BIAS`, for MaxRL at N = T = 4 and p = 1/2; test_enumerated.py computes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.selftest.definition import loo_weights as definition
from maxrl_est.selftest.definition import weight_estimate as power_sum

Coefficients: TypeAlias = Sequence[Any]
Wrong: TypeAlias = Callable[[Array, Coefficients], Array]


def mean_product(values: Array, k: int) -> Any:
    """E_k: the mean over k-subsets of the product of 1 - value, on the last axis."""
    return power_sum(values, [0] * k + [1])


def others(values: Array) -> list[Array]:
    """The likelihoods of the other rollouts (..., N-1), for each of the N."""
    return [np.delete(values, i, axis=-1) for i in range(values.shape[-1])]


def stacked(columns: Sequence[Any], values: Array) -> Array:
    """Columns (...) side by side, each of the type of the values."""
    return np.stack([column + 0 * values[..., 0] for column in columns], axis=-1)


def not_leave_one_out(values: Array, c: Coefficients) -> Any:
    """From all N values."""
    return np.asarray(power_sum(values, c))[..., None] + 0 * values


def one_order_less(values: Array, c: Coefficients) -> Any:
    """Order T - 1."""
    return definition(values, c[:-1])


def without_the_constant(values: Array, c: Coefficients) -> Any:
    """The term k = 0 left out."""
    return definition(values, [0, *c[1:]])


def plug_in_powers(values: Array, c: Coefficients) -> Any:
    """Powers of the others' mean failure: the same up to T = 2, too much by Jensen's inequality above."""
    means = [1 - rest.sum(axis=-1) / max(1, rest.shape[-1]) for rest in others(values)]
    return stacked([sum(c[k] * mean**k for k in range(len(c))) for mean in means], values)


def divided_by_the_others(values: Array, c: Coefficients) -> Any:
    """The sum over the group divided by N - 1."""
    return definition(values, c) * values.shape[-1] / (values.shape[-1] - 1)


def divided_by_choose_n(values: Array, c: Coefficients) -> Any:
    """C(N, k) for C(N-1, k)."""
    size = values.shape[-1]
    return definition(values, [(size - k) * coefficient for k, coefficient in enumerate(c)]) / size


def likelihoods_for_failures(values: Array, c: Coefficients) -> Any:
    """l for 1 - l."""
    return definition(1 - values, c)


WEIGHTS = {
    "not leave-one-out": not_leave_one_out,
    "order T - 1": one_order_less,
    "k = 0 dropped": without_the_constant,
    "plug-in powers": plug_in_powers,
    "division by N - 1": divided_by_the_others,
    "C(N, k)": divided_by_choose_n,
    "l for 1 - l": likelihoods_for_failures,
}


def earlier_rollouts_only(values: Array, c: Coefficients) -> Any:
    """From the rollouts before this one, with the powers that they allow: the order of rollouts counts."""
    before = [values[..., :i] for i in range(values.shape[-1])]
    return stacked([power_sum(rest, c[: rest.shape[-1] + 1]) for rest in before], values)


def scaled_over_the_batch(values: Array, c: Coefficients) -> Any:
    """Divided by the mean weight of all groups: the other groups count."""
    weights = definition(values, c)
    return weights / (weights.sum() / weights.size)


def weighted(weights: Wrong) -> Wrong:
    """Advantages without a baseline."""
    return lambda values, c: weights(values, c) * values


def in_sample_mean(values: Array, c: Coefficients) -> Any:
    """omega_i (l_i - mean), a mean that contains l_i: loses 1/N."""
    return definition(values, c) * (values - values.sum(axis=-1, keepdims=True) / values.shape[-1])


def centred_by_the_group(values: Array, c: Coefficients) -> Any:
    """omega_i l_i less its mean over the group, i included: w_T - (T/N) (1-p)^(T-1) for MaxRL."""
    terms = definition(values, c) * values
    return terms - terms.sum(axis=-1, keepdims=True) / values.shape[-1]


ADVANTAGES = {name: weighted(weights) for name, weights in WEIGHTS.items()} | {
    "in-sample mean": in_sample_mean,
    "centred by the group": centred_by_the_group,
}


def less_the_best_of_the_others(values: Array, c: Coefficients) -> Any:
    """A baseline as good as any, since it does not know rollout i."""
    return definition(values, c) * values - stacked([rest.max(axis=-1) for rest in others(values)], values)


def less_the_product_of_the_others(values: Array, c: Coefficients) -> Any:
    """Another such baseline."""
    return definition(values, c) * values - stacked([5 * rest.prod(axis=-1) for rest in others(values)], values)


SAME_MEAN = {
    "no baseline": weighted(definition),
    "best of the others": less_the_best_of_the_others,
    "product of the others": less_the_product_of_the_others,
}

RELATIVE_BIAS = {  # of the gradient, for likelihoods 1/4, 1/4, 1/2 and 1 in equal parts and the score l - p
    "not leave-one-out": Fraction(-11, 40),
    "order T - 1": Fraction(-1, 15),
    "k = 0 dropped": Fraction(-8, 15),
    "plug-in powers": Fraction(29, 720),
    "division by N - 1": Fraction(1, 3),
    "C(N, k)": Fraction(-11, 60),
    "l for 1 - l": Fraction(0),  # at p = 1/2 only
    "in-sample mean": Fraction(-1, 4),
    "centred by the group": Fraction(-1, 15),
}
