"""torchrl: its steps are what NumPy says of losses, means over tokens and KL terms; their means are judged."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip("torchrl", reason="needs torchrl")

from torchrl.objectives.llm import DAPO, CISPOLoss, GRPOLoss

from maxrl_est.adapters.torchrl import as_estimator, as_step
from maxrl_est.problems import TokenBits
from maxrl_est.steps import exact_step
from steps_batches import EASY, HARD, random_batch

LOW, HIGH = 0.2, 0.28


def advantages(batch):
    """(B, N, 1): torchrl's, over the deviation of the group."""
    rewards = batch.rewards
    return ((rewards - rewards.mean(-1, keepdims=True)) / rewards.std(-1, ddof=1, keepdims=True).clip(1e-6))[..., None]


def kept(loss, c, A):
    if loss is CISPOLoss:  # the ratio is cut off, and has no derivative there
        return (c >= 1 - LOW) & (c <= 1 + HIGH)
    return np.where(A > 0, c <= 1 + HIGH, c >= 1 - LOW)


def by_hand(loss, aggregation, batch, held=0.0):
    A, c, lengths = advantages(batch), batch.ratios, batch.lengths[..., None]
    divisor = lengths.sum() if aggregation == "token_mean" else lengths * batch.rewards.size
    return kept(loss, c, A) * c * A * batch.mask / divisor - held * batch.mask / batch.mask.size


@pytest.mark.parametrize("aggregation", ["token_mean", "prompt_mean"])
@pytest.mark.parametrize("loss", [GRPOLoss, DAPO, CISPOLoss])
def test_each_loss_clips_and_divides_as_numpy_says_and_in_no_other_way(loss, aggregation):
    step, batches = (
        as_step(loss, aggregation=aggregation, clip_epsilon=(LOW, HIGH)),
        [random_batch(k) for k in range(4)],
    )
    found = [step(batch) for batch in batches]
    for other_loss in (GRPOLoss, CISPOLoss):
        for other in ("token_mean", "prompt_mean"):
            expected = [by_hand(other_loss, other, batch) for batch in batches]
            same = all(np.allclose(a, b, rtol=0, atol=1e-6) for a, b in zip(found, expected, strict=True))
            assert same == (other == aggregation and (other_loss is CISPOLoss) == (loss is CISPOLoss))


def test_the_kl_term_is_divided_by_padding_too():
    step = as_step(clip_epsilon=(LOW, HIGH), kl_to_ref_coeff=0.1)
    batch = random_batch(4)
    held = 0.1 * (1 - 1 / batch.reference_ratios)
    np.testing.assert_allclose(step(batch), by_hand(GRPOLoss, "token_mean", batch, held), rtol=0, atol=1e-6)
    tokens_alone = held * batch.mask.size / batch.lengths.sum()
    assert not np.allclose(step(batch), by_hand(GRPOLoss, "token_mean", batch, tokens_alone), atol=1e-4)


def test_of_responses_of_one_length_the_mean_is_the_gradient_over_the_length_and_of_lengths_it_is_not():
    def centred(rewards):
        return rewards - rewards.mean(-1, keepdims=True)

    bits = [TokenBits([0.5, 0.25], [[0.0, 0.0], [0.5, 1.0]]), TokenBits([0.3, 0.5], [[0.0, 1.0], [1.0, 1.0]])]
    found = exact_step(as_step(advantage=centred), bits, 2)
    np.testing.assert_allclose(np.array(found.shares, dtype=float), 1 / 4, atol=1e-6)
    by_deviation = exact_step(as_step(advantage=as_estimator()), bits, 2)
    assert max(abs(np.array(by_deviation.ratios, dtype=float) - 1)) > 0.01
    batch = random_batch(0)
    np.testing.assert_allclose(as_step()(batch), as_step(advantage=as_estimator())(batch), atol=1e-12)
    assert exact_step(as_step(aggregation="prompt_mean", advantage=centred), [HARD, EASY], 2).angle > 10


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("entropy_bonus", True, "entropy_bonus must be False, since a batch has no entropies, got True"),
        ("aggregation", "none", "aggregation must be one that returns a loss, got 'none'"),
        ("reduction", "none", "reduction must be one that returns a loss, got 'none'"),
    ],
)
def test_what_is_no_loss_of_a_batch_is_refused_in_one_line(name, value, message):
    with pytest.raises(ValueError, match="^" + re.escape(message) + "$"):
        as_step(**{name: value})
