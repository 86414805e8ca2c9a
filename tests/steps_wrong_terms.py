"""Wrong training steps: shifts, counts, spreads and terms that look like other faults at first sight."""

from __future__ import annotations

import numpy as np

from steps_entries import Wrong, by_log, grpo, rloo, step_of, summed, whole_ratio


def _ones(batch):
    return summed(np.ones_like(batch.rewards, dtype=float), batch)


def tokens_divided_by_twice(batch):
    tokens = batch.lengths.sum(axis=(-1, -2))[..., None, None, None]
    return rloo(batch.rewards)[..., None] * batch.mask / tokens**2


def prompts_divided_by_twice(batch):
    prompts, n = batch.whole.rewards.shape[-2:]
    return rloo(batch.rewards)[..., None] * batch.mask * batch.parts / (prompts * n) ** 2


def whitened_by_each_process(batch):
    """Advantages over their deviation in each micro-batch: the same for every pair of groups with some successes."""
    a = rloo(batch.rewards).astype(float)
    return summed(a / (a.std(axis=(-1, -2), keepdims=True) + 1e-8), batch)


def most_spread_prompts(batch):
    """Prompts whose rewards are spread as much as half of them are: of three 0/1 rewards all that differ."""
    spread = batch.rewards.astype(float).var(-1, keepdims=True)
    return summed(rloo(batch.rewards) * (spread >= np.median(spread, axis=-2, keepdims=True)), batch)


def largest_of_the_batch(batch):
    a = rloo(batch.rewards).astype(float)
    most = abs(a).max(axis=(-1, -2), keepdims=True)
    return summed(a / np.where(most > 0, most, 1), batch)


def sign(r):
    return np.sign(rloo(r.astype(float)))


def too_long_left_out(batch):
    return summed(rloo(batch.rewards) * (batch.lengths < 3), batch)


def length_of_solved_groups(batch):
    solved = batch.rewards.astype(float).min(-1, keepdims=True)
    return summed(rloo(batch.rewards) + 0.1 * solved * (batch.lengths.mean(-1, keepdims=True) - batch.lengths), batch)


def likely(batch):
    return batch.probabilities.astype(float)


def _padded(batch):
    return np.where(batch.mask, batch.ratios.astype(float), 1)


def next_token(batch):
    return np.concatenate([_padded(batch)[..., 1:], np.ones_like(_padded(batch)[..., :1])], axis=-1)


def previous_token(batch):
    return np.concatenate([np.ones_like(_padded(batch)[..., :1]), _padded(batch)[..., :-1]], axis=-1)


def from_the_end(batch):
    return np.cumprod(_padded(batch)[..., ::-1], axis=-1)[..., ::-1]


def first_token(batch):
    return batch.ratios[..., :1].astype(float)


def at_most_one(batch):
    return np.minimum(batch.ratios.astype(float), 1)


def at_most_a_quantile(batch):
    ratio = whole_ratio(batch).astype(float)
    return np.minimum(ratio, np.quantile(ratio, 0.8, axis=(-2, -3), keepdims=True))


def reference_for_the_sampler(batch):
    return np.where(batch.mask, batch.reference_ratios, 1).prod(axis=-1, keepdims=True)


def in_the_reward(value):
    return lambda batch: summed(rloo(batch.rewards - 0.1 * value(batch).astype(float)), batch)


def _total(batch):
    return by_log(batch.log_reference_ratios, batch)


def in_the_loss(value):
    return lambda batch: summed(rloo(batch.rewards), batch) - 0.1 * _ones(batch) * value(batch)


def past(batch):
    logs = np.where(batch.mask, batch.log_reference_ratios, 0).astype(float)
    return np.cumsum(logs, axis=-1) - logs


WRONG = {
    "tokens divided by twice": Wrong(tokens_divided_by_twice, "micro-batches", ("divides twice",)),
    "prompts divided by twice": Wrong(
        prompts_divided_by_twice, "micro-batches", ("make 0.5 times", "more than once"), status="warned"
    ),
    "advantages whitened by each process": Wrong(whitened_by_each_process, "micro-batches", ("statistics",)),
    "the prompts that are spread most": Wrong(most_spread_prompts, "other prompts", ("spread", "degrees")),
    "the largest advantage of the batch": Wrong(largest_of_the_batch, "other prompts", ("spread", "degrees")),
    "the sign of the advantage": Wrong(step_of(sign), "shaped rewards", ("by sign",)),
    "GRPO is no expected reward": Wrong(step_of(grpo), "on policy", ("no known", "N = 8"), status="warned"),
    "positive advantages alone": Wrong(
        step_of(lambda r: np.maximum(rloo(r.astype(float)), 0)), "own reward in the baseline", ("weighed differently",)
    ),
    "long responses left out": Wrong(too_long_left_out, "lengths", ("left out", "stay in the baseline")),
    "a part of the reward for each token": Wrong(
        lambda b: summed(rloo(b.rewards * (1 - 0.1 * b.lengths)), b), "lengths", ("twice the length", "times 0.75")
    ),
    "the length of solved groups": Wrong(length_of_solved_groups, "lengths", ("all equal, and there alone",)),
    "weighed by probabilities": Wrong(step_of(rloo, likely), "on policy", ("probabilities of tokens",)),
    "probabilities bend by lengths": Wrong(step_of(rloo, likely), "lengths", ("probabilities of tokens",)),
    "ratios of the next token": Wrong(step_of(rloo, next_token), "ratio", ("shifted by one", "next token")),
    "ratios of the previous token": Wrong(step_of(rloo, previous_token), "ratio", ("shifted by one", "previous token")),
    "ratios multiplied from the end": Wrong(step_of(rloo, from_the_end), "ratio", ("from the end",)),
    "the ratio of the first token": Wrong(step_of(rloo, first_token), "ratio", ("of the first token",)),
    "the mean ratio of the group": Wrong(
        step_of(rloo, lambda b: whole_ratio(b).astype(float).mean(axis=-2, keepdims=True)), "ratio", ("every ratio",)
    ),
    "ratios of at most 1": Wrong(step_of(rloo, at_most_one), "ratio", ("lies at 1", "0 of a ratio above 1")),
    "ratios of at most a quantile": Wrong(step_of(rloo, at_most_a_quantile), "ratio", ("lies at 1",)),
    "the reference for the sampler": Wrong(step_of(rloo, reference_for_the_sampler), "KL term", ("no term", "factor")),
    "the size of the log-ratio": Wrong(in_the_reward(lambda b: abs(_total(b))), "KL term", ("in the reward", "sign")),
    "the square of the log-ratio": Wrong(in_the_reward(lambda b: _total(b) ** 2), "KL term", ("sign",)),
    "the size in the loss": Wrong(in_the_loss(lambda b: abs(b.log_reference_ratios)), "KL term", ("loss", "sign")),
    "k3 upside down": Wrong(in_the_loss(lambda b: b.reference_ratios.astype(float) - 1), "KL term", ("upside down",)),
    "the divergence per token": Wrong(in_the_reward(lambda b: _total(b) / b.lengths), "KL term", ("averaged",)),
    "the divergence of what is past": Wrong(in_the_loss(past), "KL term", ("of others and not with its own",)),
}
