"""pass^k, the chance that all of k attempts succeed: its estimates by definition, exactly and to the last place."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.estimates._kernels import load
from maxrl_est.estimates.baselines import BASELINES
from maxrl_est.selftest.adversarial import FAMILIES
from maxrl_est.selftest.reference import ulp_error

ULPS = 2  # of weights; measured worst of all families: 1
ROUNDINGS = 5  # 2^-53 of omega_i l_i + |b_i| in an advantage; measured worst: 2.5
UNDERFLOW = 1e-280  # results below it are as small, and no more accurate than products of denormals

BASELINE = (None, *BASELINES, F(1, 3))


def alternating(k):
    """Its coefficients in powers of 1 - p, exactly."""
    return [k * math.comb(k - 1, j) * (-1) ** j for j in range(k)]


def mean_product(values, k):
    """The chance that all of k of the values are successes: a mean over subsets, of Fractions."""
    subsets = list(itertools.combinations(values, k))
    return sum(map(math.prod, subsets)) / F(len(subsets))


def by_definition(group, k, baseline):
    """Weights, and what is subtracted, of one group of Fractions."""
    others = [group[:i] + group[i + 1 :] for i in range(len(group))]
    weights = [k * mean_product(rest, k - 1) for rest in others]
    match baseline:
        case "pass_loo":
            return weights, [k * mean_product(rest, k) for rest in others]
        case None | "mean_loo":
            return weights, [w * sum(rest) / len(rest) for w, rest in zip(weights, others, strict=True)]
    constant = {"none": 0, "one": 1, "one_over_n": F(1, len(group))}.get(baseline, baseline)
    return weights, [constant] * len(group)


def groups(n):
    rng = np.random.default_rng(n)
    yield rng.random(n)
    yield (rng.random(n) < 0.5).astype(float)
    yield 10.0 ** -rng.integers(0, 25, n)
    yield 1 - 10.0 ** -rng.integers(1, 17, n)
    yield rng.integers(0, 3, n) / 2
    yield np.zeros(n)
    yield np.ones(n)


CASES = [(n, k, b) for n in (2, 4, 7) for k in range(1, n + 1) for b in BASELINE if b != "pass_loo" or k < n]


@pytest.mark.parametrize(("n", "k", "baseline"), CASES)
def test_advantages_are_those_of_the_definition(n, k, baseline):
    objective = mx.Objective.all_of(k)
    for likelihoods in groups(n):
        exact = [F(l) for l in likelihoods.tolist()]
        weights, subtracted = by_definition(exact, k, baseline)
        expected = [w * l - b for w, l, b in zip(weights, exact, subtracted, strict=True)]
        assert mx.loo_weights(exact, objective).tolist() == weights
        assert mx.advantages(exact, objective, baseline=baseline).tolist() == expected
        got = mx.advantages(likelihoods, objective, baseline=baseline).tolist()
        for i in range(n):
            size = weights[i] * exact[i] + abs(subtracted[i])
            assert abs(F(got[i]) - expected[i]) <= ROUNDINGS * F(2) ** -53 * max(size, F(UNDERFLOW))


def test_one_success_fewer_is_another_weight():
    exact = [F(k, 7) for k in range(1, 7)]
    weights, _ = by_definition(exact, 3, "none")
    assert mx.loo_weights(exact, mx.Objective.all_of(3)).tolist() == weights
    assert weights != by_definition(exact, 2, "none")[0]


@pytest.mark.parametrize("k", [55, 64, 69])
def test_where_all_failed_weights_and_advantages_are_0(k):
    failed = np.zeros(k)
    for objective in (mx.Objective.all_of(k), mx.Objective.from_coefficients(alternating(k))):
        assert mx.loo_weights(failed, objective).tolist() == [0] * k
        assert mx.advantages(failed, objective).tolist() == [0] * k
        assert mx.weight_estimate(failed, objective) == 0
        assert mx.objective_estimate(failed, objective) == -1
        all_but_one = np.arange(k) > 0
        assert mx.loo_weights(all_but_one, objective).tolist() == [k] + [0] * (k - 1)
        assert mx.objective_estimate(np.ones(k), objective) == 0


@pytest.mark.parametrize("k", [55, 64, 69])
def test_powers_of_failures_would_cancel(k):
    likelihoods, wrong = np.full((1, k), 0.1), np.empty((1, k))
    load().loo_weights(likelihoods, np.array(alternating(k), np.float64), False, wrong)
    assert np.abs(wrong).max() > 0.1
    assert mx.loo_weights(likelihoods, mx.Objective.all_of(k)) == pytest.approx(k * 0.1 ** (k - 1), rel=1e-13, abs=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_results_are_a_few_units_in_the_last_place_from_the_definition(family):
    for n, k in ((2, 2), (9, 5), (12, 3), (12, 12)):
        likelihoods = FAMILIES[family](n, np.random.default_rng(0))
        exact = [F(l) for l in likelihoods.tolist()]
        objective = mx.Objective.all_of(k)
        expected = np.array([float(w) for w in by_definition(exact, k, "none")[0]])
        sure = (expected == 0) | (expected > UNDERFLOW)
        assert ulp_error(mx.loo_weights(likelihoods, objective)[sure], expected[sure]) <= ULPS
        rest = float(k * mean_product(exact, k - 1))
        if rest == 0 or rest > UNDERFLOW:
            assert ulp_error(mx.weight_estimate(likelihoods, objective), rest) <= 2 * ULPS
        error = F(mx.objective_estimate(likelihoods, objective)) - mean_product(exact, k) + 1
        assert abs(error) <= ULPS * F(2) ** -53


def test_objectives_of_both_signs_are_as_accurate_as_is_said_and_refused_beyond():
    """J = -p^k - (1 - p)^k: terms of both signs in powers of p and of 1 - p."""
    for k in (4, 12, 18):
        c = [*(-x for x in alternating(k)[:-1]), k - alternating(k)[-1]]
        objective = mx.Objective.from_coefficients(c)
        bound = 8 * objective.expansion.growth * 2.0**-53 * k
        for likelihoods in groups(k):
            expected = mx.loo_weights([F(l) for l in likelihoods.tolist()], objective)
            got = mx.loo_weights(likelihoods, objective)
            assert max(abs(F(g) - e) for g, e in zip(got.tolist(), expected, strict=True)) <= bound
    k = 40
    objective = mx.Objective.from_coefficients([*(-x for x in alternating(k)[:-1]), k - alternating(k)[-1]])
    assert mx.loo_weights([F(1)] * k, objective).tolist() == [-k] * k
    for function in (mx.loo_weights, mx.advantages, mx.weight_estimate, mx.objective_estimate):
        with pytest.raises(ValueError, match="objective 'custom' must be computed with Fractions"):
            function(np.ones(k), objective)


def test_it_is_unbiased_and_the_order_is_refused_above_n():
    arms = mx.problems.Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1, 3), F(1)])
    objective = mx.Objective.all_of(3)
    found = mx.exact_moments(arms, lambda l: mx.advantages(l, objective), 3).mean
    assert (found == mx.target_gradient(arms, objective)).all()
    assert (found == 3 * arms.pass_rate**2 * arms.grad_pass_rate).all()
    assert (found != mx.target_gradient(arms, mx.Objective.all_of(2))).any()
    with pytest.raises(ValueError, match=r"objective must be of order T <= 2 for groups of N = 2, got T = 3"):
        mx.loo_weights([1, 0], objective)


@pytest.mark.parametrize("k", [3, 32, 64])
def test_its_best_baseline_and_variance_in_floats_are_the_exact_ones(k):
    """Taylor coefficients of alternating terms in floats make the variance negative at k = 64."""
    chances, likelihoods = [F(1, 2), F(1, 4), F(1, 4)], [F(0), F(1, 4), F(1)]
    objective = mx.Objective.all_of(k)
    exact = mx.optimal_baseline(mx.problems.Bandit(chances, likelihoods), k, objective)
    in_floats = mx.problems.Bandit([float(x) for x in chances], [float(x) for x in likelihoods])
    got = mx.optimal_baseline(in_floats, k, objective)
    assert got.constant == pytest.approx(float(exact.constant), rel=1e-12, abs=0)
    assert got.variance == pytest.approx(float(exact.variance), rel=1e-12, abs=0)
