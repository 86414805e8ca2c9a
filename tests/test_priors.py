"""Baselines from a law of pass rates, and the law from counts of successes."""

from __future__ import annotations

import itertools
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.estimators import BetaPrior, fit_prior
from maxrl_est.problems import Bandit, Bernoulli

GROUPS = np.array([[F(x) for x in group] for group in itertools.product((0, 1), repeat=4)], dtype=object)
ARMS = Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1, 3), F(1)])
PRIOR = ("beta", F(1, 2), 3)


def within_the_group(likelihoods, order=None):
    """Wrong: the guess has seen the rollout's own likelihood."""
    n = likelihoods.shape[-1]
    guess = (likelihoods.sum(-1, keepdims=True) + F(1, 2)) / (n + F(7, 2))
    return mx.loo_weights(likelihoods, order) * (likelihoods - guess)


@pytest.mark.parametrize("problem", [ARMS, Bernoulli(F(1, 50))])
@pytest.mark.parametrize(("n", "order"), [(1, None), (2, 1), (3, None), (4, 2)])
def test_unbiased_for_any_likelihoods_unless_the_guess_sees_its_own_rollout(problem, n, order):
    right = mx.Objective.maxrl(order or n).weight(problem.pass_rate) * problem.grad_pass_rate
    of_prior = mx.exact_moments(problem, lambda l: mx.advantages(l, order, baseline=PRIOR), n).mean
    assert (of_prior == right).all()
    assert (mx.exact_moments(problem, lambda l: within_the_group(l, order), n).mean != right).any()


def test_the_formula_on_graded_likelihoods():
    group = np.array([F(1, 2), F(0), F(1, 7), F(1)], dtype=object)
    guesses = [(group.sum() - l + F(1, 2)) / (3 + F(7, 2)) for l in group]
    found = mx.advantages(group, 3, baseline=PRIOR)
    assert list(found) == list(mx.loo_weights(group, 3) * (group - guesses))
    assert mx.advantages(group.astype(float), 3, baseline=("beta", 0.5, 3)) == pytest.approx(
        found.astype(float), rel=1e-14
    )


@pytest.mark.parametrize("order", [None, 1, 3])
def test_mean_loo_is_no_prior_at_all(order):
    assert (mx.advantages(GROUPS, order, baseline=("beta", 0, 0)) == mx.advantages(GROUPS, order)).all()
    graded = np.random.default_rng(0).random((20, 7))
    assert np.array_equal(mx.advantages(graded, order, baseline=("beta", 0, 0)), mx.advantages(graded, order))


@pytest.mark.parametrize("order", [None, 1, 3])
def test_the_row_has_a_uniform_prior_and_no_other(order):
    name = "ustat_prior" if order is None else f"ustat_prior({order})"
    found = mx.estimators.get(name)(GROUPS)
    assert (found == mx.advantages(GROUPS, order, baseline=("beta", 1, 1))).all()
    for wrong in (("beta", F(1, 2), F(1, 2)), ("beta", 1, 0), "mean_loo"):
        assert (found != mx.advantages(GROUPS, order, baseline=wrong)).any()


def test_the_constant_one_is_a_success_before_any_rollout_at_full_order_alone():
    assert (mx.advantages(GROUPS, baseline=("beta", 1, 0)) == mx.advantages(GROUPS, baseline="one")).all()
    assert (mx.advantages(GROUPS, 3, baseline=("beta", 1, 0)) != mx.advantages(GROUPS, 3, baseline="one")).any()


def test_none_is_a_law_of_unsolvable_prompts():
    near = mx.advantages(GROUPS, baseline=("beta", 1, 10**30))
    assert max(abs(near - mx.advantages(GROUPS, baseline="none")).flat) < F(1, 10**28)


def test_a_group_of_one_is_given_the_prior_s_mean():
    assert mx.advantages([1.0], baseline=("beta", 1, 3)) == [0.75]


@pytest.mark.parametrize(
    ("baseline", "size", "said"),
    [
        (("beta", -1, 2), 2, r"baseline\[1\] must be at least 0, got -1"),
        (("beta", 1, float("inf")), 2, r"baseline\[2\] must be finite, got inf"),
        (("beta", "a", 1), 2, r"baseline\[1\] must be a finite number, got 'a'"),
        (("beta", 1), 2, r"baseline must be \('beta', alpha, beta\) where it is a tuple, got \('beta', 1\)"),
        (("gamma", 1, 1), 2, r"baseline must be \('beta', alpha, beta\) where it is a tuple, got"),
        (("beta", 0, 0), 1, r"groups of N >= 2 for baseline \('beta', 0, 0\), got N = 1"),
        ([1, 2], 2, r"baseline must be a number, \('beta', alpha, beta\) or one of none, one,"),
    ],
)
def test_what_is_no_prior_is_refused(baseline, size, said):
    with pytest.raises((TypeError, ValueError), match=said):
        mx.advantages(np.ones(size), baseline=baseline)


# The noise of advantages.


def squares(baseline, alpha, beta, n, objective):
    """E A^2 of 0/1 rewards in groups of n whose pass rate has a Beta law, exactly: each success by an urn's chance."""
    total = F(0)
    for group in itertools.product((0, 1), repeat=n):
        chance, drawn = F(1), [beta, alpha]
        for reward in group:
            chance *= F(drawn[reward], sum(drawn))
            drawn[reward] += 1
        advantages = mx.advantages(np.array([F(x) for x in group], dtype=object), objective, baseline=baseline)
        total += chance * advantages[0] ** 2
    return total


@pytest.mark.parametrize("objective", [None, 1, mx.Objective.tsallis(F(1, 2), 3)])
@pytest.mark.parametrize(("alpha", "beta"), [(1, 1), (1, 4)])
def test_no_other_baseline_has_less_noise_under_its_law(alpha, beta, objective):
    least = squares(("beta", alpha, beta), alpha, beta, 4, objective)
    others = ["none", "one", "one_over_n", "mean_loo", ("beta", alpha + F(1, 3), beta), ("beta", alpha, beta + F(1, 3))]
    noise = {baseline: squares(baseline, alpha, beta, 4, objective) for baseline in others}
    assert min(noise.values()) > least
    gain = BetaPrior(float(alpha), float(beta)).gain(4, objective)
    assert gain == pytest.approx(float(noise["mean_loo"] / least), rel=1e-13)


# Laws from logs.


def log_likelihood(alpha, beta, successes, sizes):
    from scipy.special import betaln

    return float((betaln(successes + alpha, sizes - successes + beta) - betaln(alpha, beta)).sum())


@pytest.mark.parametrize(("alpha", "beta"), [(0.1, 2.0), (1.0, 1.0), (20.0, 5.0)])
def test_no_law_near_is_likelier_and_the_true_one_is_near(alpha, beta):
    rng = np.random.default_rng(1)
    sizes = rng.choice([2, 8, 16], 2000)
    successes = rng.binomial(sizes, rng.beta(alpha, beta, sizes.size))
    found = fit_prior(successes, sizes)
    most = log_likelihood(*found, successes, sizes)
    for a, b in itertools.product((0.99, 1.0, 1.01), repeat=2):
        assert log_likelihood(a * found.alpha, b * found.beta, successes, sizes) <= most + 1e-9
    assert 0 <= most - log_likelihood(alpha, beta, successes, sizes) < 10  # chi2(2) / 2: 10 has the chance e^-10


def test_order_of_groups_and_right_for_wrong_change_nothing():
    successes, sizes = np.array([0, 1, 5, 8, 2, 0, 3]), np.array([8, 4, 8, 8, 16, 2, 3])
    found = fit_prior(successes, sizes)
    assert fit_prior(successes[::-1].tolist(), sizes[::-1].tolist()) == pytest.approx(found, rel=1e-6)
    assert fit_prior(sizes - successes, sizes) == pytest.approx((found.beta, found.alpha), rel=1e-6)


@pytest.mark.parametrize(
    ("successes", "sizes", "said"),
    [
        ([0, 0], 4, "must have a success and a failure among them, got no success in 8 rollouts"),
        ([4, 4], 4, "must have a success and a failure among them, got no failure in 8 rollouts"),
        ([0, 4, 4], 4, "must have a group with both a success and a failure, got none: .* 'mean_loo'"),
        ([0, 1], 1, "must have a group with both a success and a failure, got none"),
        ([2, 2, 2], 4, "must differ between groups by more than chance has it .* likeliest at 0.5 for all"),
        ([2], 4, "must differ between groups by more than chance"),
        ([1, 5], [4, 4], r"successes\[1\] must be an int in \[0, 4\], got 5"),
        ([1.5, 2], 4, r"successes\[0\] must be an int in \[0, 4\], got 1.5"),
        ([1, 2], [4], r"sizes must be an int, or 2 as successes are, got shape \(1,\)"),
        ([], 4, "successes must be counts"),
    ],
)
def test_logs_that_no_law_fits_best_say_so(successes, sizes, said):
    with pytest.raises((TypeError, ValueError), match=said):
        fit_prior(successes, sizes)


@pytest.mark.parametrize(
    ("alpha", "beta", "error", "message"),
    [
        (0, 1, ValueError, "alpha must be finite and above 0, got 0"),
        (1, -1, ValueError, "beta must be finite and above 0, got -1"),
        (float("nan"), 1, ValueError, "alpha must be finite and above 0, got nan"),
        ("a", 1, TypeError, "alpha must be a number above 0, got 'a'"),
    ],
)
def test_a_prior_that_is_no_law_is_refused(alpha, beta, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        BetaPrior(alpha, beta)


@pytest.mark.parametrize("objective", [None, 1, 3, mx.Objective.all_of(4), mx.Objective.pass_at(5)])
def test_a_gain_is_by_the_weights_of_groups_of_all_counts(objective):
    """Of groups of 6, which a formula for counts stands for: of 20000 there would be 3 GiB."""
    from scipy.stats import betabinom

    n, prior, m = 6, BetaPrior(1.5, 4.0), np.arange(6)
    weights = mx.loo_weights(np.tri(n, n, -1), objective)[:, -1]
    guess = (m + prior.alpha) / (n - 1 + prior.alpha + prior.beta)
    squares = betabinom(n - 1, prior.alpha, prior.beta).pmf(m) * weights**2
    least = guess * (1 - guess)
    expected = squares @ (least + (m / (n - 1) - guess) ** 2) / (squares @ least)
    assert prior.gain(n, objective) == pytest.approx(expected, rel=1e-12)
    assert prior.gain(20_000, objective) > 0


def test_groups_of_more_rollouts_than_are_counted_are_refused():
    with pytest.raises(ValueError, match=r"^sizes must be at most 100000, got 10{29}"):
        fit_prior([0, 5, 10**29], 10**30)
