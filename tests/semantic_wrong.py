"""Wrong advantage functions that centre, scale, rank, clip or drop, for all group sizes or for some."""

import math

import numpy as np
from scipy import stats

from semantic_entries import (
    BINARY,
    BINARY_PAIRS,
    MAXRL,
    PAIRS,
    RL,
    Wrong,
    centred,
    each_group,
    failure_averages,
    floats,
    mean,
    others,
    per_success,
    rloo,
    std,
    total,
    ustat,
)


def grpo(r, eps=1e-6):
    return centred(r) / (std(r) + eps)


def grpo_ddof_one(r):
    n = np.shape(r)[-1]
    return centred(r) / (std(r) * math.sqrt(n / max(n - 1, 1)) + 1e-4)


def grpo_loo_std(r):
    return rloo(r) / (others(r).std(-1) + 1e-2) if np.shape(r)[-1] > 1 else floats(r)


def min_max(r):
    r = floats(r)
    low, high = r.min(-1, keepdims=True), r.max(-1, keepdims=True)
    return centred((r - low) / np.where(high > low, high - low, 1))


def ordinal_ranks(r):
    return centred(np.argsort(np.argsort(r, axis=-1), axis=-1))


def softmax_rewards(r):
    weights = np.exp(floats(r))
    return weights / mean(weights) - 1


def first_winner(r):
    r = floats(r)
    return (np.arange(r.shape[-1]) == r.argmax(-1)[..., None]) - 1 / r.shape[-1]


def equal_to_best(r):
    r = floats(r)
    return centred(r == r.max(-1, keepdims=True))


def best_and_worst(r):
    r = floats(r)
    return centred(r) * ((r == r.max(-1, keepdims=True)) | (r == r.min(-1, keepdims=True)))


def unanimous_dropped(r):
    return np.where(std(r) == 0, 0, per_success(r) - 1)


def single_success_is_luck(r):
    return np.where(total(r) == 1, 0, rloo(r))


def one_failure_is_noise(r):
    return np.where(total(r) == np.shape(r)[-1] - 1, 0, rloo(r))


@each_group
def mean_of_distinct(group):
    return group - np.unique(group).mean()


@each_group
def ranks_without_ties(group):
    return rloo(np.argsort(np.argsort(group)) / len(group) if len(np.unique(group)) == len(group) else group)


def trimmed_mean(r):
    return rloo(r) if np.shape(r)[-1] < 16 else floats(r) - stats.trim_mean(floats(r), 1 / 16, axis=-1)[..., None]


def winner_of_two(r):
    return rloo(np.sign(rloo(r)) if np.shape(r)[-1] == 2 else r)


def middle_of_three_dropped(r):
    return best_and_worst(r) if np.shape(r)[-1] == 3 else rloo(r)


def median_if_even(r):
    return rloo(r) if np.shape(r)[-1] % 2 else floats(r) - np.median(floats(r), axis=-1, keepdims=True)


@each_group
def worst_dropped_if_odd(group):
    if len(group) % 2 == 0 or len(group) == 1:
        return rloo(group)
    worst = group.argmin()
    return np.insert(rloo(np.delete(group, worst)), worst, 0.0)


def in_chunks(size):
    def function(l):
        n = np.shape(l)[-1]
        return np.concatenate([ustat(floats(l)[..., i : i + size]) for i in range(0, n, size)], axis=-1)

    return function


def small_group_limit(l):
    return ustat(l) if np.shape(l)[-1] < 16 else floats(l) / np.maximum(mean(l), 1e-8)


def divided_out(l):
    """Removes each factor from the product of all by synthetic division."""
    q, n = 1 - floats(l), np.shape(l)[-1]
    e = failure_averages(q, lambda k: 1)
    without, weight = np.ones_like(q), np.ones_like(q)
    for k in range(1, n):
        without = e[..., k, None] - q * without
        weight = weight + without / math.comb(n - 1, k)
    return floats(l) * weight


def alone_is_normalised(l):
    return floats(l) / (floats(l) + 1e-6) if np.shape(l)[-1] == 1 else ustat(l)


def winsorised(r):
    low, high = np.quantile(floats(r), [0.1, 0.9], axis=-1, keepdims=True)
    return centred(np.clip(floats(r), low, high))


def signed_square(r):
    return np.sign(centred(r)) * centred(r) ** 2


def halved_below_zero(r):
    return np.where(centred(r) < 0, 0.5, 1) * centred(r)


def zero_if_failed(r):
    return np.where(total(r) == 0, 0, floats(r) - 0.5)


def zero_if_solved(r):
    return np.where(mean(r) == 1, 0, floats(r))


WRONG = {
    # scaled by something that contains the rollout itself
    "grpo": Wrong(grpo, RL, "the standard deviation depends on K", BINARY_PAIRS),
    "grpo_ddof_one": Wrong(grpo_ddof_one, RL, "the standard deviation depends on K", BINARY_PAIRS),
    "grpo_eps_one": Wrong(lambda r: grpo(r, 1.0), RL, "sd + 1 depends on K", BINARY_PAIRS),
    "grpo_eps_hundredth": Wrong(lambda r: grpo(r, 1e-2), RL, "sd + 0.01 depends on K", BINARY_PAIRS),
    "grpo_loo_std": Wrong(grpo_loo_std, RL, "weights prompts by the mean of 1/sd of the others", BINARY),
    "grpo_as_maxrl": Wrong(grpo, MAXRL, "1/sd is not 1/mean", BINARY_PAIRS),
    "mean_deviation": Wrong(lambda r: centred(r) / (mean(abs(centred(r))) + 1e-6), RL, "depends on K", BINARY_PAIRS),
    "variance_scaled": Wrong(lambda r: centred(r) / (std(r) ** 2 + 1e-6), RL, "1/var depends on K", BINARY_PAIRS),
    "min_max": Wrong(min_max, RL, "right for 0/1; graded groups are stretched to [0, 1]", PAIRS),
    "softmax_rewards": Wrong(softmax_rewards, RL, "the sum of exponentials depends on K", BINARY_PAIRS),
    "squared_norm": Wrong(
        lambda r: centred(r) / (np.sqrt(total(centred(r) ** 2)) + 1e-6), RL, "the norm depends on K", BINARY_PAIRS
    ),
    "divided_by_best": Wrong(
        lambda r: centred(r) / (floats(r).max(-1, keepdims=True) + 1e-6),
        RL,
        "right for 0/1; the best is a group's own",
        PAIRS,
    ),
    "root_of_mean": Wrong(lambda r: centred(r) / np.sqrt(mean(r) + 1e-6), MAXRL, "half a logarithm", BINARY_PAIRS),
    # ranks and winners
    "ordinal_ranks": Wrong(ordinal_ranks, RL, "ties are ranked by their place, levels are lost", PAIRS),
    "average_ranks": Wrong(
        lambda r: centred(stats.rankdata(r, axis=-1)), RL, "right for 0/1; graded levels become equidistant", PAIRS
    ),
    "dense_ranks": Wrong(
        lambda r: centred(stats.rankdata(r, "dense", axis=-1)),
        RL,
        "right for 0/1 if both occur; levels are lost",
        PAIRS,
    ),
    "first_winner": Wrong(first_winner, RL, "one of the tied winners gets all", BINARY_PAIRS),
    "equal_to_best": Wrong(equal_to_best, RL, "right for 0/1; all but the best count alike", PAIRS),
    "best_and_worst": Wrong(best_and_worst, RL, "right for 0/1; what lies between gets nothing", PAIRS),
    "sign_only": Wrong(lambda r: np.sign(centred(r)), RL, "sizes are lost, and K with them", BINARY_PAIRS),
    "sign_of_rloo": Wrong(lambda r: np.sign(rloo(r)), RL, "sizes are lost", BINARY),
    "mean_of_distinct": Wrong(
        mean_of_distinct, RL, "the baseline forgets how often, and contains the rollout", BINARY_PAIRS
    ),
    "ranks_without_ties": Wrong(ranks_without_ties, RL, "groups without ties get ranks", PAIRS),
    "median_in_sample": Wrong(
        lambda r: floats(r) - np.median(floats(r), axis=-1, keepdims=True), RL, "the median contains it", BINARY_PAIRS
    ),
    "best_in_sample": Wrong(
        lambda r: floats(r) - floats(r).max(-1, keepdims=True), RL, "the maximum contains the rollout", BINARY_PAIRS
    ),
    # advantages reshaped
    "clipped_at_one": Wrong(lambda r: np.clip(grpo(r), -1, 1), RL, "clipped", BINARY_PAIRS),
    "maxrl_clipped_at_five": Wrong(
        lambda r: np.clip(per_success(r) - 1, -5, 5), MAXRL, "N/K - 1 > 5 from N = 7 on is cut", BINARY
    ),
    "tanh": Wrong(lambda r: np.tanh(per_success(r) - 1), MAXRL, "squashed", BINARY),
    "winsorised": Wrong(winsorised, RL, "quantiles of the group contain the rollout", BINARY_PAIRS),
    "signed_square": Wrong(signed_square, RL, "squares weight rare outcomes", BINARY_PAIRS),
    "halved_below_zero": Wrong(halved_below_zero, RL, "leaky: failures count half", BINARY_PAIRS),
    "positive_only": Wrong(
        lambda r: np.maximum(centred(r), 0), RL, "failures are dropped after centring", BINARY_PAIRS
    ),
    "positive_rloo": Wrong(lambda r: np.maximum(rloo(r), 0), RL, "failures are dropped after centring", BINARY),
    "negative_only": Wrong(lambda r: np.minimum(rloo(r), 0), RL, "successes are dropped after centring", BINARY_PAIRS),
    "absolute": Wrong(lambda r: abs(rloo(r)), RL, "failures are reinforced", BINARY),
    "flipped": Wrong(lambda r: -rloo(r), RL, "descends", BINARY),
    "cost_for_reward": Wrong(lambda l: rloo(1 - floats(l)), RL, "descends"),
    "sum_for_mean": Wrong(
        lambda r: floats(r) - total(r), RL, "1/N missing in one term: the gradient is 0", BINARY_PAIRS
    ),
    "times_n": Wrong(lambda r: np.shape(r)[-1] * rloo(r), RL, "N of the gradient", {**BINARY, "scale": 1}),
    "scaled_down": Wrong(centred, RL, "Dr. GRPO is (N - 1)/N of the gradient", {**BINARY_PAIRS, "scale": 1}),
    "exponential": Wrong(lambda l: rloo(np.exp(3 * floats(l))), RL, "right for 0/1; ascends E exp(3 l)"),
    # groups weighted or dropped
    "harder_weighs_more": Wrong(
        lambda r: (1 - mean(r)) * centred(r), RL, "the weight contains the rollout", BINARY_PAIRS
    ),
    "times_std": Wrong(lambda r: std(r) * centred(r), RL, "the weight depends on K", BINARY_PAIRS),
    "times_mean": Wrong(lambda r: floats(r) * mean(r), MAXRL, "K/N where N/K is meant", BINARY),
    "unanimous_dropped": Wrong(
        unanimous_dropped, MAXRL, "without all-failed groups it is of order N - 1", BINARY_PAIRS
    ),
    "zero_if_failed": Wrong(zero_if_failed, RL, "the baseline is dropped when all failed", BINARY),
    "zero_if_solved": Wrong(zero_if_solved, RL, "without a baseline solved groups matter", BINARY_PAIRS),
    "single_success_is_luck": Wrong(single_success_is_luck, RL, "drops K = 1", BINARY_PAIRS),
    "one_failure_is_noise": Wrong(one_failure_is_noise, RL, "drops K = N - 1", BINARY),
    # one group size, or large ones
    "winner_of_two": Wrong(winner_of_two, RL, "N = 2, graded: only the winner counts"),
    "middle_of_three_dropped": Wrong(middle_of_three_dropped, RL, "N = 3, graded: the middle gets nothing"),
    "median_if_even": Wrong(median_if_even, RL, "even N: the median contains the rollout", BINARY),
    "worst_dropped_if_odd": Wrong(worst_dropped_if_odd, RL, "odd N: the worst is dropped", BINARY),
    "alone_is_normalised": Wrong(alone_is_normalised, MAXRL, "N = 1, graded: advantage 1 whatever the likelihood"),
    "trimmed_mean": Wrong(trimmed_mean, RL, "from N = 16 on the extremes do not count in the mean", BINARY),
    "chunks_of_8": Wrong(in_chunks(8), MAXRL, "order 8 from N = 9 on", BINARY),
    "chunks_of_16": Wrong(in_chunks(16), MAXRL, "order 16 from N = 17 on", BINARY),
    "chunks_of_32": Wrong(in_chunks(32), MAXRL, "order 32 from N = 33 on", BINARY),
    "small_group_limit": Wrong(small_group_limit, MAXRL, "self-normalised from N = 16 on: biased for graded"),
    "order_at_most_4": Wrong(lambda l: ustat(l, min(np.shape(l)[-1], 4)), MAXRL, "order 4 from N = 5 on", BINARY),
    "divided_out": Wrong(divided_out, MAXRL, "graded: cancellation makes nonsense of it at N = 64"),
}
