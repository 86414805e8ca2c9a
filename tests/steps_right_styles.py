"""More right training steps: in other styles, with baselines of the batch, and with terms beside the rewards."""

from __future__ import annotations

import numpy as np

from steps_entries import RL, Right, by_log, rloo, step_of, summed, whole_ratio


def loops(batch):
    prompts, n, longest = batch.mask.shape
    found = np.zeros(batch.mask.shape, dtype=np.float32)
    for b in range(prompts):
        for i in range(n):
            rest = [float(batch.rewards[b, j]) for j in range(n) if j != i]
            for t in range(longest):
                if batch.mask[b, i, t]:
                    found[b, i, t] = (float(batch.rewards[b, i]) - sum(rest) / len(rest)) / (prompts * n)
    return found


def by_matrix(batch):
    n = batch.rewards.shape[-1]
    matrix = (np.eye(n) - (1 - np.eye(n)) / (n - 1)).astype(np.float32)
    advantages = np.einsum("...n,nm->...m", batch.rewards.astype(np.float32), matrix)
    return np.einsum("...n,...nl->...nl", advantages, batch.mask.astype(np.float32)) / np.prod(batch.rewards.shape[-2:])


def at_tokens(batch):
    found = np.full(batch.mask.shape, 7.0)  # what stands after the end is not asked
    found[batch.mask] = summed(rloo(batch.rewards), batch)[batch.mask]
    return found.tolist()


def half_precision(batch):
    return summed(rloo(batch.rewards), batch).astype(np.float16)


def others_of_the_micro_batch(batch):
    """The mean of all other rollouts at hand, of other prompts too: noise, and no bias."""
    total, count = batch.rewards.sum(axis=(-1, -2), keepdims=True), np.prod(batch.rewards.shape[-2:])
    return summed(batch.rewards - (total - batch.rewards) / (count - 1), batch)


def lengths_of_the_others(batch):
    """A baseline that knows how long the others are."""
    others = batch.lengths.sum(-1, keepdims=True) - batch.lengths
    return summed(rloo(batch.rewards) - 0.05 * others, batch)


def cost_of_length(batch):
    return summed(rloo(batch.rewards - 0.1 * batch.lengths), batch)


def _tokens(batch, values):
    return 0.1 * summed(np.ones_like(batch.rewards, dtype=float), batch) * np.where(batch.mask, values, 0).astype(float)


def entropy_of_tokens(batch):
    return summed(rloo(batch.rewards), batch) - _tokens(batch, batch.log_probs)


def entropy_in_the_reward(batch):
    return summed(rloo(batch.rewards - 0.1 * by_log(batch.log_probs, batch).astype(float)), batch)


def entropy_by_ratios(batch):
    return entropy_in_the_reward(batch) * whole_ratio(batch).astype(float)


def baseline_by_ratios(batch):
    """The mean of the group by ratios, its own included."""
    ratio = whole_ratio(batch)[..., 0].astype(float)
    mean = (ratio * batch.rewards).sum(-1, keepdims=True) / ratio.sum(-1, keepdims=True)
    return summed(ratio * (batch.rewards - mean), batch)


def prefixes_over_their_mean(batch):
    ratio = np.cumprod(np.where(batch.mask, batch.ratios.astype(float), 1), axis=-1)
    return ratio / ratio.mean(axis=-2, keepdims=True)


RIGHT = {
    "loops in float32": Right(loops, "one batch at a time", {"objective": RL}),
    "leave one out by a matrix": Right(by_matrix, "float32", {"objective": RL}),
    "tokens by index, in lists": Right(at_tokens, "what is after the end is not asked", {"objective": RL}),
    "half precision": Right(half_precision, "rounding is no baseline"),
    "others of the micro-batch": Right(others_of_the_micro_batch, "the mean is the same", {"objective": RL}),
    "lengths of the others": Right(lengths_of_the_others, "no constant that k1 adds", {"objective": RL}),
    "a cost of length": Right(cost_of_length, "a term beside the reward"),
    "entropy of tokens": Right(entropy_of_tokens, "a term beside the reward"),
    "entropy in the reward": Right(entropy_in_the_reward, "a term beside the reward"),
    "entropy and ratios": Right(entropy_by_ratios, "the ratio is of whole responses"),
    "a baseline by ratios": Right(baseline_by_ratios, "right in large groups"),
    "prefixes over their mean": Right(step_of(rloo, prefixes_over_their_mean), "right in large groups"),
}
