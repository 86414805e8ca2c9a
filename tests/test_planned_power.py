"""What a plan says it will find, is found as often as stated; and it promises no less than it could."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from maxrl_est.confidence import Betting, detectable_bias, question
from two_outcomes import ever

RARE, COIN = (1e-3, 2000), (0.5, 20_000)  # the chance of a 1, and how many values: where each term of a plan counts
RUNS = 300  # which show a share to 0.03


def refuted(sequence):
    return sequence.refuted


# The theorem.


@pytest.mark.parametrize(("alpha", "miss_rate"), [(1e-2, 1e-2), (1e-9, 1e-2), (1e-3, 1e-4)])
def test_catoni_misses_the_stated_bias_at_most_as_often_as_stated_and_less_would_not_do(alpha, miss_rate):
    """Exactly, on values of -1 and 1 about their mean; 0.8 of the bias is missed more often than stated."""
    n = 1000
    bias = detectable_bias(n, 1.0, error_rate=alpha, miss_rate=miss_rate)
    missed = [
        1 - ever((mean - 1, mean + 1), 0.5, refuted, alpha=alpha, horizon=n, end=n, step=40)
        for mean in (bias, 0.8 * bias)
    ]
    assert missed[0] <= miss_rate < missed[1]


@pytest.mark.parametrize("coordinates", [1, 3])
def test_the_plan_of_catoni_is_where_both_errors_are_as_stated(coordinates):
    """The bound for a mean so far off is below that of the target by a factor of the error rate and the miss rate."""
    n, variance, alpha, miss_rate = 5000, 0.3, 1e-6, 1e-3
    bias = detectable_bias(n, variance, error_rate=alpha, miss_rate=miss_rate, coordinates=coordinates)
    log = math.log(2 * coordinates / alpha)
    stake = math.sqrt(2 * log / (variance * n))
    at_target, at_mean = (1 - stake * x + stake**2 * (variance + x * x) / 2 for x in (0.0, bias))
    assert n * math.log(at_mean * at_target) == pytest.approx(math.log(miss_rate) - log, rel=1e-9)


# Betting.


@pytest.mark.parametrize("miss_rate", [0.5, 0.01, 1e-4])
@pytest.mark.parametrize("coordinates", [1, 3])
def test_the_plan_of_betting_is_where_what_is_earned_is_what_is_needed(coordinates, miss_rate):
    """s^2/2 - s z, at a noncentrality s, is the logarithm of all claims over the error rate, and half of log n."""
    n, variance, width, alpha = 5000, 0.3, 3.0, 1e-6
    bias = detectable_bias(n, variance, width, alpha, miss_rate=miss_rate, coordinates=coordinates)
    needed = math.log(2 * coordinates / alpha) + math.log(n) / 2
    s = (bias - 1.5 * width * needed / n) / math.sqrt(variance / n)
    assert s**2 / 2 - s * NormalDist().inv_cdf(1 - miss_rate) == pytest.approx(needed, rel=1e-9)


def bets_at(share, p, n, *, side=-1, miss_rate=0.5):
    """Runs whose target is this share of the stated bias to a side of the mean; what each lost by learning a stake."""
    variance = p * (1 - p)
    target = p - side * share * detectable_bias(n, variance, 1.0, miss_rate=miss_rate)
    bets, rng = Betting(np.full(RUNS, target), 0, 1, family=1, horizon=n), np.random.default_rng(2)
    best = (p - target) / (target * (1 - target))  # Kelly's stake where the chance is known
    at_best = np.zeros(RUNS)
    for _ in range(n // 1000):
        values = (rng.random((1000, RUNS)) < p).astype(np.float64)
        bets.update(values)
        at_best += np.log1p(best * (values - target)).sum(axis=0)
    return bets, at_best - bets._logs[0 if side > 0 else 1]


def test_learning_a_stake_costs_what_plans_say():
    """At most half of log n, as of the best universal codes (Krichevsky and Trofimov), and more than a quarter."""
    p, n = COIN
    _, lost = bets_at(1.0, p, n)
    assert 0.25 < lost.mean() / math.log(n) < 0.5


@pytest.mark.parametrize(
    ("p", "n", "share", "least", "most"),
    [
        (*COIN, 1.0, 0.5, 0.9),  # found as often as stated, and hardly more
        (*COIN, 0.8, 0.0, 0.4),
        (*RARE, 1.0, 0.5, 1.0),  # by the term for single values, three quarters of the whole
        (*RARE, 0.8, 0.0, 0.1),
    ],
)
def test_half_of_the_runs_find_the_bias_that_they_miss_at_a_rate_of_a_half(p, n, share, least, most):
    bets, _ = bets_at(share, p, n)
    assert least <= bets.refuted.mean() <= most


# What is asked.


def test_a_plan_is_for_all_coordinates_and_for_the_least_variance_that_is_known():
    """Of each coordinate: its width, its declared variance, but no more than its bounds allow about the target."""
    common = {"tolerance": 0.1, "error_rate": 1e-6, "replicates": 4000}
    asked = question([0.5, 1.0, 0.0], bounds=([0, -1, -3], [1, 2, 3]), variance=[0.1, 5.0, 2.0], **common)
    widths, variances = (1.0, 3.0, 6.0), (0.1, (2 - 1) * (1 + 1), 2.0)
    expected = [detectable_bias(4000, v, w, 1e-6, coordinates=3) for v, w in zip(variances, widths, strict=True)]
    assert asked.plan.detectable_bias.tolist() == expected
    assert asked.plan.variance.tolist() == list(variances)
    asked = question([0.5, 1.0], bounds=None, variance=[0.1, 5.0], **common)
    assert asked.plan.detectable_bias.tolist() == [
        detectable_bias(4000, v, None, 1e-6, coordinates=2) for v in (0.1, 5)
    ]
    for plan in (asked.plan, question([0.5], bounds=None, variance=None, **common).plan):
        assert (plan.false_alarm, plan.wrong_certificate, plan.miss_rate) == (1e-6, 1e-6, 1e-2)


@pytest.mark.parametrize("known", [{"bounds": (0, 1), "variance": None}, {"bounds": None, "variance": 0.25}, None])
def test_a_question_is_judged_at_the_error_rate_that_its_plan_states(known):
    """The same interval as its sequence has at that rate, for all coordinates together."""
    given = known or {"bounds": None, "variance": None}
    asked = question([0.5, 0.5], **given, tolerance=None, error_rate=1e-3, replicates=500)
    assert asked.sequence.error_rate == asked.plan.false_alarm == 1e-3
    if known:
        assert asked.sequence.horizon == asked.plan.replicates == 500
        assert asked.sequence._log == pytest.approx(math.log((2 if known["variance"] else 1) * 2 / 1e-3))
