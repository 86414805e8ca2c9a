"""Right training steps: no check fails any."""

from __future__ import annotations

import numpy as np

import maxrl_est as mx
from steps_entries import MAXRL, RL, Right, by_log, loo_maxrl, others, rloo, step_of, summed, whole_ratio
from steps_wrong_ratios import TREES


def constant_divisor(batch):
    """As long as the longest response may be."""
    return summed(rloo(batch.rewards), batch) / 1024


def unanimous_left_out(batch):
    """And the divisor stays: they had no part in it anyway."""
    mixed = batch.rewards.max(-1, keepdims=True) != batch.rewards.min(-1, keepdims=True)
    return summed(rloo(batch.rewards) * mixed, batch)


def adds_up(batch):
    """Divides by what it knows of the whole step."""
    r = batch.rewards
    return rloo(r)[..., None] * batch.mask / (batch.whole.rewards.shape[-2] * r.shape[-1])


adds_up.adds = True


def by_number(batch):
    """Rollouts of one number are a group, wherever they lie."""
    r, out = batch.rewards.ravel(), np.zeros(batch.rewards.size)
    for number in np.unique(batch.groups):
        rows = np.flatnonzero(batch.groups.ravel() == number)
        out[rows] = rloo(r[rows].astype(float))
    return summed(out.reshape(batch.rewards.shape), batch)


def maxrl_off_policy(batch):
    """Ratios of whole responses in the weights, and in front."""
    ratios = whole_ratio(batch)[..., 0].astype(float)
    return summed(mx.advantages(batch.rewards.astype(float), 2, ratios=ratios), batch)


def penalised(batch):
    """k1 in the reward, before the baseline."""
    return summed(rloo(batch.rewards - 0.1 * by_log(batch.log_reference_ratios, batch)), batch)


def whole_k2(batch):
    """k2 of the whole response: its log-ratio weighs each of its tokens."""
    return summed(rloo(batch.rewards) - 0.1 * by_log(batch.log_reference_ratios, batch), batch)


def to_go(batch):
    """What is left to pay of the divergence, from each token on."""
    logs = np.where(batch.mask, batch.log_reference_ratios, 0).astype(float)
    left = np.cumsum(logs[..., ::-1], axis=-1)[..., ::-1]
    return summed(rloo(batch.rewards), batch) - 0.1 * left * summed(np.ones_like(batch.rewards, dtype=float), batch)


def one_branch_out(batch):
    r = batch.rewards.astype(float)
    other = batch.branches[..., :, None] != batch.branches[..., None, :]
    return summed(r - (other * r[..., None, :]).sum(-1) / other.sum(-1), batch)


RIGHT = {
    "RLOO": Right(step_of(rloo), "the reward less the mean of the others", {"objective": RL}),
    "RLOO, nothing declared": Right(step_of(rloo), "the same"),
    "REINFORCE": Right(step_of(lambda r: r), "no baseline"),
    "the mean of the group": Right(
        step_of(lambda r: r - others(r) * 0 - r.sum(-1, keepdims=True) / r.shape[-1]), "2/3 of it"
    ),
    "a constant baseline": Right(step_of(lambda r: r - 0.5), "which knows nothing of the rollout"),
    "a constant divisor": Right(constant_divisor, "which no length moves", {"objective": RL}),
    "a learning rate": Right(lambda batch: 7 * summed(rloo(batch.rewards), batch), "a constant factor"),
    "the best of the others": Right(
        step_of(lambda r: r - np.stack([np.delete(r, i, -1).max(-1) for i in range(r.shape[-1])], -1)),
        "a baseline of the others, whichever",
    ),
    "ratios of whole responses": Right(step_of(rloo, whole_ratio), "of the policy that is updated", {"objective": RL}),
    "k1 in the reward": Right(penalised, "the divergence of whole responses"),
    "k2 of whole responses": Right(whole_k2, "has the same mean"),
    "the divergence to go": Right(to_go, "what is past is a baseline"),
    "one branch left out": Right(one_branch_out, "a baseline that knows nothing of the first token", TREES),
    "unanimous groups left out": Right(unanimous_left_out, "the divisor stays", {"objective": RL}),
    "MaxRL of order 2": Right(step_of(loo_maxrl), "weights of the others", {"objective": MAXRL(2)}),
    "MaxRL of order 2, off policy": Right(maxrl_off_policy, "ratios in the weights too", {"objective": MAXRL(2)}),
    "micro-batches that add up": Right(adds_up, "each divides by the whole", {"objective": RL}),
    "groups by number": Right(by_number, "wherever they lie", {"objective": RL}),
}
