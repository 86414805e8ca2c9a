"""Estimators of random size: what they cost and what they average to, exactly where a series can be summed.

Statistical checks here fail by chance with probability 1e-9 each, by Bernstein's inequality with known variance.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from maxrl_est import estimators
from maxrl_est.estimators import Draws
from maxrl_est.estimators._sequential import _roulette, _survival
from maxrl_est.problems import Bandit, Bernoulli

GROUPS = 200_000
ARMS = Bandit([0.5, 0.3, 0.2], [0.1, 0.5, 0.9])
TRUTH = ARMS.grad_pass_rate / ARMS.pass_rate


def deviation(variance, reach, draws=GROUPS):
    """How far a mean of draws of that variance, each within reach of its mean, strays with probability 1e-9."""
    level = math.log(2e9)
    return math.sqrt(2 * variance * level / draws) + 2 * reach * level / (3 * draws)


def close(draws, acceptances):
    """Mean and variance of the gradients, and mean cost, against the closed form."""
    closed = estimators.get("inverse_sampling").closed_form(ARMS.moments)
    variance = np.diag(closed.covariance) / acceptances
    reach = abs(ARMS.scores).max() + abs(TRUTH).max()
    assert (abs(draws.gradients.mean(axis=0) - TRUTH) <= [deviation(v, reach) for v in variance]).all()
    spread = draws.gradients.var(axis=0)
    assert (abs(spread - variance) <= deviation(reach**4, reach**2)).all()


@pytest.mark.parametrize("acceptances", [1, 3])
def test_inverse_sampling_has_the_moments_of_its_closed_form(acceptances):
    row = estimators.get(f"inverse_sampling({acceptances})")
    draws = row(ARMS.sample, np.random.default_rng(7), GROUPS)
    assert draws.gradients.shape == (GROUPS, 3)
    close(draws, acceptances)
    closed = row.closed_form(ARMS.moments)
    assert closed.mean == pytest.approx(TRUTH)
    assert closed.rollouts == pytest.approx(acceptances / ARMS.pass_rate)


def test_its_cost_is_negative_binomial():
    """Frequencies of each cost, by Hoeffding's inequality at 1e-9 over twenty of them."""
    p, r = ARMS.pass_rate, 2
    costs = estimators.get("inverse_sampling(2)")(ARMS.sample, np.random.default_rng(3), GROUPS).costs
    for cost in range(2, 22):
        expected = math.comb(cost - 1, r - 1) * p**r * (1 - p) ** (cost - r)
        assert abs((costs == cost).mean() - expected) <= math.sqrt(math.log(40e9) / (2 * GROUPS))
    assert costs.min() == 2


def test_weighting_by_the_likelihood_again_is_found_out():
    def wrong(sample, rng, groups):
        draws = estimators.get("inverse_sampling")(sample, rng, groups)
        return Draws(draws.gradients * ARMS.pass_rate, draws.costs)

    with pytest.raises(AssertionError):
        close(wrong(ARMS.sample, np.random.default_rng(7), GROUPS), 1)


def test_the_score_of_the_only_success_has_no_variance():
    coin = Bernoulli(0.25)
    closed = estimators.get("inverse_sampling").closed_form(coin.moments)
    assert closed.covariance.tolist() == [[0.0]]
    draws = estimators.get("inverse_sampling")(coin.sample, np.random.default_rng(0), 100)
    assert draws.gradients.ravel().tolist() == [0.75] * 100


def test_a_pass_rate_that_is_too_low_is_an_error_and_no_endless_loop():
    with pytest.raises(RuntimeError, match=r"^max_rollouts must be enough for 1 acceptances, got 0 in"):
        estimators.get("inverse_sampling")(Bernoulli(0.0).sample, np.random.default_rng(0), 2)


def test_the_roulette_stops_with_the_chance_that_its_weights_assume():
    """Survival of K, by Hoeffding's inequality at 1e-9 over six values; and its mean."""
    lengths = _roulette(np.random.default_rng(5), GROUPS)
    assert lengths.min() == 1
    for k in (1, 2, 10, 80, 85, 100):
        expected = 1 / k if k <= 80 else 0.9 ** (k - 80) / 80
        assert _survival(np.array([k]))[0] == pytest.approx(expected)
        assert abs((lengths >= k).mean() - expected) <= math.sqrt(math.log(12e9) / (2 * GROUPS))
    tail = sum(0.9**j / 80 for j in range(1, 400))
    cost = 1 + sum(1 / k for k in range(1, 81)) + tail
    assert estimators.get("sumo").closed_form(ARMS.moments).rollouts == pytest.approx(cost)


def test_sumo_telescopes_to_the_log_of_the_mean():
    """With every term kept and none reweighted it is log mean times all scores but for the order of averaging."""
    constant = Bandit([0.5, 0.5], [0.3, 0.3])
    draws = estimators.get("sumo")(constant.sample, np.random.default_rng(0), 1000)
    sizes = abs(draws.gradients / math.log(0.3))
    assert sizes == pytest.approx(np.full((1000, 2), 0.5))  # the first rollout's score: later terms are 0
    closed = estimators.get("sumo").closed_form(constant.moments)
    assert closed.covariance == pytest.approx(math.log(0.3) ** 2 * constant.moments.SS)


def test_sumo_averages_to_the_gradient_up_to_the_terms_that_are_drawn():
    """Its variance is infinite; the mean given K <= 40 is a finite sum, and converges."""
    two = Bandit([0.5, 0.5], [0.4, 0.8])
    lengths = range(2, 42)
    weights = {n: _survival(np.array([n - 1]))[0] - _survival(np.array([n]))[0] for n in lengths}
    expected = 0.0
    increments = [_exact_score_mean(two, n) for n in range(1, 42)]
    for n, chance in weights.items():
        terms = increments[0] + sum((increments[j] - increments[j - 1]) * j for j in range(1, n))
        expected += chance * terms
    draws = estimators.get("sumo")(two.sample, np.random.default_rng(11), GROUPS)
    kept = draws.gradients[:, 0] * (draws.costs <= 41)
    reach = abs(kept).max() * 4
    assert abs(kept.mean() - expected) <= deviation(kept.var() * 1.2, reach)


def _exact_score_mean(problem, n):
    """E[log mean_n times the sum of the scores of n rollouts], first coordinate."""
    (pi, _), (low, high) = problem.probabilities, problem.likelihoods
    total = 0.0
    for k in range(n + 1):  # rollouts of the first arm
        chance = math.comb(n, k) * pi**k * (1 - pi) ** (n - k)
        score = k * problem.scores[0, 0] + (n - k) * problem.scores[1, 0]
        total += chance * math.log((k * low + (n - k) * high) / n) * score
    return total


def test_sumo_refuses_a_likelihood_of_zero():
    with pytest.raises(ValueError, match="sample must draw likelihoods above 0"):
        estimators.get("sumo")(Bernoulli(0.5).sample, np.random.default_rng(0), 10)


def test_the_same_generator_gives_the_same_draws():
    for name in estimators.sequential_names():
        first, second = (estimators.get(name)(ARMS.sample, np.random.default_rng(4), 50) for _ in range(2))
        assert np.array_equal(first.gradients, second.gradients)
        assert np.array_equal(first.costs, second.costs)
