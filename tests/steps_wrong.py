"""Wrong training steps: of rewards, groups, micro-batches and padding."""

from __future__ import annotations

import numpy as np

from steps_entries import MAXRL, RL, Wrong, grpo, others, rloo, shipped, step_of, summed

_RNG = np.random.default_rng(0)


def again_by_accumulation(batch):
    return summed(rloo(batch.rewards), batch) / batch.parts


def token_mean_of_a_micro_batch(batch):
    tokens = batch.lengths.sum(axis=(-1, -2))[..., None, None, None]
    return rloo(batch.rewards)[..., None] * batch.mask / tokens


def kept_count_of_a_process(batch):
    kept = (batch.rewards.max(-1) != batch.rewards.min(-1)).sum(-1)[..., None, None, None]
    return rloo(batch.rewards)[..., None] * batch.mask / (np.maximum(kept, 1) * batch.rewards.shape[-1])


def sum_for_mean(batch):
    return rloo(batch.rewards)[..., None] * batch.mask / batch.rewards.shape[-1]


def mean_of_a_process(batch):
    r = batch.rewards
    return summed(r - r.mean(axis=(-1, -2), keepdims=True), batch)


def sd_of_the_batch(batch):
    r = batch.rewards.astype(float)
    return summed((r - r.mean(-1, keepdims=True)) / (r.std(axis=(-1, -2), keepdims=True) + 1e-6), batch)


def mean_over_the_padded_width(batch):
    return rloo(batch.rewards)[..., None] * batch.mask / (batch.rewards.size * batch.mask.shape[-1])


def filtered_by_the_reward(batch):
    """Groups whose rewards are spread out are kept: a threshold that 0/1 rewards are always beyond."""
    r = batch.rewards.astype(float)
    return summed(rloo(r) * (r.max(-1, keepdims=True) >= 1), batch)


def groups_by_stride(batch):
    prompts, n = batch.rewards.shape
    strided = batch.rewards.reshape(n, prompts).T
    return summed(rloo(strided).T.reshape(prompts, n), batch)


def sorted_by_number_and_left_so(batch):
    prompts, n = batch.rewards.shape
    order = np.argsort(batch.groups.ravel(), kind="stable")
    return summed(rloo(batch.rewards.ravel()[order].reshape(prompts, n)), batch)


def reward_of_the_next_prompt(batch):
    return summed(rloo(np.roll(batch.rewards, 1, axis=-2)), batch)


def reward_of_the_next_row(batch):
    r = batch.rewards
    return summed(np.roll(rloo(r), 1, axis=-1), batch)


def baseline_of_the_previous_row(r):
    return r - np.roll(r, 1, axis=-1)


def advantages_in_order_of_reward(r):
    return np.sort(rloo(r.astype(float)), axis=-1)


def pulls_solved_prompts(r):
    """Each success is worth its own weight, and a solved prompt is praised again."""
    return rloo(r) + r.min(-1, keepdims=True) * 1


def drops_failed_groups(batch):
    """The mean over prompts that are solved at times: MaxRL without a baseline, of one order less."""
    solved = (batch.rewards.max(-1) > 0).sum(-1)[..., None, None, None]
    mean = np.maximum(batch.rewards.mean(-1, keepdims=True).astype(float), 1e-9)
    kept = (batch.rewards / mean - 1) * (batch.rewards.max(-1, keepdims=True) > 0)
    return kept[..., None] * batch.mask / (np.maximum(solved, 1) * batch.rewards.shape[-1])


def random_dropout(batch):
    return summed(rloo(batch.rewards), batch) * _RNG.random()


def nothing_over_nothing(batch):
    r = batch.rewards.astype(float)
    with np.errstate(invalid="ignore"):
        return summed((r - r.mean(-1, keepdims=True)) / r.std(-1, keepdims=True), batch)


def clears_rewards(batch):
    found = summed(rloo(batch.rewards), batch)
    batch.rewards[...] = 0
    return found


def numbers_in_the_padding(batch):
    """The mean ratio of a response counts what lies behind its end."""
    return summed(rloo(batch.rewards), batch) * batch.probabilities.mean(-1, keepdims=True)


def running_mean(r):
    """The baseline of each rollout is that of all before it."""
    before = np.cumsum(r, axis=-1) - r
    return r - before / np.maximum(np.arange(r.shape[-1]), 1)


def best_prompt_only(batch):
    """Coefficients of the prompt with the most successes."""
    solved = batch.rewards.sum(-1, keepdims=True)
    return summed(rloo(batch.rewards) * (solved == solved.max(-2, keepdims=True)), batch)


WRONG = {
    "an extra 1/accumulation": Wrong(again_by_accumulation, "micro-batches", ("a second time",)),
    "token mean of each micro-batch": Wrong(token_mean_of_a_micro_batch, "micro-batches", ("token",)),
    "kept groups counted by each process": Wrong(kept_count_of_a_process, "micro-batches", ("kept",)),
    "a sum for a mean": Wrong(sum_for_mean, "micro-batches", ("grow",)),
    "the mean reward of each process": Wrong(mean_of_a_process, "micro-batches", ("reward",)),
    "the standard deviation of each process": Wrong(sd_of_the_batch, "micro-batches", ("reward",)),
    "the standard deviation of the batch": Wrong(sd_of_the_batch, "other prompts", ("batch",)),
    "what turns by the batch's deviation": Wrong(sd_of_the_batch, "turning", ("prompt",)),
    "a mean over padding": Wrong(mean_over_the_padded_width, "padding", ("padded",)),
    "what lies behind the end": Wrong(numbers_in_the_padding, "padding", ("padding",)),
    "shipped MaxRL on -1/+1": Wrong(step_of(lambda r: shipped(2 * r - 1)), "on policy", ("descends",)),
    "shipped MaxRL, on -1/+1 if given": Wrong(step_of(shipped), "reward encoding", ("unlearns",)),
    "a filter on shaped rewards": Wrong(filtered_by_the_reward, "shaped rewards", ("reward",)),
    "GRPO on shaped rewards": Wrong(step_of(grpo), "shaped rewards", ("reward",)),
    "groups by stride": Wrong(groups_by_stride, "order of prompts", ("stride",)),
    "numbers of groups sorted and left so": Wrong(sorted_by_number_and_left_so, "order of prompts", ("sorted",)),
    "the reward of the next prompt": Wrong(reward_of_the_next_prompt, "order of prompts", ("prompt",)),
    "the reward of the next row": Wrong(reward_of_the_next_row, "order of rows", ("order",)),
    "the baseline of the previous row": Wrong(step_of(baseline_of_the_previous_row), "order of rows", ("order",)),
    "advantages of sorted rewards": Wrong(step_of(advantages_in_order_of_reward), "order of rows", ("order",)),
    "a baseline that runs along": Wrong(step_of(running_mean), "order of rows", ("order",)),
    "failed groups dropped": Wrong(drops_failed_groups, "unanimous groups", ("drop",), {"objective": MAXRL(3)}),
    "the best prompt only": Wrong(best_prompt_only, "other prompts", ("prompt",)),
    "another answer at each call": Wrong(random_dropout, "coefficients", ("twice",)),
    "0/0 in unanimous groups": Wrong(nothing_over_nothing, "coefficients", ("finite",)),
    "rewards written to": Wrong(clears_rewards, "coefficients", ("to the rewards of its batch",)),
    "another objective than is declared": Wrong(step_of(shipped), "on policy", ("J_2",), {"objective": RL}),
    "praise for solved prompts": Wrong(step_of(pulls_solved_prompts), "on policy", ("J_1",), {"objective": RL}),
    "others' mean with a sign": Wrong(step_of(lambda r: others(r) - r), "on policy", ("descends",)),
}
