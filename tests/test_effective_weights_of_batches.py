"""What a batch of coupled prompts ascends at given pass rates, against batches enumerated rollout by rollout."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from batch_rules import BY_TOTAL, CENTRED, COUPLED, RATES, mean_gradients, of_the_total, over_the_batch_mean
from maxrl_est._arguments import name_of
from maxrl_est.ascent import over_prompts
from maxrl_est.steps import EffectiveWeights, effective_weights

H = F(1, 10**5)


@pytest.mark.parametrize("rule", COUPLED, ids=name_of)
@pytest.mark.parametrize(("prompts", "n"), [(2, 2), (3, 2), (2, 3)])
def test_the_weights_are_those_of_the_gradient_enumerated_rollout_by_rollout(rule, prompts, n):
    weights = effective_weights(rule, RATES[:prompts], n)
    assert weights.exact
    assert weights.weights.tolist() == mean_gradients(rule, RATES[:prompts], n)


@pytest.mark.parametrize("rule", CENTRED[:2], ids=name_of)
def test_rules_in_floats_have_their_weights_in_floats(rule):
    weights = effective_weights(rule, RATES[:2], 3)
    assert not weights.exact
    assert weights.weights.tolist() == pytest.approx([float(w) for w in mean_gradients(rule, RATES[:2], 3)])


def test_a_batch_that_does_not_change_with_the_own_exchange_would_have_other_weights():
    """E over batches of what the group's own successes and failures are apart in one and the same batch: wrong."""
    n, rates = 2, RATES[:2]
    exact = effective_weights(over_the_batch_mean, rates, n).weights
    chances = [[math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)] for p in rates]
    apart = F(0)
    for first, second in itertools.product(range(n + 1), repeat=2):
        batch = np.array([[F(i < k) for i in range(n)] for k in (first, second)], dtype=object)
        scale = batch.mean() or 1  # a success less a failure of the batch as it is
        apart += chances[0][first] * chances[1][second] / scale
    assert exact[0] == mean_gradients(over_the_batch_mean, rates, n)[0] != apart


@pytest.mark.parametrize("name", ["rloo", "maxrl_shipped", "grpo", "ustat"])
def test_a_rule_that_judges_each_group_by_itself_has_the_weight_of_one_group(name):
    weights, alone = effective_weights(name, RATES, 3), mx.effective_weight(name, 3)
    assert weights.verdict == "gradient"
    assert weights.weights.tolist() == pytest.approx([alone.value(p) for p in RATES])
    assert weights.exact == alone.exact


@pytest.mark.parametrize("rule", COUPLED, ids=name_of)
def test_the_curl_is_the_slope_of_the_weights_each_way(rule):
    """By differences of exact weights at pass rates that are moved: off by H^2, of which Fractions lose nothing."""
    curl = effective_weights(rule, RATES, 2).curl
    slopes = np.empty((3, 3), dtype=object)
    for y in range(3):
        up, down = ([p + sign * H * (b == y) for b, p in enumerate(RATES)] for sign in (1, -1))
        W = [effective_weights(rule, rates, 2).weights for rates in (up, down)]
        slopes[:, y] = (W[0] - W[1]) / (2 * H)
    assert abs(curl - (slopes - slopes.T)).max() < 100 * H**2
    assert (curl == -curl.T).all()


def test_the_curl_of_one_prompt_is_nothing():
    """With B = 1 the update is a gradient whatever the rule is; two values and one prompt refute nothing."""
    for rule in (*COUPLED, *CENTRED):
        assert effective_weights(rule, [F(1, 3)], 3).verdict == "gradient"
    assert effective_weights(over_the_batch_mean, RATES[:2], 3).verdict != "gradient"


@pytest.mark.parametrize("rule", [*COUPLED, *CENTRED, *BY_TOTAL], ids=name_of)
@pytest.mark.parametrize(("prompts", "n"), [(2, 3), (3, 2)])
def test_what_is_a_gradient_is_what_the_other_judge_of_batches_says(rule, prompts, n):
    weights, judged = effective_weights(rule, RATES[:prompts], n), over_prompts(rule, prompts, n)
    assert (weights.verdict == "gradient") == (judged.verdict == "gradient")


@pytest.mark.parametrize("n", [2, 4])
def test_rules_of_the_total_are_gradients_and_centred_groups_over_the_batch_are_not_at_three_prompts(n):
    for rule in BY_TOTAL:
        assert effective_weights(rule, RATES, n).verdict == "gradient"
        assert abs(effective_weights(rule, RATES, n).curl).max() < 1e-9
    for rule in CENTRED:
        assert effective_weights(rule, RATES[:2], n).verdict == "direction"  # as all of two prompts
        assert effective_weights(rule, RATES, n).verdict == "none"


def test_a_common_speed_is_a_direction_and_no_gradient():
    """Advantages b_x (1 + v.K of all prompts), corrected for the own exchange: W_x = b_x c(p) exactly."""
    v = np.array([[1], [2], [5]])

    def rule(r):
        r, n = np.asarray(r), r.shape[-1]
        total = 1 + (v * r.sum(axis=-1, keepdims=True)).sum()
        own = r.sum(axis=-1, keepdims=True) - r  # the other rollouts of the same prompt
        beside = total - v * r.sum(axis=-1, keepdims=True) + v * own * F(n, n - 1)  # of mean 1 + v.E K, l_i apart
        return r * beside

    weights = effective_weights(rule, RATES, 3)
    speed = 1 + 3 * (1 * RATES[0] + 2 * RATES[1] + 5 * RATES[2])
    assert weights.weights.tolist() == [speed] * 3
    assert weights.verdict == "direction"
    assert weights.curl[0, 1] == 3 * (2 - 1)
    assert "has the direction of a gradient" in str(weights)


def test_pass_rates_of_0_and_1_are_asked_about_too():
    """A success of the first is one of 3 among 4, 1/2 over 3/4; a failure of the second beside 1, -1/2 over 1/4."""
    assert effective_weights(over_the_batch_mean, [F(0), F(1)], 2).weights.tolist() == [F(2, 3), 2]


def test_the_result_is_shown_as_a_table():
    weights = effective_weights(over_the_batch_mean, [F(1, 2), F(1, 2)], 2)
    assert isinstance(weights, EffectiveWeights)
    lines = str(weights).splitlines()
    assert lines[0] == "2 prompts, n = 2: E[g] = W grad p of each, for 0/1 rewards"
    assert lines[2] == "the curl is 0 at these pass rates alone"
    assert list(weights.columns()) == ["pass rate", "W", "W / mean W"]
    assert weights.ratios.tolist() == [1, 1]
    assert effective_weights(lambda r: 0 * r, [F(1, 2)], 2).ratios is None


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"rule": "rlo"}, ValueError, r"^rule must be a name in the table, got 'rlo'; did you mean 'rloo'"),
        ({"pass_rates": [0.5, 1.5]}, ValueError, r"^pass_rates\[1\] must lie in \[0, 1\], got 1.5$"),
        ({"pass_rates": []}, ValueError, r"^pass_rates must be at least one number"),
        ({"pass_rates": 0.5}, TypeError, r"^pass_rates must be a list of numbers, \(s,\), got 0.5$"),
        ({"n": 0}, ValueError, r"^n must be an int of at least 1, got 0$"),
        ({"n": 400}, ValueError, r"^n must make at most 100000 batches, got 400: with 2 prompts there are 160801$"),
        ({"rule": lambda r: r.sum()}, ValueError, r"^rule must return shape \(2, 2\), got \(\)$"),
        ({"rule": lambda r: r * np.arange(2)}, ValueError, r"^rule must treat the rollouts of a prompt alike, but the"),
    ],
)
def test_a_wrong_question_is_refused_in_a_line(change, error, message):
    with pytest.raises(error, match=message) as caught:
        effective_weights(**{"rule": of_the_total, "pass_rates": [0.1, 0.5], "n": 2, **change})
    assert "\n" not in str(caught.value)
