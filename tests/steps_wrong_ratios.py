"""Wrong training steps: of lengths, tokens, ratios, references and trees."""

from __future__ import annotations

import numpy as np

from steps_entries import MAXRL, RL, Wrong, by_log, grpo, loo_maxrl, rloo, shipped, step_of, summed, whole_ratio

TREES = {"n": 4, "siblings": 2}


def own_length(batch):
    return 1 / batch.lengths[..., None]


def longest(batch):
    return 1 / batch.lengths.max(axis=(-1, -2))[..., None, None, None]


def tokens_of_the_prompt(batch):
    return batch.rewards.shape[-1] / batch.lengths.sum(-1)[..., None, None]


def last_token(batch):
    return np.arange(batch.mask.shape[-1]) == batch.lengths[..., None] - 1


def all_but_the_first(batch):
    """A mask that is shifted by one."""
    return np.arange(batch.mask.shape[-1]) > 0


def discounted(batch):
    return 0.9 ** np.arange(batch.mask.shape[-1])


def median(r):
    return r - np.median(r.astype(float), axis=-1, keepdims=True)


def best(r):
    return r - r.max(-1, keepdims=True)


def best_and_worst(r):
    r = r.astype(float)
    return r - (r.max(-1, keepdims=True) + r.min(-1, keepdims=True)) / 2


def half(r):
    return r - 0.5


def bound_without_ratio(batch):
    ratio = batch.ratios.astype(float)
    return summed(rloo(batch.rewards), batch) * ((ratio > 0.8) & (ratio < 1.2))


def upside_down(batch):
    return 1 / batch.ratios


def masked_at_one(batch):
    """Failures are learnt from where their ratio is above 1."""
    ratio, advantages = batch.ratios.astype(float), rloo(batch.rewards)
    return summed(advantages, batch) * ratio * ((ratio > 1) | (advantages[..., None] > 0))


def truncated(batch):
    return np.minimum(whole_ratio(batch).astype(float), 2)


def clipped_the_wrong_way(batch):
    """High ratios of failures and low ones of successes are left out."""
    ratio, good = batch.ratios.astype(float), rloo(batch.rewards)[..., None] > 0
    return summed(rloo(batch.rewards), batch) * ratio * np.where(good, ratio > 0.8, ratio < 1.2)


def others_ratios(batch):
    """Each rollout is weighed by the ratios of the others."""
    ratio = whole_ratio(batch)
    return ratio.prod(axis=-2, keepdims=True) / ratio


def baseline_without_ratio(batch):
    """Rewards times ratios, less the mean of those of the others."""
    return summed(rloo(batch.rewards * whole_ratio(batch)[..., 0]), batch)


def squared(batch):
    return whole_ratio(batch) ** 2


def in_the_loss(slope, advantage=rloo):
    """A term of each token, a function of its log(pi/pi_ref)."""

    def step(batch):
        logs = batch.log_reference_ratios.astype(float)
        return summed(advantage(batch.rewards).astype(float), batch) - 0.1 * summed(
            np.ones_like(batch.rewards, dtype=float), batch
        ) * slope(logs)

    return step


def in_the_reward(value):
    """Rewards less a function of log(pi/pi_ref) of the whole response."""
    return lambda batch: summed(rloo(batch.rewards - 0.1 * value(by_log(batch.log_reference_ratios, batch))), batch)


def one_leaf_out(batch):
    return summed(rloo(batch.rewards), batch)


def own_group_twice(batch):
    """Leaves of the same branch alone are the baseline of each other."""
    r = batch.rewards.astype(float)
    same = batch.branches[..., :, None] == batch.branches[..., None, :]
    mean = (same * r[..., None, :]).sum(-1) / same.sum(-1)
    return summed(r - mean, batch)


WRONG = {
    "the sign flipped": Wrong(step_of(lambda r: -rloo(r)), "on policy", ("descends",)),
    "the last token only": Wrong(step_of(rloo, last_token), "on policy", ("token",)),
    "a mask off by one": Wrong(step_of(rloo, all_but_the_first), "on policy", ("first token",)),
    "discounting by place": Wrong(step_of(rloo, discounted), "on policy", ("token",)),
    "GRPO for the expected reward": Wrong(step_of(grpo), "on policy", ("J_1",), {"objective": RL, "n": 4}),
    "shipped MaxRL of the order above": Wrong(step_of(shipped), "on policy", ("J_3",), {"objective": MAXRL(3)}),
    "a median with the rollout in it": Wrong(step_of(median), "own reward in the baseline", ("own reward",)),
    "the best reward of all": Wrong(step_of(best), "own reward in the baseline", ("own reward",)),
    "halfway from the worst to the best": Wrong(step_of(best_and_worst), "own reward in the baseline", ("own",)),
    "1/L": Wrong(step_of(rloo, own_length), "lengths", ("its own length",)),
    "1/L without a baseline": Wrong(step_of(lambda r: r, own_length), "lengths", ("its own length",)),
    "the longest response": Wrong(step_of(rloo, longest), "lengths", ("longest",)),
    "token mean of each prompt": Wrong(step_of(rloo, tokens_of_the_prompt), "lengths", ("of each prompt",)),
    "1/L turns": Wrong(step_of(rloo, own_length), "turning", ("length",)),
    "a ratio that bounds and does not weigh": Wrong(bound_without_ratio, "ratio", ("does not weigh",)),
    "the ratio upside down": Wrong(step_of(rloo, upside_down), "ratio", ("upside down",)),
    "the square of the ratio": Wrong(step_of(rloo, squared), "ratio", ("power",)),
    "a mask that bites at ratio 1": Wrong(masked_at_one, "ratio", ("at ratio 1",)),
    "ratios of the others": Wrong(step_of(rloo, others_ratios), "ratio", ("does not weigh",)),
    "a ratio of the reward and none of the baseline": Wrong(baseline_without_ratio, "stale ratio", ("ignored",)),
    "ratios of tokens": Wrong(step_of(rloo, lambda b: b.ratios), "stale ratio", ("prefix",), status="warned"),
    "ratios in front of MaxRL's weights alone": Wrong(
        step_of(loo_maxrl, whole_ratio), "stale ratio", ("stale pass rates",), {"objective": MAXRL(2)}, status="warned"
    ),
    "truncation with a constant baseline": Wrong(step_of(half, truncated), "truncated ratio", ("drift",)),
    "clipping the wrong way": Wrong(clipped_the_wrong_way, "truncated ratio", ("drift",)),
    "k1 in the loss": Wrong(in_the_loss(np.ones_like), "KL term", ("k1", "no gradient")),
    "k2 in the loss": Wrong(in_the_loss(lambda d: d), "KL term", ("k2", "prefix"), status="warned"),
    "k3 in the loss": Wrong(in_the_loss(lambda d: 1 - np.exp(-d)), "KL term", ("k3", "forward")),
    "the sign of the KL term": Wrong(in_the_reward(lambda d: -d), "KL term", ("away",)),
    "the sign of k2": Wrong(in_the_loss(lambda d: -d), "KL term", ("away",)),
    "the forward divergence in the reward": Wrong(
        in_the_reward(lambda d: -np.exp(-d) + 0 * d), "KL term", ("forward",)
    ),
    "one leaf left out of a tree": Wrong(one_leaf_out, "tree siblings", ("leaf",), TREES),
    "siblings as the baseline": Wrong(own_group_twice, "tree siblings", ("first token",), TREES),
}
