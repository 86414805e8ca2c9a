"""Wrong advantage functions that depend on other groups, places, earlier calls or chance, or spoil their arrays."""

import functools

import numpy as np

import maxrl_est as mx
from semantic_entries import (
    BINARY,
    BINARY_PAIRS,
    MAXRL,
    PAIRS,
    RL,
    Wrong,
    centred,
    floats,
    loo_mean,
    mean,
    per_success,
    rloo,
    std,
    total,
    ustat,
)


def batch_standardised(r):
    return (floats(r) - floats(r).mean()) / (floats(r).std() + 1e-6)


def whitened_twice(r):
    return batch_standardised(centred(r) / (std(r) + 1e-6))


def batch_pass_rate(r):
    return floats(r) / max(floats(r).mean(), 1e-8)


def batch_maximum(r):
    return rloo(r) / max(floats(r).max(), 1e-8)


def solved_groups_leave_the_batch(r):
    r = floats(r)
    kept = std(r) > 0
    return np.where(kept, rloo(r), 0) * r[..., :1].size / max(kept.sum(), 1)


def sorted_first(r):
    return rloo(np.sort(floats(r), axis=-1)[..., ::-1])


def shuffled(r):
    return np.random.default_rng(0).permuted(rloo(r), axis=-1)


NOISE = np.random.default_rng(1)


def noisy_labels(r):
    flipped = NOISE.random(np.shape(r)) < 0.1
    return ustat(np.where(flipped, 1 - floats(r), floats(r)))


def failures_sampled_down(r):
    kept = (NOISE.random(np.shape(r)) < 0.5) | (floats(r) > 0)
    count = kept.sum(-1, keepdims=True)
    return kept * (floats(r) - (kept * floats(r)).sum(-1, keepdims=True) / np.maximum(count, 1))


RUNNING = {"mean": 0.5, "square": 0.5, "calls": 0}


def running_ratio(r):
    RUNNING["mean"] = 0.5 * RUNNING["mean"] + 0.5 * floats(r).mean()
    return (floats(r) - RUNNING["mean"]) / (RUNNING["mean"] + 1e-3)


def running_scale(r):
    RUNNING["square"] = 0.5 * RUNNING["square"] + 0.5 * (rloo(r) ** 2).mean()
    return rloo(r) / np.sqrt(RUNNING["square"] + 1e-6)


def annealed_to_maxrl(r):
    RUNNING["calls"] += 1
    share = RUNNING["calls"] % 5 / 4  # again and again
    return (1 - share) * rloo(r) + share * ustat(r)


def clip_tightens(r):
    RUNNING["calls"] += 1
    return np.clip(rloo(r), -1 / (1 + 0.1 * RUNNING["calls"]), 1 / (1 + 0.1 * RUNNING["calls"]))


BY_SHAPE: dict = {}
BY_FIRST: dict = {}
BY_SUM: dict = {}


def cached_by_shape(r):
    return BY_SHAPE.setdefault(np.shape(r), rloo(r))


def cached_by_first(r):
    return BY_FIRST.setdefault((np.shape(r), float(floats(r).flat[0])), rloo(r))


def cached_by_sum(r):
    return BY_SUM.setdefault((np.shape(r), round(float(floats(r).sum()), 6)), rloo(r))


@functools.cache
def _scale(n, successes):
    return n / max(successes, 1)


def scale_by_rounded_sum(l):
    """N / sum(l) from a table by the number of successes, which for graded likelihoods is a whole number no more."""
    flat = floats(l).reshape(-1, np.shape(l)[-1])
    return np.array([[_scale(len(g), round(g.sum())) * x for x in g] for g in flat]).reshape(np.shape(l))


def neighbouring_group(r):
    """The advantage of the group before it in the batch."""
    return np.roll(rloo(r), 1, axis=0) if np.ndim(r) > 1 else rloo(r)


def centres_its_input(r):
    r -= r.mean(-1, keepdims=True)
    return r.copy()


def out_is_input(r):
    return np.subtract(r, floats(r).mean(-1, keepdims=True), out=r)


def clamps_its_input(l):
    np.maximum(l, 1e-6, out=l)
    return rloo(l)


def sorts_its_input(r):
    found = rloo(r)
    r.sort(axis=-1)
    return found


def undefined_if_failed(r):
    with np.errstate(all="ignore"):
        return floats(r) / mean(r) - 1


def infinite_if_failed(r):
    return np.where(mean(r) == 0, -np.inf, per_success(r) - 1)


def undefined_if_unanimous(r):
    with np.errstate(all="ignore"):
        return rloo(r) * (std(r) / std(r))


def first_is_reference(r):
    """Advantage over the first rollout, which is taken for the greedy one."""
    return floats(r) - floats(r)[..., :1]


def best_so_far(r):
    """Improvement over the best of the rollouts up to this one."""
    return floats(r) - np.maximum.accumulate(floats(r), axis=-1)


def position_discount(r):
    return rloo(r) * 0.9 ** np.arange(np.shape(r)[-1]) * (1 + loo_mean(r))


WRONG = {
    # the batch
    "batch_standardised": Wrong(batch_standardised, RL, "sd of the batch contains the rollout and other prompts"),
    "batch_centred_group_scaled": Wrong(
        lambda r: (floats(r) - floats(r).mean()) / (std(r) + 1e-2), RL, "sd of the group contains the rollout", BINARY
    ),
    "group_centred_batch_scaled": Wrong(
        lambda r: centred(r) / (centred(r).std() + 1e-6), RL, "REINFORCE++: sd of the batch contains the rollout", PAIRS
    ),
    "whitened_twice": Wrong(whitened_twice, RL, "by the group, then by the batch", PAIRS),
    "batch_pass_rate": Wrong(batch_pass_rate, MAXRL, "divides by the batch's pass rate", BINARY),
    "batch_maximum": Wrong(batch_maximum, RL, "graded: the batch's best reward is the unit"),
    "solved_groups_leave_the_batch": Wrong(
        solved_groups_leave_the_batch, RL, "the batch's mean is over mixed groups", PAIRS
    ),
    "length_for_n": Wrong(lambda r: floats(r) - total(r) / len(r), RL, "len of (B, N) is B", PAIRS),
    "neighbouring_group": Wrong(neighbouring_group, RL, "advantages go to the next prompt"),
    # the order of rollouts
    "rolled": Wrong(lambda r: np.roll(rloo(r), 1, axis=-1), RL, "its neighbour's advantage", BINARY_PAIRS),
    "reversed": Wrong(lambda r: rloo(r)[..., ::-1], RL, "advantages in reverse", BINARY_PAIRS),
    "sorted_first": Wrong(sorted_first, RL, "advantages of the sorted rewards", BINARY_PAIRS),
    "shuffled": Wrong(shuffled, RL, "advantages of others", BINARY_PAIRS),
    "first_is_reference": Wrong(
        first_is_reference,
        RL,
        "the first has advantage 0, and the scale is lost on it",
        {**BINARY, **PAIRS, "scale": 1},
    ),
    "best_so_far": Wrong(best_so_far, RL, "the maximum contains the rollout", BINARY_PAIRS),
    "position_discount": Wrong(position_discount, RL, "1 + the others' mean is a weight", BINARY_PAIRS),
    # state and chance
    "noisy_labels": Wrong(noisy_labels, MAXRL, "flips a tenth of the labels at random", BINARY_PAIRS),
    "failures_sampled_down": Wrong(failures_sampled_down, RL, "drops half of the failures at random", BINARY_PAIRS),
    "running_ratio": Wrong(running_ratio, RL, "divides by a running mean that has the batch in it", BINARY),
    "running_scale": Wrong(running_scale, RL, "divides by a running sd that has the batch in it", BINARY),
    "annealed_to_maxrl": Wrong(annealed_to_maxrl, RL, "another objective after a few calls", BINARY_PAIRS),
    "clip_tightens": Wrong(clip_tightens, RL, "clipped, more at every call", BINARY_PAIRS),
    "cached_by_shape": Wrong(cached_by_shape, RL, "answers with what the first batch of the shape had"),
    "cached_by_first": Wrong(cached_by_first, RL, "answers with what another batch had"),
    "cached_by_sum": Wrong(cached_by_sum, RL, "answers in the order of another batch"),
    "scale_by_rounded_sum": Wrong(scale_by_rounded_sum, MAXRL, "right for 0/1; graded sums are rounded"),
    # the arrays themselves, and numbers that are none
    "centres_its_input": Wrong(centres_its_input, RL, "writes to the rewards", BINARY_PAIRS),
    "out_is_input": Wrong(out_is_input, RL, "returns the rewards' own array, overwritten", BINARY_PAIRS),
    "clamps_its_input": Wrong(clamps_its_input, RL, "writes to the likelihoods, and clamps them"),
    "sorts_its_input": Wrong(sorts_its_input, RL, "leaves the rewards sorted", BINARY),
    "undefined_if_failed": Wrong(undefined_if_failed, lambda n: MAXRL(n - 1), "0/0 when all failed", BINARY_PAIRS),
    "infinite_if_failed": Wrong(infinite_if_failed, MAXRL, "-inf when all failed", BINARY_PAIRS),
    "undefined_if_unanimous": Wrong(undefined_if_unanimous, RL, "0/0 for groups of one value", BINARY_PAIRS),
    "undeclared_noise": Wrong(noisy_labels, None, "two calls give two answers"),
    "undeclared_write": Wrong(sorts_its_input, None, "leaves the rewards sorted"),
    "undeclared_batch": Wrong(batch_standardised, None, "depends on the other groups"),
    "undeclared_order": Wrong(
        lambda r: mx.advantages(np.sort(floats(r), axis=-1)), None, "in the order of sorted rewards"
    ),
}
