"""The oracle against closed forms, its own other routes, and named wrong versions of itself."""

from __future__ import annotations

import itertools
import math
import sys
from fractions import Fraction

import flint
import numpy as np
import pytest

from maxrl_est.selftest import reference
from maxrl_est.selftest.adversarial import FAMILIES
from maxrl_est.selftest.reference import (
    ball_loo_weights,
    ball_loo_weights_full_order,
    exact_failure_powers,
    exact_loo_weights,
    exact_objective_estimate,
    exact_weight_estimate,
    ulp_error,
)

SLOW_BELOW = 1e-30  # many distinct values below it make rationals of 10^5 bits at N = 64
OBJECTIVES = {
    "expected": [1],
    "maxrl-2": [1, 1],
    "pass-at-3": [0, 0, 3],
    "signs": [Fraction(1, 3), -2, 0.1],
    "tsallis-half": [1, Fraction(1, 2), Fraction(3, 8)],
}


def draw(family, n, seed=0):
    return FAMILIES[family](n, np.random.default_rng(seed))


def mean_over_subsets(values, k):
    """E_k with no recurrence: the mean, over all k-subsets, of the product of their failures."""
    products = [math.prod(1 - value for value in subset) for subset in itertools.combinations(values, k)]
    return Fraction(sum(products)) / len(products)


def without(values, i):
    return values[:i] + values[i + 1 :]


# Wrong versions, each a mistake that has been made or is easily made.


def not_leave_one_out(likelihoods, coefficients):
    return [exact_weight_estimate(likelihoods, coefficients)] * len(likelihoods)


def divides_by_choose_n(likelihoods, coefficients):
    n = len(likelihoods)
    shrunk = [c * Fraction(math.comb(n - 1, k), math.comb(n, k)) for k, c in enumerate(coefficients)]
    return exact_loo_weights(likelihoods, shrunk)


def one_order_less(likelihoods, coefficients):
    return exact_loo_weights(likelihoods, [*coefficients[:-1], 0])


def powers_of_the_mean(likelihoods, coefficients):
    def mean_failure(i):
        return 1 - sum(without(likelihoods, i), Fraction(0)) / max(1, len(likelihoods) - 1)

    return [sum(c * mean_failure(i) ** k for k, c in enumerate(coefficients)) for i in range(len(likelihoods))]


def failures_for_likelihoods(likelihoods, coefficients):
    return exact_loo_weights([1 - value for value in likelihoods], coefficients)


# Checks, each of which takes the function to judge.


def is_the_mean_over_subsets(weigh):
    values = [Fraction(k, 7) for k in (0, 1, 3, 3, 5, 7)]
    for coefficients in ([1], [0, 1], [1, 1, 1], [2, -1, Fraction(1, 3), 5], [1] * 6):
        expected = [
            sum(c * mean_over_subsets(without(values, i), k) for k, c in enumerate(coefficients))
            for i in range(len(values))
        ]
        assert weigh(values, coefficients) == expected


def is_a_ratio_of_counts_on_binary_rewards(weigh):
    for n in (1, 2, 3, 8):
        for order, successes in itertools.product(range(1, n + 1), range(n + 1)):
            values = [Fraction(1)] * successes + [Fraction(0)] * (n - successes)
            got = weigh(values, [Fraction(1)] * order)
            if successes:
                missed = Fraction(math.comb(n - successes, order), math.comb(n, order))
                assert got[0] == Fraction(n, successes) * (1 - missed)
            if successes < n and order == n:
                assert got[-1] == Fraction(n, successes + 1)


def is_the_weight_of_the_objective_when_all_are_equal(weigh):
    for p in (Fraction(0), Fraction(2, 5), Fraction(1)):
        for coefficients in ([1], [1, 1, 1, 1, 1], [0, 2], [Fraction(1, 3), -2, 0, 7]):
            expected = sum(c * (1 - p) ** k for k, c in enumerate(coefficients))
            assert weigh([p] * 5, coefficients) == [expected] * 5


def has_the_estimate_of_pass_at_t_as_mean_advantage(weigh):
    values = [Fraction(k, 11) for k in (0, 2, 2, 5, 9, 11, 1)]
    for order in range(1, 8):
        weights = weigh(values, [1] * order)
        mean = sum(w * value for w, value in zip(weights, values, strict=True)) / 7
        assert mean == 1 - mean_over_subsets(values, order)


def is_n_times_the_slope_of_the_objective_estimate(weigh):
    values = [Fraction(k, 11) for k in (0, 2, 2, 5, 9, 11)]
    for coefficients in ([1], [1, 1, 1], [2, -1, Fraction(1, 3), 5, 0, 1]):
        expected = []
        for i in range(6):  # the estimate is linear in each likelihood, so a difference is the slope
            ends = [exact_objective_estimate([*without(values, i), end], coefficients) for end in (0, 1)]
            expected.append(6 * (ends[1] - ends[0]))
        assert weigh(values, coefficients) == expected


REJECTED = {
    is_the_mean_over_subsets: [
        not_leave_one_out,
        divides_by_choose_n,
        one_order_less,
        powers_of_the_mean,
        failures_for_likelihoods,
    ],
    is_a_ratio_of_counts_on_binary_rewards: [not_leave_one_out, powers_of_the_mean, failures_for_likelihoods],
    is_the_weight_of_the_objective_when_all_are_equal: [divides_by_choose_n, one_order_less],
    has_the_estimate_of_pass_at_t_as_mean_advantage: [not_leave_one_out, divides_by_choose_n, one_order_less],
    is_n_times_the_slope_of_the_objective_estimate: [not_leave_one_out, powers_of_the_mean],
}


@pytest.mark.parametrize("check", REJECTED, ids=lambda check: check.__name__)
def test_the_exact_weight(check):
    check(exact_loo_weights)


@pytest.mark.parametrize(
    ("check", "wrong"),
    [(check, wrong) for check, versions in REJECTED.items() for wrong in versions],
    ids=lambda function: function.__name__,
)
def test_a_check_rejects_a_wrong_weight(check, wrong):
    with pytest.raises((AssertionError, ValueError)):
        check(wrong)


def test_a_group_of_one_has_the_constant_coefficient_as_its_weight():
    for likelihood in (0.0, 0.3, 1.0):
        assert exact_loo_weights([likelihood], [Fraction(2, 7)]) == [Fraction(2, 7)]
        assert ball_loo_weights(np.array([likelihood]), [1]).tolist() == [1.0]
        assert ball_loo_weights_full_order(np.array([likelihood])).tolist() == [1.0]


def test_failure_powers_are_means_over_subsets_and_not_powers_of_the_mean():
    values = [Fraction(k, 7) for k in (0, 1, 3, 3, 5, 7)]
    expected = [mean_over_subsets(values, k) for k in range(7)]
    mean_failure = 1 - sum(values) / 6
    assert exact_failure_powers(values, 6) == expected
    assert [mean_failure**k for k in range(7)] != expected


def test_the_objective_estimate_of_binary_rewards_is_a_difference_of_harmonic_numbers():
    def harmonic(n):
        return sum((Fraction(1, k) for k in range(1, n + 1)), Fraction(0))

    for n, successes in ((1, 0), (1, 1), (6, 0), (6, 2), (6, 6)):
        values = [1.0] * successes + [0.0] * (n - successes)
        assert exact_objective_estimate(values, [1] * n) == harmonic(successes) - harmonic(n)


def test_the_weight_estimate_of_the_others_is_the_leave_one_out_weight():
    values = [Fraction(k, 7) for k in (0, 1, 3, 3, 5, 7)]
    expected = [exact_weight_estimate(without(values, i), [1] * 6) for i in range(6)]
    assert exact_loo_weights(values, [1] * 6) == expected
    assert [exact_weight_estimate(values, [1] * 6)] * 6 != expected


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16])
def test_a_float_is_the_rational_it_is_and_not_the_decimal_it_prints_as(kind):
    likelihoods = np.array([0.1, 0.7], dtype=kind)
    expected = [2 - Fraction(float(likelihoods[1])), 2 - Fraction(float(likelihoods[0]))]
    assert exact_loo_weights(likelihoods, [1, 1]) == expected
    assert exact_loo_weights([Fraction(1, 10), Fraction(7, 10)], [1, 1]) != expected
    assert ball_loo_weights(likelihoods, np.array([1, 1])).tolist() == [float(weight) for weight in expected]


@pytest.mark.parametrize("family", FAMILIES)
def test_balls_agree_with_rationals(family):
    for n in (1, 2, 3, 8, 17, 64):
        likelihoods = draw(family, n)
        tiny = np.unique(likelihoods[(likelihoods > 0) & (likelihoods < SLOW_BELOW)])
        orders = {n} if n < 64 or tiny.size <= 1 else set()
        for order in orders | {min(n, 8)}:
            expected = exact_loo_weights(likelihoods, [1] * order)
            rounded = [float(weight) for weight in expected]
            assert ball_loo_weights(likelihoods, [1] * order).tolist() == rounded
            if order == n:
                assert ball_loo_weights_full_order(likelihoods).tolist() == rounded


@pytest.mark.parametrize("coefficients", OBJECTIVES.values(), ids=OBJECTIVES)
@pytest.mark.parametrize("family", ["uniform", "hot-2", "mixed-magnitudes", "within-ulps-of-one"])
def test_balls_agree_with_rationals_for_other_objectives(family, coefficients):
    likelihoods = draw(family, 24)
    expected = [float(weight) for weight in exact_loo_weights(likelihoods, coefficients)]
    assert ball_loo_weights(likelihoods, coefficients).tolist() == expected


def test_a_weight_on_a_tie_goes_to_the_even_double_and_one_beside_a_tie_does_not():
    ulp = 2.0**-53
    zeros = np.zeros(256)
    zeros[0] = 1.0 - ulp
    assert exact_loo_weights(zeros, [1] * 256)[1] == 128 + Fraction(1, 2**46)  # half an ulp above 128
    assert ball_loo_weights(zeros, [1] * 256)[1] == 128.0
    assert ball_loo_weights_full_order(zeros, indices=[1]).tolist() == [128.0]
    threes = np.full(3, 1.0 - ulp)
    assert exact_loo_weights(threes, [1] * 3)[0] == 1 + Fraction(ulp) + Fraction(ulp) ** 2
    assert ball_loo_weights(threes, [1] * 3)[0] == ball_loo_weights_full_order(threes)[0] == 1.0 + 2 * ulp


def test_weights_that_are_zero_come_out_as_zero_and_tiny_ones_do_not():
    assert ball_loo_weights(np.array([0.3, 1.0, 1.0]), [0, 1]).tolist() == [0.0, 0.35, 0.35]
    least = math.ulp(0.0)
    assert ball_loo_weights(np.array([0.25, 0.25]), [0, 4 * least]).tolist() == [3 * least] * 2


@pytest.mark.parametrize("family", FAMILIES)
def test_quadrature_in_balls_agrees_with_polynomials_in_balls(family):
    likelihoods = draw(family, 256)
    expected = ball_loo_weights(likelihoods, [1] * 256)
    np.testing.assert_array_equal(ball_loo_weights_full_order(likelihoods), expected)


def test_quadrature_in_balls_is_told_from_an_order_less():
    likelihoods = draw("equal-sum-one", 256)
    assert ulp_error(ball_loo_weights_full_order(likelihoods), ball_loo_weights(likelihoods, [1] * 255)) > 0


@pytest.mark.parametrize(("shorter", "fewer"), [(0.25, 1), (1.0, 3)])
def test_a_quadrature_that_leaves_out_too_much_is_refused_and_not_rounded(monkeypatch, shorter, fewer):
    def too_little(**group):
        a, m = choose(**group)
        return a * shorter, m // fewer

    choose = reference._interval_and_nodes
    monkeypatch.setattr(reference, "_interval_and_nodes", too_little)
    monkeypatch.setattr(reference, "_MOST_BITS", 128)
    with pytest.raises(ArithmeticError, match="do not decide"):
        ball_loo_weights_full_order(draw("uniform", 256))


def test_quadrature_in_balls_agrees_with_adaptive_integration():
    n = 100_000
    likelihoods = draw("powers-of-two", n)
    values, counts = (column.tolist() for column in np.unique(likelihoods, return_counts=True))
    left_out = values.index(1.0)

    def integrate(multiplicities):
        def integrand(t, _):
            factors = ((1 - t * v) ** count for v, count in zip(values, multiplicities, strict=True))
            return math.prod(factors, start=flint.acb(1))

        with flint.ctx.workprec(120):
            return float((n * flint.acb.integral(integrand, 0, 1)).real)

    got = ball_loo_weights_full_order(likelihoods, indices=[np.argmax(likelihoods)])
    assert ulp_error(got, [integrate([c - (j == left_out) for j, c in enumerate(counts)])]) == 0.0
    assert ulp_error(got, [integrate(counts)]) > 0.0  # not leave-one-out


def test_a_million_binary_rollouts_have_the_ratio_of_counts():
    n, successes = 1_000_000, 12_345
    likelihoods = np.zeros(n)
    likelihoods[:successes] = 1.0
    got = ball_loo_weights_full_order(likelihoods, indices=[0, n - 1])
    assert got.tolist() == [n / successes, n / (successes + 1)]


@pytest.mark.parametrize("family", ["uniform", "geometric-1e-300", "uniform-sum-37"])
def test_a_million_rollouts_keep_within_the_bounds_of_their_peers_sum(family):
    """N/(1+L) <= omega <= N (1-exp(-L))/L with L the sum of the other likelihoods."""
    n = 1_000_000
    likelihoods = draw(family, n)
    chosen = np.arange(0, 4096, 512)
    got = ball_loo_weights_full_order(likelihoods, indices=chosen)
    peers = math.fsum(likelihoods) - likelihoods[chosen]
    slack = 1e-12  # rounding of the two bounds themselves
    assert np.all(got >= n / (1 + peers) * (1 - slack))
    assert np.all(got <= -n * np.expm1(-peers) / peers * (1 + slack))


def test_indices_choose_weights_in_their_order():
    likelihoods = draw("mixed-magnitudes", 40)
    every = ball_loo_weights_full_order(likelihoods)
    for indices in ([5], [30, 2, 2, -1], np.arange(40) % 3 == 0):
        got = ball_loo_weights_full_order(likelihoods, indices=indices)
        np.testing.assert_array_equal(got, every[indices])


def test_the_oracle_leaves_its_input_and_the_ball_precision_as_they_were():
    likelihoods = draw("uniform", 20)[::2]
    likelihoods.flags.writeable = False
    copy, precision = likelihoods.copy(), flint.ctx.prec
    np.testing.assert_array_equal(ball_loo_weights(likelihoods, [1] * 10), ball_loo_weights_full_order(copy))
    np.testing.assert_array_equal(likelihoods, copy)
    assert flint.ctx.prec == precision


@pytest.mark.parametrize("weigh", [exact_loo_weights, ball_loo_weights])
def test_an_order_above_the_group_size_is_refused(weigh):
    with pytest.raises(ValueError, match=r"must have T entries, T in \[1, N\] and N = 3, got 4"):
        weigh(np.array([0.1, 0.2, 0.3]), [1, 1, 1, 1])
    with pytest.raises(ValueError, match="got 0"):
        weigh(np.array([0.1, 0.2, 0.3]), [])
    with pytest.raises(ValueError, match=r"max_power must lie in \[0, N\], N = 3, got 4"):
        exact_objective_estimate([0.1, 0.2, 0.3], [1] * 4)
    with pytest.raises(ValueError, match="got -1"):
        exact_failure_powers([0.1], -1)


@pytest.mark.parametrize(
    "weigh",
    [
        lambda likelihoods: exact_loo_weights(likelihoods, [1]),
        lambda likelihoods: ball_loo_weights(likelihoods, [1]),
        ball_loo_weights_full_order,
    ],
    ids=["exact", "ball", "full order"],
)
def test_a_group_that_is_none_is_refused_with_the_value_at_fault(weigh):
    for wrong in (math.nan, -1e-300, 1.0 + 2.0**-52, math.inf):
        with pytest.raises(ValueError, match=r"likelihoods\[1\] must lie in \[0, 1\], got "):
            weigh(np.array([0.5, wrong]))
    for shape in ((), (0,), (2, 2)):
        with pytest.raises(ValueError, match="must be one group"):
            weigh(np.zeros(shape))


def test_balls_without_flint_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    with pytest.raises(ImportError, match=r"pip install 'maxrl-est\[test\]'"):
        ball_loo_weights(np.array([0.5]), [1])
    assert exact_loo_weights([0.5], [1]) == [1]


def test_ulp_error_counts_units_in_the_last_place_of_the_expected_value():
    assert ulp_error([1.0, 3.0], [1.0, 3.0]) == 0.0
    assert ulp_error([np.nextafter(1.0, 0.0)], [1.0]) == 0.5
    assert ulp_error([1.0], [np.nextafter(1.0, 0.0)]) == 1.0
    assert ulp_error([0.0, 2 * math.ulp(0.0)], [0.0, 0.0]) == 2.0
    assert ulp_error([-1.0], [1.0]) == 2.0**53
    assert ulp_error([], []) == 0.0
    for got, expected in (([math.nan], [1.0]), ([1.0], [math.nan]), ([math.inf], [math.inf])):
        assert ulp_error(got, expected) == math.inf
    with pytest.raises(ValueError, match="must have the shape of expected"):
        ulp_error([1.0], [1.0, 1.0])


@pytest.mark.parametrize("n", [1, 2, 3, 64, 5000])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_one_group_in_the_unit_interval_with_few_distinct_values(family, n):
    group = draw(family, n)
    assert group.shape == (n,)
    assert group.dtype == np.float64
    assert np.all((group >= 0.0) & (group <= 1.0))
    assert np.unique(group).size <= 4096
    np.testing.assert_array_equal(group, draw(family, n))


def test_there_are_enough_families_and_no_two_are_the_same():
    groups = {draw(family, 5000).tobytes() for family in FAMILIES}
    assert len(groups) == len(FAMILIES) >= 64
