"""What a batch of coupled prompts comes to as they become many, against closed forms and prompts that are drawn."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from batch_rules import (
    group_mean,
    of_the_total,
    over_the_batch_mean,
    over_the_batch_variance,
    reinforce_plus_plus,
    reinforce_plus_plus_baseline,
    trl_batch,
)
from maxrl_est._arguments import name_of
from maxrl_est.steps import effective_weights, population_weights

POPULATIONS = [
    [(F(1, 2), F(1, 10)), (F(1, 2), F(1, 2))],
    [(0.2, 0.05), (0.3, 0.5), (0.5, 0.9)],
    [(0.9, 0.01), (0.1, 0.3)],
    [(1, 0.3)],
]


def moments_of(population):
    """The mean pass rate, and the mean of p (1 - p)."""
    chances, rates = np.array(population, dtype=float).T
    return chances @ rates, chances @ (rates * (1 - rates))


def closed_form(rule, population, n):
    mean, spread = moments_of(population)
    return {
        "trl_batch": (n - 1) / n / (math.sqrt(mean * (1 - mean)) + 1e-4),
        "reinforce_plus_plus": 1 / (math.sqrt(mean * (1 - mean)) + 1e-8),
        "reinforce_plus_plus_baseline": (n - 1) / n / (math.sqrt((n - 1) / n * spread) + 1e-8),
        "over_the_batch_mean": (n - 1) / n / mean,
        "over_the_batch_variance": (n - 1) / n / (mean * (1 - mean)),
        "of_the_total": 1 / mean,
    }[rule.__name__]


LIMITS = {
    trl_batch: "gradient",  # of ((n-1)/n) 2 arcsin sqrt(mean p)
    reinforce_plus_plus: "gradient",  # of 2 arcsin sqrt(mean p)
    over_the_batch_mean: "gradient",  # of ((n-1)/n) log(mean p)
    over_the_batch_variance: "gradient",  # of ((n-1)/n) times the log-odds of mean p
    of_the_total: "gradient",  # of log(mean p)
    reinforce_plus_plus_baseline: "direction",  # that of mean p
}


@pytest.mark.parametrize("population", POPULATIONS)
@pytest.mark.parametrize("rule", LIMITS, ids=name_of)
@pytest.mark.parametrize("n", [2, 5])
def test_limits_are_the_closed_forms_within_the_error_that_is_said(rule, n, population):
    found = population_weights(rule, [0.0, 0.2, 0.9], n, population)
    closed = closed_form(rule, population, n)
    assert (abs(found.weights - closed) <= found.error).all()
    assert (found.error <= 0.005 * closed).all()
    assert found.verdict == LIMITS[rule]


def test_n_in_place_of_n_less_1_would_be_another_limit():
    found = population_weights(trl_batch, [0.2], 4, POPULATIONS[0])
    wrong = closed_form(trl_batch, POPULATIONS[0], 4) * 4 / 3
    assert abs(found.weights[0] - wrong) > 1000 * found.error[0]


def drawn(rule, p, n, population, prompts):
    """W exactly, of a prompt beside prompts - 1 others drawn independently: by multisets of their counts."""
    chances, rates = np.array(population, dtype=float).T
    law = [[math.comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(n + 1)] for q in rates]
    shares = chances @ np.array(law)
    group, total = (np.arange(n) < np.arange(n + 1)[:, None]) * 1.0, 0.0
    for counts in itertools.combinations_with_replacement(range(n + 1), prompts - 1):
        times = [counts.count(k) for k in range(n + 1)]
        ways = math.factorial(prompts - 1) // math.prod(map(math.factorial, times))
        chance = ways * math.prod(share**t for share, t in zip(shares, times, strict=True))
        for m in range(n):
            more, less = (rule(np.vstack([group[m + e], *group[list(counts)]])) for e in (1, 0))
            total += chance * math.comb(n - 1, m) * p**m * (1 - p) ** (n - 1 - m) * (more[0, 0] - less[0, -1])
    return total


@pytest.mark.parametrize("rule", [trl_batch, reinforce_plus_plus_baseline, of_the_total], ids=name_of)
def test_batches_of_prompts_that_are_drawn_come_to_the_limit(rule):
    """At a distance that halves with twice the prompts: exact weights at 32 and 64, and what they come to."""
    limit = population_weights(rule, [0.4], 2, POPULATIONS[0]).weights[0]
    few, many = (drawn(rule, 0.4, 2, POPULATIONS[0], size) for size in (32, 64))
    assert 1.9 < (few - limit) / (many - limit) < 2.1
    assert 2 * many - few == pytest.approx(limit, rel=5e-4)


def test_drawn_batches_of_two_are_means_of_given_ones():
    of_pairs = [effective_weights(trl_batch, [F(2, 5), q], 2).weights[0] for _, q in POPULATIONS[0]]
    assert drawn(trl_batch, 0.4, 2, POPULATIONS[0], 2) == pytest.approx(sum(of_pairs) / 2)


def test_the_curl_of_the_limit_is_that_of_its_closed_form():
    """W = s / sqrt(v), v = E pq: moving up at p_y changes it by -s (1 - 2 p_y) / (2 v^(3/2)), s^2 = (n-1)/n."""
    n, rates = 4, np.array([0.1, 0.5, 0.8])
    found = population_weights(reinforce_plus_plus_baseline, rates, n, POPULATIONS[1])
    slope = -math.sqrt((n - 1) / n) * (1 - 2 * rates) / (2 * moments_of(POPULATIONS[1])[1] ** 1.5)
    assert found.curl == pytest.approx(slope[None, :] - slope[:, None], rel=1e-3, abs=1e-3)
    flat = population_weights(trl_batch, rates, n, POPULATIONS[1])
    assert abs(flat.curl).max() < 1e-3 < abs(found.curl).max()


def test_a_limit_that_ascends_nothing_at_any_speed_is_found():
    """W(p) = f(p) c + d, 1, f and the slope of d independent: that of a square would be as linear as f."""

    def rule(r):
        centred, mean = r - group_mean(r), group_mean(r)
        return centred * (mean * r.mean() + (mean**3).mean())

    assert population_weights(rule, [0.5], 4, POPULATIONS[1]).verdict == "none"
    assert population_weights(lambda r: (r - group_mean(r)) * r.std(), [0.5], 4, POPULATIONS[1]).verdict == "gradient"


@pytest.mark.parametrize(("rule", "verdict"), [(trl_batch, "gradient"), (reinforce_plus_plus_baseline, "direction")])
def test_rules_in_float32_have_the_same_verdict(rule, verdict):
    found = population_weights(lambda r: rule(r).astype(np.float32), [0.5], 4, POPULATIONS[1])
    assert found.verdict == verdict
    assert found.weights == pytest.approx(population_weights(rule, [0.5], 4, POPULATIONS[1]).weights, rel=1e-5)


def test_groups_that_are_judged_alone_have_their_own_weight_as_the_limit():
    found = population_weights("maxrl_shipped", [0.1, 0.9], 4, POPULATIONS[1])
    assert found.weights == pytest.approx([mx.effective_weight("maxrl_shipped", 4).value(p) for p in (0.1, 0.9)])
    assert found.verdict == "gradient"


def test_a_problem_is_a_population():
    coins = [mx.problems.Bernoulli(p) for p in (F(1, 10), F(1, 2))]
    found = effective_weights(trl_batch, [0.1, 0.5], 2, population=mx.problems.Contextual(coins))
    assert found.limit.tolist() == population_weights(trl_batch, [0.1, 0.5], 2, POPULATIONS[0]).weights.tolist()
    assert list(found.columns())[-2:] == ["limit", "+-"]
    assert "as prompts become many it is a gradient" in str(found)
    assert effective_weights(trl_batch, [0.1, 0.5], 2).limit is None


def jumping(r):
    """By a thousandth, at the pass rate of the population: weights settle, and slopes do not."""
    return (r - group_mean(r)) * (1 + (r.mean() > 0.5) / 1000)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"rule": lambda r: (r - group_mean(r)) / math.log(len(r))},
            ValueError,
            r"^rule must settle .* got weights 0\.",
        ),
        ({"rule": lambda r: (r - group_mean(r)) * r.sum()}, ValueError, r"^rule must settle as prompts become many"),
        ({"rule": jumping}, ValueError, r"^rule must settle as prompts become many, .* got slopes that grow beside"),
        (
            {"rule": lambda r: r * np.arange(len(r))[:, None]},
            ValueError,
            r"^rule must treat the prompts of a batch",
        ),
        ({"rule": lambda r: r * np.arange(2)}, ValueError, r"^rule must treat the rollouts of a prompt alike"),
        ({"population": [(1, 0)]}, ValueError, r"^rule must settle as prompts become many"),
        ({"population": [(0.5, 0.2)]}, ValueError, r"^probabilities of population must sum to 1, got 0.5$"),
        ({"population": [0.5]}, TypeError, r"^population\[0\] must be a list of two numbers, a probability and a pass"),
        (
            {"population": [(1, 0.5, 2)]},
            ValueError,
            r"^population\[0\] must be two numbers, a probability",
        ),
        ({"population": 3}, TypeError, r"^population must be a list of pairs \(probability, pass rate\), or a problem"),
        (
            {"population": mx.problems.Bandit([0.5, 0.5], [0, 0.5])},
            ValueError,
            r"^population must have likelihoods 0",
        ),
        ({"n": 65}, ValueError, r"^n must be at most 64, got 65$"),
        ({"prompts": 8}, ValueError, r"^prompts must be an int in \[64, 1048576\], got 8$"),
    ],
)
def test_a_limit_that_there_is_not_is_refused_in_a_line(change, error, message):
    arguments = {"rule": trl_batch, "pass_rates": [0.5], "n": 2, "population": [(0.5, 0.2), (0.5, 0.8)], **change}
    with pytest.raises(error, match=message) as caught:
        population_weights(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("prompts", [512, 1024, 4096])
def test_at_a_mean_pass_rate_of_one_half_a_deviation_has_no_slope_and_rounding_is_no_curl(prompts):
    def verdict(rule):
        return population_weights(rule, [0.1, 0.5, 0.9], 4, [(0.5, 0.1), (0.5, 0.9)], prompts=prompts).verdict

    assert verdict(trl_batch) == "gradient"
    assert verdict(reinforce_plus_plus_baseline) == "direction"
