"""0/1 rewards through a verifier that errs: the exact law against enumeration of responses and errors."""

from __future__ import annotations

import itertools
import re
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.problems import Bandit, Bernoulli, Chain, Contextual, Gaussian, Shared, noisy

COIN = Bernoulli(F(1, 4))
ARMS = Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1), F(1)])
CHAIN = Chain([F(3, 5), F(1, 2)], [F(0), F(0), F(1)])
ERRORS = [(F(1, 10), F(1, 5)), (F(0), F(1, 3)), (F(1, 2), F(0)), (F(3, 4), F(3, 4))]
ROWS = ["rloo", "maxrl_cv", "maxrl_shipped"]


def enumerated(problem, row, n, fp, fn):
    """Mean and covariance by every group of responses and every pattern of errors."""
    rule, mean, square = mx.estimators.get(row), 0, 0
    for group in itertools.product(range(len(problem.likelihoods)), repeat=n):
        l, S = problem.likelihoods[list(group)], problem.scores[list(group)]
        for errs in itertools.product((0, 1), repeat=n):
            chance = np.prod(problem.probabilities[list(group)])
            for success, wrong in zip(l, errs, strict=True):
                rate = fn if success else fp
                chance *= rate if wrong else 1 - rate
            seen = np.array([1 - x if wrong else x for x, wrong in zip(l, errs, strict=True)], dtype=object)
            g = rule(seen) @ S / n
            mean, square = mean + chance * g, square + chance * np.outer(g, g)
    return mean, square - np.outer(mean, mean)


@pytest.mark.parametrize(("fp", "fn"), ERRORS)
@pytest.mark.parametrize("problem", [COIN, ARMS])
@pytest.mark.parametrize("row", ROWS)
def test_moments_are_those_of_every_error_at_every_response(problem, row, fp, fn):
    law = noisy(problem, fp, fn)
    found = mx.exact_moments(law, row, 3)
    mean, covariance = enumerated(problem, row, 3, fp, fn)
    assert found.exact
    assert (found.mean == mean).all()
    assert (found.covariance == covariance).all()
    assert (mx.closed_form_variance(law, row, 3) == covariance).all()


@pytest.mark.parametrize(("fp", "fn"), ERRORS)
@pytest.mark.parametrize("problem", [COIN, ARMS, CHAIN])
@pytest.mark.parametrize("row", [*ROWS, "grpo"])
def test_the_mean_is_the_weight_at_the_rate_that_is_seen(problem, row, fp, fn):
    law, kept = noisy(problem, fp, fn), 1 - fp - fn
    seen = fp + kept * problem.pass_rate
    assert law.pass_rate == seen
    weight = mx.effective_weight(row, 4)
    found = mx.exact_moments(law, row, 4).mean.astype(float)
    assert np.allclose(found, float(kept) * float(weight.value(seen)) * problem.grad_pass_rate.astype(float), rtol=1e-9)
    for wrong in (weight.value(seen), kept * weight.value(problem.pass_rate), (1 - fn) * weight.value(seen)):
        if (fp, fn) == (F(1, 10), F(1, 5)) and row not in {"rloo", "grpo"}:
            assert not np.allclose(found, float(wrong) * problem.grad_pass_rate.astype(float), rtol=1e-3)


def test_a_perfect_verifier_changes_nothing_and_an_opposite_one_turns_the_gradient():
    clean, opposite = noisy(ARMS, F(0), F(0)), noisy(ARMS, F(1), F(1))
    assert (mx.exact_moments(clean, "maxrl_cv", 3).covariance == mx.exact_moments(ARMS, "maxrl_cv", 3).covariance).all()
    assert (opposite.grad_pass_rate == -ARMS.grad_pass_rate).all()
    assert opposite.pass_rate == 1 - ARMS.pass_rate


def test_several_prompts_stay_several():
    law = noisy(Contextual([COIN, Bernoulli(F(1, 2))]), F(1, 10), F(1, 5))
    assert isinstance(law, Shared)
    assert law.pass_rate == F(1, 10) + F(7, 10) * F(3, 8)
    assert [weight for weight, _ in law.prompts] == [F(1, 2), F(1, 2)]


def test_a_law_whose_outcomes_are_not_listed_has_the_same_moments_and_rollouts():
    """As one that lists them: the same coin, through a class that hides that it is finite."""

    class Hidden:
        def __init__(self, problem):
            self.pass_rate, self.grad_pass_rate = float(problem.pass_rate), problem.grad_pass_rate.astype(float)
            self.moments, self.sample = Bernoulli(0.25).moments, problem.sample
            self.prompts = ((1, self),)

    law, listed = noisy(Hidden(COIN), 0.1, 0.2), noisy(COIN, 0.1, 0.2)
    for name in ("p", "p2", "lS", "l2S", "SS", "lSS", "l2SS"):
        assert np.allclose(getattr(law.moments, name), getattr(listed.moments, name), rtol=1e-14)
    assert np.allclose(
        law.gradient_over_levels(mx.Objective.maxrl(4)), listed.gradient_over_levels(mx.Objective.maxrl(4))
    )
    rewards, scores = law.sample(np.random.default_rng(0), 20_000, 4)
    expected = float(listed.pass_rate), float(listed.grad_pass_rate[0])
    assert abs(rewards.mean() - expected[0]) < 5 * 0.5 / np.sqrt(80_000)
    assert abs((rewards * scores[..., 0]).mean() - expected[1]) < 5 * 0.5 / np.sqrt(80_000)
    assert mx.moments(law, "maxrl_cv", 4).method == "closed form"


def test_the_table_and_moments_take_it_and_show_the_bias_against_the_true_target():
    law = noisy(COIN, F(1, 10), F(1, 5))
    (row,) = mx.bias_variance_table({"noisy": law}, ["maxrl_cv"], 4).rows
    assert row.unbiased  # for the rewards that are seen
    truth = mx.target_gradient(COIN, mx.Objective.maxrl(4))
    assert (
        mx.moments(law, "maxrl_cv", 4, target=truth).bias[0]
        == law.grad_pass_rate[0] * mx.Objective.maxrl(4).weight(law.pass_rate) - truth[0]
    )


def test_a_rule_that_is_told_what_a_verifier_says_is_checked_by_its_lift():
    """Averaged over errors a rule is its lift at the chances of a yes: RLOO keeps its objective, times 1 - fp - fn."""
    rloo = mx.lift("rloo", "mean")

    def told(rewards):
        number = F if rewards.dtype == object else float
        return rloo(number(F(1, 10)) + number(F(7, 10)) * rewards)

    expected = mx.Objective.expected()
    assert mx.check_estimator(told, objective=expected, binary_only=True, group_sizes=(2, 4)).passed
    assert str(mx.effective_weight(told, 4).nearest()) == "exactly 7/10 x J_1"


@pytest.mark.parametrize(
    ("problem", "errors", "message"),
    [
        (Gaussian(0, 1, 1, 0.5), (0.1, 0.1), "problem must have 0/1 rewards, got Gaussian("),
        (COIN, (1.5, 0), "false_positive must lie in [0, 1], got 1.5"),
        (COIN, (0, "1"), "false_negative must be a number in [0, 1], got '1'"),
        (0.5, (0, 0), "problem must be a law"),
    ],
)
def test_wrong_arguments_are_named(problem, errors, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        noisy(problem, *errors)
