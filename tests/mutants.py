"""Wrong estimators, each a mistake that has been made or is easily made, from the definition and slowly.

Weights and advantages take likelihoods ``(..., N)``, floats or Fractions, and the coefficients c of the objective.
Exact relative biases are those at N = T = 4 and p = 1/2; `test_exact` computes them.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np


def mean_product(values, k):
    """E_k: the mean over k-subsets of the product of 1 - value, of the last axis."""
    subsets = itertools.combinations(range(values.shape[-1]), k)
    products = [(1 - values[..., list(subset)]).prod(axis=-1) for subset in subsets]
    return sum(products) / Fraction(len(products)) if values.dtype == object else sum(products) / len(products)


def from_others(estimate):
    """Weights that apply an estimate of w(p) to the others of each rollout."""

    def weights(values, c):
        others = [np.delete(values, i, axis=-1) for i in range(values.shape[-1])]
        return np.stack([estimate(rest, c) + 0 * values[..., 0] for rest in others], axis=-1)

    return weights


def power_sum(values, c):
    return sum(coefficient * mean_product(values, k) for k, coefficient in enumerate(c))


definition = from_others(power_sum)  # the right one


# Weights.


def not_leave_one_out(values, c):
    """Weights from all N values: -11/60, so far as l is symmetric about 1/2."""
    return power_sum(values, c)[..., None] + 0 * values


def one_order_less(values, c):
    """Order T - 1: -1/15."""
    return definition(values, c[:-1])


def without_the_constant(values, c):
    """The term k = 0 dropped: -8/15."""
    return definition(values, [0, *c[1:]])


@from_others
def plug_in_powers(others, c):
    """(1 - mean)^k for E_k: +1/9 for 0/1 rewards, less for graded ones, nothing at T <= 2."""
    mean = others.sum(axis=-1) / max(1, others.shape[-1])
    return sum(coefficient * (1 - mean) ** k for k, coefficient in enumerate(c))


def divided_by_the_others(values, c):
    """The sum over the group divided by N - 1: +1/3."""
    size = values.shape[-1]
    return definition(values, c) * (Fraction(size, size - 1) if values.dtype == object else size / (size - 1))


def sums_over_choose_n(values, c):
    """C(N, k) for C(N-1, k): each power times 1 - k/N."""
    size = values.shape[-1]
    return definition(values, [coefficient * Fraction(size - k, size) for k, coefficient in enumerate(c)])


def likelihoods_for_failures(values, c):
    """E_k of l in place of 1 - l."""
    return definition(1 - values, c)


def earlier_rollouts_only(values, c):
    """Weights from the rollouts before this one, with as many powers as they allow: order counts."""
    seen = [values[..., :i] for i in range(values.shape[-1])]
    return np.stack([power_sum(rest, c[: rest.shape[-1] + 1]) + 0 * values[..., 0] for rest in seen], axis=-1)


def scaled_over_the_batch(values, c):
    """Weights divided by their mean over the whole batch."""
    weights = definition(values, c)
    return weights / (weights.sum() / weights.size)


WRONG_WEIGHTS = {
    "not leave-one-out": not_leave_one_out,
    "order T - 1": one_order_less,
    "k = 0 dropped": without_the_constant,
    "plug-in powers": plug_in_powers,
    "division by N - 1": divided_by_the_others,
    "C(N, k) for C(N-1, k)": sums_over_choose_n,
    "l for 1 - l": likelihoods_for_failures,
}


# Advantages.


def unweighted_baseline(weights):
    return lambda values, c: weights(values, c) * values


def in_sample_mean(values, c):
    """omega_i (l_i - mean l): the mean contains l_i, which costs 1/N, -1/4."""
    mean = values.sum(axis=-1, keepdims=True) / values.shape[-1]
    return definition(values, c) * (values - mean)


def centred_by_the_group(values, c):
    """omega_i l_i less its group mean, which contains rollout i: w_T - (T/N) (1-p)^(T-1) for MaxRL, -1/15."""
    weighted = definition(values, c) * values
    return weighted - weighted.sum(axis=-1, keepdims=True) / values.shape[-1]


WRONG_ADVANTAGES = {name: unweighted_baseline(weights) for name, weights in WRONG_WEIGHTS.items()} | {
    "in-sample mean": in_sample_mean,
    "centred by the group": centred_by_the_group,
}


def best_of_the_others(values, c):
    """Another baseline, which does not depend on rollout i: the same mean, other variance."""
    others = [np.delete(values, i, axis=-1).max(axis=-1) for i in range(values.shape[-1])]
    return definition(values, c) * values - np.stack(others, axis=-1)


def square_of_the_others(values, c):
    """And another: the product of the others' likelihoods."""
    others = [np.delete(values, i, axis=-1).prod(axis=-1) for i in range(values.shape[-1])]
    return definition(values, c) * values - 5 * np.stack(others, axis=-1)


SAME_MEAN = {
    "no baseline": unweighted_baseline(definition),
    "best of the others": best_of_the_others,
    "product of the others": square_of_the_others,
}
