"""Recipes: what the advantages of a group are made of, for an objective, a baseline and N; worked out once and kept.

NumPy, the array API and torch compute from the same recipe, so that a baseline means one thing. With the leave-one-out
weights omega_i of an objective and E_k of the other rollouts,

    A_i = omega_i l_i - b_i,   b_i = constant,  or  omega_i t_i,  or  sum_k s_k E_k,

where t_i is a guess of the pass rate, affine in the mean of the others, 1 - E_1.
"""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from maxrl_est._arguments import at, finite, is_number, one_of, short, words
from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates import checked
from maxrl_est.estimates.elementwise import elementwise
from maxrl_est.estimates.groups import need_size
from maxrl_est.objectives import Objective, ObjectiveLike, exact_number, order_of, resolve

BASELINES = ("none", "one", "one_over_n", "pass_loo", "mean_loo")

Baseline: TypeAlias = str | float | Fraction | tuple[str, float | Fraction, float | Fraction] | None


class Guess(NamedTuple):
    """A guess of the pass rate from the mean of the others: ``constant + share mean``; share is 0 where N = 1."""

    constant: Fraction
    share: Fraction


_MEAN = Guess(Fraction(0), Fraction(1))  # the mean itself


class Recipe(NamedTuple):
    """How advantages are made: the weights, and one of three baselines, the constant 0 where there is none."""

    weights: Objective | None  # of omega; None is MaxRL of order N
    constant: Fraction = Fraction(0)
    guess: Guess | None = None  # omega_i times this
    others: Objective | None = None  # the others' estimate of p w(p), as an objective whose weight that is
    one_below: bool = False  # MaxRL of order N - 1 less the others' pass@(N-1): there is a way in O(N) as well


def recipe(objective: ObjectiveLike, baseline: Baseline, size: int) -> Recipe:
    """The recipe for groups of N = size; TypeError or ValueError for what is no baseline, or none of such groups.

    >>> recipe(2, "pass_loo", 4).others.coefficients  # 1 - q^2, that is p (1 + q)
    array([ 1.,  0., -1.])
    """
    if isinstance(baseline, str):
        one_of("baseline", baseline, BASELINES)
    elif isinstance(baseline, tuple):
        _check_prior(baseline)
    elif baseline is not None:
        if not is_number(baseline):
            rule = f"a number, ('beta', alpha, beta) or one of {', '.join(BASELINES)}"
            raise TypeError(f"baseline must be {rule}, got {words(baseline)}")
        finite("baseline", baseline)
    if objective is not None and not isinstance(objective, Objective):
        objective = order_of(objective)
    return _recipe(objective, baseline, size)


def _check_prior(baseline: tuple[Any, ...]) -> None:
    if len(baseline) != 3 or not isinstance(baseline[0], str) or baseline[0] != "beta":
        raise ValueError(f"baseline must be ('beta', alpha, beta) where it is a tuple, got {words(baseline)}")
    for place in (1, 2):
        if finite(at("baseline", (place,)), baseline[place]) < 0:
            raise ValueError(f"{at('baseline', (place,))} must be at least 0, got {short(baseline[place])}")


@functools.lru_cache(maxsize=256, typed=True)
def _recipe(objective: ObjectiveLike, baseline: Baseline, size: int) -> Recipe:
    if baseline is None:
        baseline = "mean_loo" if size > 1 else "none"
    if baseline == "pass_loo":
        return _less_pass(objective, size)
    weights = resolve(objective, size, size)
    match baseline:
        case "none":
            return Recipe(weights)
        case "one":
            return Recipe(weights, Fraction(1))
        case "one_over_n":
            return Recipe(weights, Fraction(1, size))
        case "mean_loo":
            need_size(size, 2, "baseline 'mean_loo'")
            return Recipe(weights, guess=_MEAN)
        case ("beta", alpha, beta):
            return Recipe(weights, guess=_guess(baseline, alpha, beta, size))
    return Recipe(weights, exact_number("baseline", baseline))


def _guess(baseline: Baseline, alpha: Any, beta: Any, size: int) -> Guess:
    """The mean of pass rates of the law Beta(alpha, beta), given what the others are: (sum + alpha) over all counts."""
    alpha, beta = exact_number("alpha", alpha), exact_number("beta", beta)
    counted = size - 1 + alpha + beta
    if not counted:
        need_size(size, 2, f"baseline {baseline!r}")
    return Guess(alpha / counted, (size - 1) / counted)


def _less_pass(objective: ObjectiveLike, size: int) -> Recipe:
    """What the others estimate of p w(p) = sum_k (c_k - c_{k-1}) q^k, which for MaxRL is 1 - q^T."""
    order = max(1, size - 1) if objective is None else order_of(objective)
    need_size(size, order + 1, f"baseline 'pass_loo' of order {order}")
    weights = resolve(objective or order, size, size)
    assert weights is not None  # only order N is None
    others = Objective.from_coefficients(np.diff(np.array((0, *weights.rational_coefficients, 0), dtype=object)))
    return Recipe(weights, others=others, one_below=1 < order == size - 1 and weights == Objective.maxrl(order))


def weights_and_advantages(values: Array, made_of: Recipe) -> tuple[Array, Array]:
    """Leave-one-out weights (B, N) and advantages (B, N) of checked groups (B, N)."""
    weights, advantages = np.empty_like(values), np.empty_like(values)
    fill(made_of, values, weights, advantages)
    return weights, advantages


def fill(made_of: Recipe, values: Array, weights: Array, advantages: Array) -> None:
    """Fill weights (B, N) and advantages (B, N), both contiguous."""
    if made_of.one_below:
        _fill_one_below(values, weights, advantages)
        return
    checked.fill_loo_weights(values, made_of.weights, weights)
    if made_of.guess is not None:
        _into(advantages, np.subtract, values, guessed(values, made_of.guess))
        _into(advantages, np.multiply, advantages, weights)
        return
    _into(advantages, np.multiply, weights, values)
    if made_of.others is not None:
        _into(advantages, np.subtract, advantages, checked.loo_weights(values, made_of.others))
    elif made_of.constant:
        constant = np.array(made_of.constant if values.dtype == object else float(made_of.constant))
        _into(advantages, np.subtract, advantages, constant)


def guessed(values: Array, guess: Guess) -> Array:
    """Guesses of the pass rate, (B, N) or the same for all."""
    if guess == _MEAN:
        return checked.mean_of_others(values)
    constant, share = guess if values.dtype == object else map(float, guess)
    if not share:
        return np.array(constant)
    return elementwise(lambda mean: constant + share * mean, checked.mean_of_others(values))


def _fill_one_below(values: Array, weights: Array, advantages: Array) -> None:
    """MaxRL of order N - 1 less the others' pass@(N-1), in O(N).

    Order N has one term more, that all the others fail, and it is the least of N: so for N > 2 the difference has at
    most 3/2 the relative error of the weights of order N.
    """
    all_fail = checked.failure_of_others(values)
    checked.fill_loo_weights(values, None, weights)
    _into(weights, np.subtract, weights, all_fail)
    _into(advantages, np.multiply, weights, values)
    _into(advantages, np.subtract, advantages, elementwise(lambda fail: 1 - fail, all_fail))


def _into(out: Array, operation: np.ufunc, one: Array, other: Array) -> None:
    """Fill an array with what the operation makes of two: Fractions once for the same ones."""
    if out.dtype == object:
        out[:] = elementwise(operation, one, other)
    else:
        operation(one, other, out=out)
