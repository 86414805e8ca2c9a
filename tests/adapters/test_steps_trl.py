"""TRL: its steps are what NumPy says of each loss type, and what training does; their means are judged."""

from __future__ import annotations

import copy
import re

import numpy as np
import pytest

pytest.importorskip("trl", reason="needs trl")

import torch
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

import maxrl_est as mx
from adapters import tiny_trl
from maxrl_est.adapters.trl import MaxRLTrainer, as_step
from maxrl_est.problems import TokenChain
from maxrl_est.steps import Batch, exact_step
from steps_batches import EASY, HARD, random_batch

TYPES = ("grpo", "bnpo", "dr_grpo", "dapo", "luspo", "cispo", "sapo", "vespo")
SHORT = [TokenChain([0.5], [0.0, 0.25]), TokenChain([0.3], [0.5, 1.0])]
LOW, HIGH = 0.2, 0.3
LIMIT, DEFAULT = 8, 512  # tokens a completion may have


def advantages(batch):
    """(B, N, 1): TRL's, of rewards over the deviation of their group."""
    rewards = batch.rewards
    return ((rewards - rewards.mean(-1, keepdims=True)) / (rewards.std(-1, ddof=1, keepdims=True) + 1e-4))[..., None]


def clipped(c, A):
    return c * np.where(A > 0, c <= 1 + HIGH, c >= 1 - LOW)


def weight(kind, level, batch):
    """(B, N, L): what the advantage of a token is multiplied by."""
    A, c, lengths = advantages(batch), batch.ratios, batch.lengths[..., None]
    logs = (batch.log_ratios * batch.mask).sum(-1, keepdims=True)
    if kind == "vespo":
        k, scale = np.where(A >= 0, 2.0, 3.0), np.where(A >= 0, 3.0, 2.0)
        return np.exp(scale + k * logs - scale * np.exp(logs))
    if level == "sequence":
        c = np.exp(logs / lengths)
    if kind == "cispo":
        return np.minimum(c, HIGH)
    if kind == "sapo":
        gate = 1 / (1 + np.exp(-np.where(A > 0, 1.0, 1.05) * (c - 1)))
        return 4 * gate * (1 - gate) * c
    return clipped(c, A)


def divisor(kind, batch):
    """(B, N, 1): what a token's loss is divided by in the sum over micro-batches."""
    lengths, rows = batch.lengths[..., None], batch.rewards.size
    return {
        **dict.fromkeys(("grpo", "sapo"), lengths * rows * batch.parts),
        **dict.fromkeys(("cispo", "dapo", "vespo"), batch.whole.lengths.sum()),
        "bnpo": lengths.sum() * batch.parts,
        "dr_grpo": rows * LIMIT * batch.parts,
        "luspo": rows * batch.parts,
    }[kind]


def by_hand(kind, level, beta, batch, divided=None):
    held = beta * (1 - 1 / batch.reference_ratios)
    found = weight(kind, level, batch) * advantages(batch) - held
    return found * batch.mask / divisor(divided or kind, batch)


def shipped(kind, **settings):
    return as_step(GRPOTrainer, GRPOConfig, loss_type=kind, **settings)


@pytest.mark.parametrize("level", ["token", "sequence"])
@pytest.mark.parametrize("kind", TYPES)
def test_each_loss_type_clips_divides_and_holds_as_numpy_says(kind, level):
    settings = {"epsilon": LOW, "epsilon_high": HIGH, "beta": 0.1, "num_iterations": 2}
    settings |= {"use_bias_correction_kl": False, "max_completion_length": LIMIT}
    step = shipped(kind, importance_sampling_level=level, **settings)
    parts = [part for seed in range(4) for part in (random_batch(seed), *random_batch(seed).split(2))]
    found = [step(part) for part in parts]

    def agrees(beta, divided):
        expected = [by_hand(kind, level, beta, part, divided) for part in parts]
        return all(np.allclose(a, b, rtol=0, atol=1e-6) for a, b in zip(found, expected, strict=True))

    assert agrees(0.1, kind)
    assert not agrees(0.0, kind)
    for other in TYPES:
        alike = any({kind, other} <= same for same in ({"grpo", "sapo"}, {"dapo", "cispo", "vespo"}))
        assert agrees(0.1, other) == (alike or other == kind)


def test_the_corrected_kl_term_weighs_each_token_by_its_ratio_and_the_log_of_the_other():
    step = shipped("luspo", beta=0.1, num_iterations=2, epsilon=LOW, epsilon_high=HIGH)
    batch = random_batch(4)
    held = 0.1 * batch.ratios * batch.log_reference_ratios * batch.mask / 4
    np.testing.assert_allclose(step(batch), by_hand("luspo", "token", 0.0, batch) - held, rtol=0, atol=1e-6)
    assert not np.allclose(step(batch), by_hand("luspo", "token", 0.1, batch), atol=1e-4)


def test_ratios_count_only_where_trl_keeps_what_rollouts_were_drawn_with():
    batch = random_batch(5)
    again, once = shipped("dapo", num_iterations=2)(batch), shipped("dapo")(batch)
    np.testing.assert_allclose(once, shipped("dapo")(random_batch(5, off_policy=False)), atol=1e-12)
    assert not np.allclose(again, once, atol=1e-3)


def test_advantages_are_those_of_the_whole_step_in_each_micro_batch():
    step = shipped("luspo", scale_rewards="batch")
    batch = random_batch(6)
    both = np.concatenate([step(part) for part in batch.split(2)])
    np.testing.assert_allclose(both, step(batch), atol=1e-12)
    alone = [step(Batch.of(part.rewards, part.mask.astype(int))) / 2 for part in batch.split(2)]  # each as a step
    assert not np.allclose(both, np.concatenate(alone), atol=1e-3)


def test_rollouts_of_max_completion_length_are_truncated_and_masked_where_asked():
    batch = random_batch(7)
    kept = shipped("luspo", mask_truncated_completions=True, max_completion_length=4)(batch)
    longest = batch.lengths == 4
    assert longest.any()
    assert not kept[longest].any()
    expected = shipped("luspo")(batch)
    np.testing.assert_array_equal(kept[~longest], expected[~longest])
    np.testing.assert_array_equal(shipped("luspo", mask_truncated_completions=True)(batch), expected)


def test_dr_grpo_divides_by_the_length_that_completions_may_have_whatever_the_batch_is_padded_to():
    batch = random_batch(7)
    wide = Batch.of(batch.rewards, np.pad(batch.mask, [(0, 0), (0, 0), (0, 3)]))
    step = shipped("dr_grpo")
    np.testing.assert_allclose(step(wide)[..., :4], step(Batch.of(batch.rewards, batch.mask)), atol=1e-12)
    np.testing.assert_allclose(shipped("dr_grpo", max_completion_length=LIMIT)(batch), step(batch) * DEFAULT / LIMIT)


def test_rloo_divides_micro_batches_outside_its_loss_and_puts_kl_into_rewards():
    batch = random_batch(8, size=3)
    others = (batch.rewards.sum(-1, keepdims=True) - batch.rewards) / 2
    A = (batch.rewards - others)[..., None]
    c = np.exp((batch.log_ratios * batch.mask).sum(-1, keepdims=True))
    low, high = 0.2, 0.2
    expected = A * c * np.where(A > 0, c <= 1 + high, c >= 1 - low) * batch.mask / 6
    step = as_step(RLOOTrainer, RLOOConfig, beta=0.0)
    np.testing.assert_allclose(step(batch), expected, atol=1e-6)
    np.testing.assert_allclose(np.concatenate([step(part) for part in batch.split(2)]), expected, atol=1e-6)
    held = as_step(RLOOTrainer, RLOOConfig)  # beta is 0.05
    assert not np.allclose(held(batch), expected, atol=1e-3)
    same = random_batch(8, size=3, off_policy=False)
    np.testing.assert_allclose(held(same), step(same), atol=1e-6)


@pytest.mark.parametrize("kind", ["dapo", "grpo", "luspo"])
def test_a_step_of_training_is_the_sum_of_its_coefficients_times_scores(tmp_path, kind):
    """What `Trainer.train` does to the parameters, over two micro-batches, is what the step says of its batch."""
    model, batches = tiny_trl.policy(), []
    start, scored = copy.deepcopy(model), GRPOTrainer._generate_and_score_completions

    class Recorder(GRPOTrainer):
        def _generate_and_score_completions(self, inputs):
            batches.append(scored(self, inputs))
            return batches[-1]

    args = tiny_trl.arguments(tmp_path, loss_type=kind, gradient_accumulation_steps=2)
    optimizers = (torch.optim.SGD(model.parameters(), lr=1.0), None)
    trainer = Recorder(
        model,
        tiny_trl.share_of_ones,
        args,
        tiny_trl.PROMPTS,
        processing_class=tiny_trl.tokenizer(),
        optimizers=optimizers,
    )
    trainer.train()
    change = tiny_trl.flat(trainer.accelerator.unwrap_model(trainer.model).parameters()) - tiny_trl.flat(
        start.parameters()
    )
    (batch,) = batches
    rewards = np.array(tiny_trl.share_of_ones(tiny_trl.completions(batch))).reshape(4, 4)
    mask = batch["completion_mask"].reshape(4, 4, -1).numpy()
    step = shipped(kind, max_completion_length=5)
    given = Batch.of(rewards, mask)
    found = np.concatenate([step(part) for part in given.split(2)])
    ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1)
    attended = torch.cat([batch["prompt_mask"], batch["completion_mask"]], dim=1)
    prompt, width = batch["prompt_ids"].shape[1], ids.shape[1]
    logits = start(input_ids=ids, attention_mask=attended).logits[:, prompt - 1 : width - 1]
    logs = logits.log_softmax(-1).gather(-1, batch["completion_ids"][..., None])[..., 0]
    total = (torch.from_numpy(found.reshape(logs.shape)) * logs).sum()
    expected = torch.cat([g.ravel() for g in torch.autograd.grad(total, list(start.parameters()))])
    torch.testing.assert_close(change, expected, rtol=1e-5, atol=1e-7)
    assert not torch.allclose(change, expected / 2, rtol=1e-3)  # divided once too often


@pytest.mark.parametrize(("kind", "share"), [("dr_grpo", 1 / (2 * DEFAULT)), ("luspo", 1 / 2)])
def test_the_mean_of_dr_grpo_and_of_luspo_is_the_gradient_times_a_constant(kind, share):
    found = exact_step(shipped(kind, scale_rewards="none"), [HARD, EASY], 2)
    np.testing.assert_allclose(np.array(found.shares, dtype=float), share, rtol=1e-6)
    assert found.angle < 1e-4
    assert found.is_gradient


def test_the_mean_of_grpo_is_far_off_on_lengths():
    found = exact_step(shipped("grpo", scale_rewards="none"), [HARD, EASY], 2)
    assert found.angle > 10
    assert max(found.angles) > 20


def test_bnpo_alone_depends_on_micro_batches():
    for kind in ("bnpo", "dapo"):
        one, two = (exact_step(shipped(kind), SHORT, 2, parts=parts) for parts in (1, 2))
        apart = max(abs(a - b).max() for a, b in zip(one.mean, two.mean, strict=True))
        assert (apart > 1e-4) == (kind == "bnpo")


def test_steps_of_three_rollouts_and_of_maxrl_keep_its_gradient():
    step = as_step(MaxRLTrainer, GRPOConfig, loss_type="dr_grpo", max_grad_norm=0.0)
    found = exact_step(step, SHORT, 3, objective=mx.Objective.maxrl(3))
    np.testing.assert_allclose(np.array(found.shares, dtype=float), 1 / DEFAULT, rtol=1e-6)
    other = exact_step(step, SHORT, 3)
    assert max(abs(np.array(other.ratios, dtype=float) - 1)) > 0.1  # of another objective


REFUSED = {
    "num_generations": (4, "num_generations must be left out, since batches decide it, got 4"),
    "steps_per_generation": (2, "steps_per_generation must be left out, since batches decide it, got 2"),
    "entropy_coef": (0.1, "entropy_coef must be 0.0, since a batch has no entropies, got 0.1"),
    "top_entropy_quantile": (0.2, "top_entropy_quantile must be 1.0, since a batch has no entropies, got 0.2"),
    "use_vllm": (True, "use_vllm must be False, since rollouts are given, got True"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_settings_that_no_batch_can_follow_are_refused_in_one_line(name):
    value, message = REFUSED[name]
    with pytest.raises(ValueError, match="^" + re.escape(message) + "$"):
        shipped("dapo", **{name: value})


def test_what_a_trainer_cannot_take_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^max_completion_length must be at least the batch's L = 4, got 3$"):
        shipped("dapo", max_completion_length=3)(random_batch(9))
    batch = random_batch(9)
    stranger = batch.split(2)[0].map(lambda array: array)
    object.__setattr__(stranger, "rewards", stranger.rewards + 1)
    with pytest.raises(ValueError, match=r"^batch must be a part of batch\.whole, got prompts \[0\]$"):
        shipped("dapo")(stranger)
