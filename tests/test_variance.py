"""Closed-form moments: equal to enumeration in exact rationals, to integrals, and to figures known from them."""

from __future__ import annotations

import math
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est import estimators, variance
from maxrl_est.estimators import NamedEstimator
from maxrl_est.problems import Bandit, Bernoulli, Chain, Contextual, Gaussian
from maxrl_est.variance import (
    NoClosedForm,
    closed_form_moments,
    closed_form_variance,
    optimal_baseline,
    ustat_optimal,
)

FINITE = {
    "coin": Bernoulli(F(1, 4)),
    "never": Bernoulli(F(0)),
    "always": Bernoulli(F(1)),
    "graded": Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1, 3), F(1)]),
    "0/1, three arms": Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1), F(1)]),
    "chain": Chain([F(1, 2), F(1, 3)], [F(0), F(1, 3), F(1)]),
    "two prompts": Contextual([Bernoulli(F(1, 10)), Bandit([F(1, 2), F(1, 2)], [F(1, 3), F(1)])], [F(1, 3), F(2, 3)]),
}
AFFINE = [name for name in estimators.names() if estimators.get(name).affine(5)]
every_problem = pytest.mark.parametrize("problem", FINITE.values(), ids=FINITE)
REGRESSION = Gaussian(mean=0, scale=1, target=1, sigma=0.5)


def agree(problem, row, n, form=closed_form_moments):
    got, expected = form(problem, row, n), mx.exact_moments(problem, row, n)
    return got.exact and (got.mean == expected.mean).all() and (got.covariance == expected.covariance).all()


@every_problem
@pytest.mark.parametrize("name", AFFINE)
def test_polynomial_rows_have_their_enumerated_moments_exactly(problem, name):
    row = estimators.get(name)
    for n in (1, 2, 3, 5, 8) if len(getattr(problem, "likelihoods", "")) == 2 else (1, 2, 3, 5):
        if row.affine(n) is not None:
            assert agree(problem, row, n)


@pytest.mark.parametrize(
    "name", ["maxrl", "maxrl_cv", "maxrl_shipped", "plug_in_loo", "tailrl", "maxk_loo", "ustat_mean_loo"]
)
@pytest.mark.parametrize("problem", ["coin", "never", "always", "0/1, three arms"])
def test_any_row_has_its_enumerated_moments_exactly_on_binary_rewards(problem, name):
    for n in (3, 5):
        assert agree(FINITE[problem], estimators.get(name), n)


def test_plain_functions_and_square_roots_are_done_on_binary_rewards_too():
    problem = Bandit([0.5, 0.3, 0.2], [0.0, 1.0, 1.0])
    for function in (estimators.get("grpo"), lambda r: r / (1 + r.sum(axis=-1, keepdims=True))):
        got, expected = closed_form_moments(problem, function, 6), mx.exact_moments(problem, function, 6)
        assert got.covariance == pytest.approx(expected.covariance, rel=1e-10, abs=1e-15)


def test_general_objectives_too():
    objective = mx.Objective.from_coefficients([F(1, 2), F(-1, 3), F(2)])
    row = ustat_optimal(FINITE["graded"], 4, objective)
    assert agree(FINITE["graded"], row, 4)


# Wrong versions.


def one_value_more(problem, row, n):
    return closed_form_moments(
        problem, NamedEstimator("", row.function, row.target, "", affine=lambda _: row.affine(n)), n + 1
    )


def squares_of_means(problem, row, n):
    """E[q]^2 in place of E[q^2]: the weights of two rollouts share no value."""
    m = problem.moments
    moments = type(m)(m.p, m.p * m.p, m.lS, m.l2S, m.SS, m.lSS, m.l2SS)
    mean, covariance = variance._affine(moments, *row.affine(n), n)
    return mx.exact.Moments(mean, covariance, 0.0, n)


@pytest.mark.parametrize("wrong", [one_value_more, squares_of_means])
def test_wrong_forms_are_found_out(wrong):
    assert not agree(FINITE["graded"], estimators.get("ustat_one"), 4, wrong)


# Figures.


def test_the_figures_of_the_regression_come_out_to_four_digits():
    for name, figure in (("ustat", 0.0607), ("ustat_one", 0.1070), ("ustat_seed", 0.0528)):
        assert round(closed_form_variance(REGRESSION, estimators.get(name), 8).item(), 4) == figure
    best = optimal_baseline(REGRESSION, 8)
    assert (round(float(best.constant), 4), round(float(best.variance), 4)) == (0.3151, 0.0483)
    assert best.gain == pytest.approx(0.2044, abs=5e-5)


INTEGRALS = 1e-11  # relative; measured worst: 3e-14


@pytest.mark.parametrize("n", [2, 4, 8, 32, 64])
def test_full_order_has_the_variance_of_its_integral_form(n):
    """omega_i = N Int prod_{j != i} (1 - t l_j) dt, so its moments are double integrals, of degree below N."""
    m = Gaussian(mean=[0.0, 0.4], scale=0.8, target=[1.0, 0.0], sigma=0.6, learn_scale=True).moments
    nodes, weights = np.polynomial.legendre.leggauss(n)
    t, w = (nodes + 1) / 2, weights / 2
    s, t, w = t[:, None], t[None], np.outer(w, w)
    both = 1 - (s + t) * m.p + s * t * m.p2
    second = n**2 * (w * both ** (n - 1)).sum()
    left = m.lS - s[..., None] * m.l2S
    right = m.lS - t[..., None] * m.l2S
    cross = n**2 * np.einsum("st,stj,stk->jk", w * both ** (n - 2), left, right)
    rate = mx.Objective.maxrl(n).weight(m.p)
    plain = second * m.l2SS / n + (n - 1) / n * cross - rate**2 * np.outer(m.lS, m.lS)
    u, v = (nodes + 1) / 2, weights / 2
    slope = n * (n - 1) * (v * u * (1 - u * m.p) ** (n - 2)).sum()
    with_score = (rate * m.lSS - slope * np.outer(m.lS, m.lS)) / n
    problem = Gaussian(mean=[0.0, 0.4], scale=0.8, target=[1.0, 0.0], sigma=0.6, learn_scale=True)
    for name, constant in (("ustat", 0.0), ("ustat_one", 1.0), ("ustat_seed", 1 / n)):
        expected = plain - 2 * constant * with_score + constant**2 * m.SS / n
        got = closed_form_variance(problem, estimators.get(name), n)
        assert abs(got - expected).max() <= INTEGRALS * abs(expected).max()
    best = optimal_baseline(problem, n)
    assert float(best.constant) == pytest.approx(np.trace(with_score) / (np.trace(m.SS) / n), rel=INTEGRALS)


FLOATS = 1e-10  # relative; measured worst: 4e-14


@pytest.mark.parametrize("n", [4, 16, 64])
def test_floats_lose_little(n):
    problem = Bandit([0.5, 0.3, 0.2], [0.05, 0.4, 0.9])
    for name in AFFINE:
        got = closed_form_variance(problem, estimators.get(name), n)
        expected = mx.exact_moments(problem, estimators.get(name), n).covariance
        assert abs(got - expected).max() <= FLOATS * abs(expected).max()


def test_sampling_finds_the_same_on_a_continuum():
    """The total variance within five of its standard errors: false once in two million seeds."""
    row = estimators.get("ustat_pass_loo")
    result = mx.monte_carlo(REGRESSION, row, 8, replicates=40_000, seed=3)
    exact = closed_form_variance(REGRESSION, row, 8)
    assert abs(np.trace(result.covariance) - np.trace(exact)) <= 5 * result.total_variance_error
    assert abs(1.05 * np.trace(exact) - np.trace(exact)) > 5 * result.total_variance_error


# The best constant.


@every_problem
def test_no_constant_beats_the_optimal_one(problem):
    best = optimal_baseline(problem, 4)
    row = ustat_optimal(problem, 4)
    assert np.trace(closed_form_variance(problem, row, 4)) == best.variance
    if best.without:
        for constant in (0, 1, best.constant + F(1, 100), best.constant - F(1, 100), -best.constant):
            other = NamedEstimator(
                "", row.function, row.target, "", affine=lambda n, b=constant: (row.affine(n)[0], (F(b),))
            )
            assert np.trace(closed_form_variance(problem, other, 4)) >= best.variance
        assert 0 <= best.gain <= 1


def test_the_row_it_makes_subtracts_the_constant():
    problem = FINITE["graded"]
    constant = optimal_baseline(problem, 3).constant
    values = np.array([F(1, 2), F(0), F(1)])
    assert ustat_optimal(problem, 3)(values).tolist() == (estimators.get("ustat")(values) - constant).tolist()
    assert ustat_optimal(problem, 3)(values.astype(float)).dtype == np.float64
    assert ustat_optimal(problem, 3).target(3) == mx.Objective.maxrl(3)


def test_where_scores_vanish_there_is_nothing_to_gain():
    best = optimal_baseline(FINITE["always"], 4)
    assert (best.constant, best.without, best.gain) == (0, 0, 0.0)


# Sequential rows and refusals.


def test_inverse_sampling_needs_no_group_size():
    problem = FINITE["graded"]
    got = closed_form_moments(problem, estimators.get("inverse_sampling(3)"), 1)
    m = problem.moments
    assert got.mean.tolist() == (m.lS / m.p).tolist()
    assert got.covariance.tolist() == ((m.lSS / m.p - np.outer(m.lS, m.lS) / m.p**2) / 3).tolist()


def test_sumo_has_infinite_variance_unless_likelihoods_are_equal():
    row = estimators.get("sumo")
    assert math.isinf(np.trace(closed_form_variance(Bandit([0.5, 0.5], [0.2, 0.8]), row, 1)))
    assert np.isfinite(closed_form_variance(Bandit([0.5, 0.5], [0.2, 0.2]), row, 1)).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: closed_form_variance(REGRESSION, estimators.get("maxk"), 4), "estimator is maxk: no closed form"),
        (lambda: closed_form_variance(REGRESSION, np.negative, 4), "no closed form"),
        (lambda: closed_form_variance(FINITE["coin"], estimators.get("ustat"), 0), "n is 0: a group has at least 1"),
        (lambda: closed_form_variance(REGRESSION, estimators.get("ustat"), 2049), "is for orders up to 2048"),
        (lambda: optimal_baseline(FINITE["coin"], 3, 4), "objective has order T = 4: groups of n = 3 estimate orders"),
    ],
)
def test_what_has_no_closed_form_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
    with pytest.raises(NoClosedForm):
        closed_form_variance(REGRESSION, estimators.get("grpo"), 4)
