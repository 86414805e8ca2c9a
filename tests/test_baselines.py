"""Recipes of advantages: which one is meant, and MaxRL as trainers ship it in O(N), against the oracle."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from maxrl_est.estimates import checked
from maxrl_est.estimates._kernels import generic
from maxrl_est.estimates.baselines import recipe, weights_and_advantages
from maxrl_est.objectives import Objective
from maxrl_est.selftest import reference
from maxrl_est.selftest.adversarial import FAMILIES

WEIGHT_ULPS = 8  # measured worst over the families, N = 3 to 512: 4.5
MEAN_ULPS = 1.5  # a sum to half of one, and a quotient
ADVANTAGE_ULPS = 8  # of 1 or omega_i l_i, whichever is larger; measured worst over N = 3 to 65: 4.5
PRODUCT_ULPS = 2  # measured worst, compiled: 0.5; in arrays: 1
every_family = pytest.mark.parametrize("family", FAMILIES)
GROUP = np.array([Fraction(1, 2), Fraction(0), Fraction(1, 7), Fraction(1), Fraction(3, 5)])


def checked_groups(family, n):
    values = FAMILIES[family](n, np.random.default_rng(n))[None].copy()
    values.flags.writeable = False
    return values


def failures(values):
    """The product of 1 - l over the others, of each rollout of one group, exactly."""
    q = [1 - Fraction(x) for x in values.tolist()]
    unit = math.lcm(*(x.denominator for x in q))  # products of ints, since Fractions would be reduced each time
    ints = [int(x * unit) for x in q]
    products = {x: math.prod(ints[:i] + ints[i + 1 :]) for i, x in enumerate(ints)}
    return [Fraction(products[x], unit ** (len(q) - 1)) for x in ints]


def test_recipes_are_worked_out_once():
    assert recipe(Objective.maxrl(3), "pass_loo", 8) is recipe(Objective.maxrl(3), "pass_loo", 8)
    assert recipe(3, "pass_loo", 8) is not recipe(3, "pass_loo", 9)


def test_what_the_others_estimate_is_p_times_the_weight():
    for objective in (Objective.maxrl(3), Objective.pass_at(2), Objective.tsallis(Fraction(1, 2), 4)):
        others = recipe(objective, "pass_loo", 8).others
        for p in (Fraction(0), Fraction(1, 3), Fraction(1)):
            assert others.weight(p) == p * objective.weight(p)


@pytest.mark.parametrize(
    ("objective", "size", "one_below"),
    [
        (None, 8, True),
        (7, 8, True),
        (Objective.tsallis(1, 7), 8, True),
        (6, 8, False),
        (Objective.pass_at(7), 8, False),
        (Objective.from_coefficients([1, 1 + Fraction(1, 10**30)]), 3, False),  # which rounds to MaxRL's
        (None, 2, False),  # order 1, whose weights are exactly 1
    ],
)
def test_only_maxrl_of_order_n_less_1_is_made_from_that_of_order_n(objective, size, one_below):
    assert recipe(objective, "pass_loo", size).one_below is one_below


def test_both_ways_to_the_shipped_advantages_agree_exactly_on_fractions():
    for n in (3, 4, 5):
        values, made = GROUP[:n][None], recipe(None, "pass_loo", n)
        assert made.one_below
        quick, plain = (weights_and_advantages(values, r) for r in (made, made._replace(one_below=False)))
        assert [x.tolist() for x in quick] == [x.tolist() for x in plain]
        too_high = weights_and_advantages(values, recipe(None, "none", n))  # order N, nothing dropped
        assert quick[0].tolist() != too_high[0].tolist()


@every_family
@pytest.mark.parametrize("n", [3, 8, 17, 64])
def test_shipped_weights_and_advantages_are_accurate(family, n):
    values = checked_groups(family, n)
    weights, advantages = (x[0] for x in weights_and_advantages(values, recipe(None, "pass_loo", n)))
    exact = reference.exact_loo_weights(values[0].tolist(), [1] * (n - 1))
    assert reference.ulp_error(weights, [float(x) for x in exact]) <= WEIGHT_ULPS
    likelihoods = [Fraction(x) for x in values[0].tolist()]
    for got, weight, own, r in zip(advantages.tolist(), exact, likelihoods, failures(values[0]), strict=True):
        error = abs(Fraction(got) - (weight * own - (1 - r)))
        assert error <= ADVANTAGE_ULPS * math.ulp(max(1.0, float(weight * own)))


@every_family
@pytest.mark.parametrize("n", [1, 2, 7, 65])
def test_the_chance_that_all_others_fail_is_accurate_by_either_kernel(family, n):
    values, in_arrays = checked_groups(family, n), np.empty((1, n))
    generic.failure_of_others(values, in_arrays)
    expected = [float(x) for x in failures(values[0])]
    assert reference.ulp_error(checked.failure_of_others(values)[0], expected) <= PRODUCT_ULPS
    assert reference.ulp_error(in_arrays[0], expected) <= PRODUCT_ULPS


def test_a_product_that_forgets_what_rounding_loses_is_seen():
    n, l = 1000, 3e-4
    values = np.full((1, n), l)
    expected = [float((1 - Fraction(l)) ** (n - 1))] * n
    assert reference.ulp_error(checked.failure_of_others(values)[0], expected) <= PRODUCT_ULPS
    forgetful = np.full(n, np.prod(np.full(n - 1, 1 - l)))
    assert reference.ulp_error(forgetful, expected) > 10 * PRODUCT_ULPS


@pytest.mark.parametrize("n", [2, 3, 57, 1000, 10**6])
def test_the_mean_of_the_others_is_accurate_in_groups_of_any_size_by_either_kernel(n):
    """Equal likelihoods round alike: a running sum loses 10 units in the last place at N = 57, 10^5 at N = 10^6."""
    l = np.nextafter(0.1, 1)
    in_arrays = np.empty((1, n))
    generic.mean_of_others(np.full((1, n), l), in_arrays)
    assert reference.ulp_error(in_arrays[0], [l] * n) <= MEAN_ULPS
    assert reference.ulp_error(checked.mean_of_others(np.full((1, n), l))[0], [l] * n) <= MEAN_ULPS
    running = np.add.accumulate(np.full(n - 1, l))[-1] / (n - 1)
    assert n < 57 or reference.ulp_error([running], [l]) > 2 * MEAN_ULPS


@pytest.mark.parametrize("n", [2, 3, 8, 100])
def test_the_mean_of_the_others_is_the_same_to_the_last_bit_by_either_kernel(n):
    values = np.random.default_rng(0).random((20, n))
    in_arrays = np.empty_like(values)
    generic.mean_of_others(values, in_arrays)
    got = checked.mean_of_others(values)
    assert np.array_equal(got, in_arrays)
    assert got == pytest.approx((values.sum(axis=1, keepdims=True) - values) / (n - 1), rel=1e-13)
    tiny = np.array([[1.0, 1e-300, 3e-300]])
    assert checked.mean_of_others(tiny)[0, 0] == 2e-300  # where the sum less l_i would be 0


@pytest.mark.parametrize("first", [np.array([]), np.ma.masked, ["beta"], None])
def test_a_tuple_that_begins_with_anything_but_beta_is_refused(first):
    with pytest.raises(ValueError, match=r"^baseline must be \('beta', alpha, beta\) where it is a tuple, got "):
        recipe(None, (first, 1, 1), 3)
