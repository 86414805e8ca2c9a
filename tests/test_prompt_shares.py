"""Prompts of very unequal weights are drawn as often as their weights say, a group from one prompt."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import maxrl_est as mx
from maxrl_est import estimators
from maxrl_est.problems import Bandit, Bernoulli, Contextual, Gaussian, Shared, noisy, reparametrised

SHARES = [0.97, 0.025, 0.005]
COINS = [Bernoulli(0.5), Bernoulli(0.1), Bernoulli(0.8)]
ARMS = [Bandit([0.5, 0.3, 0.2], [0.1, 0.5, 0.9]), Bandit([0.1, 0.9], [0.2, 0.7]), Bandit([0.6, 0.4], [0.0, 1.0])]
ONE = [reparametrised(coin, [[slope]]) for coin, slope in zip(COINS, (1, 2, -3), strict=True)]
CONTINUUM = [Gaussian(0, 1, target, 0.5) for target in (0, 1, 2)]
LAWS = {
    "of their own parameters": (Contextual, COINS),
    "graded": (Contextual, ARMS),
    "of one parameter": (Shared, ONE),
    "of a continuum": (Contextual, CONTINUUM),
    "of one parameter, of a continuum": (Shared, CONTINUUM),
}
SIGMAS = 6.5  # a normal value is farther than that once in 1.2e10
GROUPS = 40_000


def off(got, exact):
    """How many standard errors the farthest coordinate of a mean is from another."""
    return np.max(abs(got.mean - exact.mean.astype(float)) / got.standard_error)


@pytest.mark.parametrize("name", LAWS)
def test_the_mean_and_variance_over_prompts_are_those_of_their_weights(name):
    """By groups of a given size, in closed form or enumerated; prompts of equal weights have quite another mean."""
    make, problems = LAWS[name]
    mixture, equal = make(problems, SHARES), make(problems)
    got = mx.monte_carlo(mixture, "ustat_one", 4, replicates=GROUPS, seed=0)
    exact, other = (mx.moments(law, "ustat_one", 4) for law in (mixture, equal))
    assert exact.method != "sampled"
    assert off(got, exact) < SIGMAS < 20 < off(got, other)
    assert abs(np.trace(got.covariance) - exact.total_variance) < SIGMAS * got.total_variance_error


@pytest.mark.parametrize("name", ["inverse_sampling", "inverse_sampling(3)"])
def test_an_estimator_that_draws_for_itself_draws_from_prompts_by_their_weights(name):
    row = estimators.get(name)
    mixture, equal = Contextual(COINS, SHARES), Contextual(COINS)
    got = mx.monte_carlo(mixture, row, None, replicates=GROUPS, seed=0)
    exact, other = (mx.moments(law, row) for law in (mixture, equal))
    assert off(got, exact) < SIGMAS < 20 < off(got, other)
    assert got.rollouts / got.replicates == pytest.approx(float(exact.rollouts), rel=0.02)
    assert float(other.rollouts) > 1.5 * float(exact.rollouts)


@pytest.mark.parametrize(
    "mixture",
    [
        Contextual(COINS, SHARES),
        noisy(Contextual(COINS, SHARES), 0.1, 0.2),
        reparametrised(Contextual(COINS, SHARES), 2 * np.eye(3)),
        Contextual([Contextual(COINS[:2], [0.97 / 0.995, 0.025 / 0.995]), COINS[2]], [0.995, 0.005]),
    ],
    ids=str,
)
def test_groups_are_of_one_prompt_each_and_prompts_as_frequent_as_their_weights(mixture):
    _, scores = mixture.sample(np.random.default_rng(0), GROUPS, 3)
    of = (scores != 0).all(axis=1)  # (groups, d): a score is not 0 in the parameter of its own prompt alone
    assert (scores[~np.repeat(of[:, None], 3, axis=1)] == 0).all()
    assert (of.sum(axis=1) == 1).all()
    counts = of.sum(axis=0)
    assert stats.chisquare(counts, np.multiply(SHARES, GROUPS)).pvalue > 1e-6
    assert stats.chisquare(counts).pvalue < 1e-100


def test_prompts_are_drawn_independently_for_each_group():
    """No runs of one prompt: neighbours agree as often as two independent draws do."""
    half = Contextual(COINS[:2], [0.5, 0.5])
    _, scores = half.sample(np.random.default_rng(1), GROUPS, 2)
    first = scores[:, 0, 0] != 0
    same = int((first[1:] == first[:-1]).sum())
    assert stats.binomtest(same, GROUPS - 1, 0.5).pvalue > 1e-6
