"""What a step adds whatever the rewards is told from them: a name and a number for it, and no fault of the rest."""

from __future__ import annotations

import numpy as np
import pytest

from maxrl_est.checks._steps.kl import kl_term
from maxrl_est.checks._steps.lengths import lengths
from maxrl_est.checks._steps.micro_batches import micro_batches
from maxrl_est.checks._steps.on_policy import on_policy
from maxrl_est.checks._steps.own_reward import own_reward
from maxrl_est.checks._steps.rewards import shaped_rewards
from maxrl_est.checks._steps.subject import StepSubject, in_degrees
from maxrl_est.checks._steps.terms import term_of
from maxrl_est.checks._steps.turning import turning
from maxrl_est.checks._subject import Failed, Skipped, Warned
from steps_entries import rloo, step_of, summed
from steps_right_styles import (
    cost_of_length,
    entropy_in_the_reward,
    entropy_of_tokens,
    half_precision,
    lengths_of_the_others,
    others_of_the_micro_batch,
)
from steps_wrong import mean_of_a_process
from steps_wrong_ratios import half, in_the_loss, own_length


def subject(step):
    return StepSubject(step, "step", None, 3, 1e-4, 1, 1)


TERMS = {
    "of a response, in tokens and 0.2 times the gradient of the entropy of whole responses": (
        lambda b: cost_of_length(b) + 2 * (entropy_in_the_reward(b) - step_of(rloo)(b))
    ),
    "adds -0.1 times the gradient of the length of a response": cost_of_length,
    "adds 0.1 times the gradient of the entropy of each token": entropy_of_tokens,
    "adds 0.1 times the gradient of the entropy of whole responses": entropy_in_the_reward,
    "is the gradient of no cost of length and of no entropy": lambda b: summed(rloo(b.rewards) - b.lengths**2, b),
}


@pytest.mark.parametrize("words", TERMS)
def test_a_term_beside_the_rewards_is_named_with_its_factor(words):
    assert words in term_of(subject(TERMS[words]))


def test_constants_are_no_term_and_a_term_excuses_nothing_that_goes_with_rewards():
    assert term_of(subject(step_of(half))) == term_of(subject(step_of(rloo))) == ""
    bent = subject(lambda b: cost_of_length(b) * own_length(b))
    with pytest.raises(Failed, match="its own length"):
        lengths(bent)
    assert isinstance(lengths(subject(cost_of_length)), Warned)
    assert not isinstance(shaped_rewards(subject(entropy_of_tokens)), Warned)
    assert "of any lengths" in lengths(subject(lambda b: 3 * cost_of_length(b)))


def test_an_entropy_that_takes_prefixes_as_given_turns_and_that_of_responses_does_not():
    assert isinstance(on_policy(subject(entropy_of_tokens)), Warned)
    assert "by a term beside the rewards alone" in turning(subject(entropy_of_tokens))
    assert "nothing turns" in turning(subject(entropy_in_the_reward))


def test_what_knows_of_lengths_is_not_taken_for_k1_in_the_loss():
    for step in (lengths_of_the_others, cost_of_length):
        with pytest.raises(Skipped, match="no reference"):
            kl_term(subject(step))
    with pytest.raises(Failed, match="k1"):
        kl_term(subject(in_the_loss(np.ones_like)))


def test_half_precision_is_told_from_a_baseline_that_moves():
    assert "half precision" in own_reward(subject(half_precision))
    with pytest.raises(Failed, match="moves with the rollout's own reward"):
        own_reward(subject(lambda b: summed(rloo(b.rewards) - 0.005 * b.rewards.max(-1, keepdims=True), b)))


def test_a_baseline_of_each_micro_batch_is_judged_by_the_mean():
    assert "not what they are in the mean" in micro_batches(subject(others_of_the_micro_batch))
    with pytest.raises(Failed, match="statistics of rewards"):
        micro_batches(subject(mean_of_a_process))


def test_what_rounding_leaves_of_an_angle_is_0():
    assert in_degrees(1.15e-14, 90.0, 2e-5) == "0 and 90 and 2e-05"
