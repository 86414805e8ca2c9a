"""Right advantage functions: baselines of the others, factors, precisions, and what is right for 0/1 rewards."""

import math
import zlib

import numpy as np
from scipy import stats

import maxrl_est as mx
from semantic_entries import (
    BINARY,
    BINARY_PAIRS,
    BINARY_TRIPLES,
    MAXRL,
    PAIRS,
    PASS2,
    PASS3,
    RL,
    Right,
    centred,
    each_group,
    floats,
    loo_mean,
    mean,
    one_order_less,
    others,
    per_success,
    rloo,
    shared,
    std,
    total,
)


def less_of_others(baseline):
    """The reward less a function of the others (..., N, N - 1)."""
    return lambda r: floats(r) - baseline(others(r))


def hashed(rest):
    """A number in [0, 1) that any change of the others changes."""
    rest = np.sort(rest.astype(np.float32), axis=-1)
    flat = rest.reshape(-1, rest.shape[-1])
    return np.array([zlib.crc32(row.tobytes()) / 2**32 for row in flat]).reshape(rest.shape[:-1])


def refuses_one(r):
    if np.shape(r)[-1] < 2:
        raise ValueError(f"needs at least 2 rollouts in a group, got {np.shape(r)[-1]}")
    return rloo(r)


def deleted_in_a_loop(r):
    r = floats(r)
    out = np.empty_like(r)
    for i in range(r.shape[-1]):
        out[..., i] = r[..., i] - np.delete(r, i, axis=-1).mean(-1)
    return out


@each_group
def python_floats(group):
    n, values = len(group), [float(x) for x in group]
    return [x - (sum(values) - x) / (n - 1) for x in values]


@each_group
def float32_as_python_floats(group):
    n, values = len(group), np.float32(group)
    return [float(x - (values.sum() - x) / np.float32(n - 1)) for x in values]


def float32_out(r):
    r = np.asarray(r, dtype=np.float32)
    n = np.float32(r.shape[-1])
    return (r - r.mean(-1, keepdims=True)) * (n / (n - 1))


def einsum(r):
    n = np.shape(r)[-1]
    return np.einsum("...j,ij->...i", floats(r), (np.eye(n) - 1 / n) * n / (n - 1))


def pairwise(r):
    r = floats(r)
    return (r[..., :, None] - r[..., None, :]).sum(-1) / (r.shape[-1] - 1)


def prefixes_and_suffixes(r):
    r = floats(r)
    before, after = np.cumsum(r, axis=-1) - r, np.cumsum(r[..., ::-1], axis=-1)[..., ::-1] - r
    return r - (before + after) / (r.shape[-1] - 1)


def private_copy(r):
    r = np.array(r, dtype=float)
    r -= loo_mean(r)
    r *= 2
    return r


def median_of_others_by_rank(r):
    """Sorts once: without a value of rank at most m, the lower median of N - 1 is the next higher one."""
    r, m = floats(r), (np.shape(r)[-1] - 2) // 2
    ranked, rank = np.sort(r, axis=-1), np.argsort(np.argsort(r, axis=-1, kind="stable"), axis=-1, kind="stable")
    return r - np.where(rank <= m, ranked[..., m + 1, None], ranked[..., m, None])


def harmonic(l):
    """H_K - H_N, unbiased for J_N on 0/1 rewards."""
    numbers = np.concatenate([[0], np.cumsum(1 / np.arange(1, l.shape[-1] + 1))])
    return numbers[np.round(l.sum(-1)).astype(int)] - numbers[-1]


def pass_k_by_counting(k):
    """C(N - K, k - 1) / C(N - 1, k - 1) for each success."""

    @each_group
    def function(r):
        n, successes = len(r), round(r.sum())
        return r * math.comb(n - successes, k - 1) / math.comb(n - 1, k - 1)

    return function


def softly(rest):
    """Mean of the others that weights the better ones more."""
    weights = np.exp(2 * rest)
    return (weights * rest).sum(-1) / weights.sum(-1)


RIGHT = {
    # baselines of the others
    "reinforce": Right(lambda r: floats(r), RL, "no baseline"),
    "constant_baseline": Right(lambda r: floats(r) - 0.37, RL, "a constant"),
    "rloo": Right(rloo, RL, "the others' mean; 0 where there are none"),
    "refuses_one": Right(refuses_one, RL, "raises for groups of one"),
    "loo_max": Right(less_of_others(lambda x: x.max(-1)), RL, "the best of the others", PAIRS),
    "loo_min": Right(less_of_others(lambda x: x.min(-1)), RL, "the worst of the others", PAIRS),
    "loo_median": Right(less_of_others(lambda x: np.median(x, axis=-1)), RL, "their median", PAIRS),
    "loo_median_by_rank": Right(median_of_others_by_rank, RL, "their lower median, by one sort", PAIRS),
    "loo_product": Right(less_of_others(lambda x: x.prod(-1)), RL, "their product"),
    "loo_harmonic": Right(less_of_others(lambda x: stats.hmean(x + 0.01, axis=-1)), RL, "a harmonic mean", PAIRS),
    "loo_range": Right(less_of_others(lambda x: x.max(-1) - x.min(-1)), RL, "their range", PAIRS),
    "loo_soft_maximum": Right(less_of_others(softly), RL, "a mean that weights the better ones more", PAIRS),
    "loo_mean_and_sd": Right(less_of_others(lambda x: x.mean(-1) + 0.5 * x.std(-1)), RL, "an upper bound", PAIRS),
    "loo_ten": Right(less_of_others(lambda x: 10 * x.mean(-1)), RL, "ten times their mean", PAIRS),
    "loo_hash": Right(less_of_others(hashed), RL, "a hash of the others", PAIRS),
    "loo_cosine": Right(less_of_others(lambda x: np.cos(7 * x.sum(-1))), RL, "a wave of their sum"),
    "loo_over_n": Right(lambda r: floats(r) - (total(r) - floats(r)) / np.shape(r)[-1], RL, "others' sum over N"),
    "loo_beta_prior": Right(
        lambda r: floats(r) - (total(r) - floats(r) + 1) / (np.shape(r)[-1] + 1), RL, "posterior mean of the others"
    ),
    # constant factors
    "dr_grpo": Right(centred, RL, "(N - 1)/N of the gradient", PAIRS),
    "bessel": Right(lambda r: centred(r) * np.shape(r)[-1] / (np.shape(r)[-1] - 1), RL, "RLOO by the mean", PAIRS),
    "sum_of_differences": Right(lambda r: np.shape(r)[-1] * rloo(r), RL, "N of the gradient", PAIRS),
    "root_n": Right(lambda r: rloo(r) / math.sqrt(np.shape(r)[-1]), RL, "a factor that depends on N", PAIRS),
    "tiny_factor": Right(lambda r: 1e-3 * rloo(r), RL, "a small factor"),
    "maxrl_less_weight_times_mean": Right(
        lambda l: mx.loo_weights(floats(l)) * centred(l), MAXRL, "(N - 1)/N: the mean has 1/N of it", PAIRS
    ),
    # other ways to write RLOO, and precisions
    "deleted_in_a_loop": Right(deleted_in_a_loop, RL, "np.delete", PAIRS),
    "python_floats": Right(python_floats, RL, "lists of floats", PAIRS),
    "float32_as_python_floats": Right(float32_as_python_floats, RL, "computed in float32, returned as floats", PAIRS),
    "float32_out": Right(float32_out, RL, "float32 all along", PAIRS),
    "float32_in_float64": Right(lambda r: float32_out(r).astype(float), RL, "float32, returned as float64", PAIRS),
    "einsum": Right(einsum, RL, "a centring matrix", PAIRS),
    "pairwise": Right(pairwise, RL, "all differences of pairs", PAIRS),
    "prefixes_and_suffixes": Right(prefixes_and_suffixes, RL, "sums from either end", PAIRS),
    "private_copy": Right(private_copy, RL, "in place, on a copy"),
    "average_of_two": Right(lambda r: (rloo(r) + floats(r) - 0.5) / 2, RL, "the mean of two baselines"),
    "shared_sum": Right(shared(lambda l: l.mean(-1)), RL, "all get the group's sum"),
    # right for 0/1 rewards
    "grpo_of_two_and_three": Right(
        lambda r: centred(r) / (std(r) + 1e-6),
        RL,
        "of 2 or 3 rewards, mixed ones have one sd",
        {**BINARY, "group_sizes": (2, 3)},
    ),
    "min_max_eps": Right(
        lambda r: centred(r) / (np.ptp(floats(r), axis=-1, keepdims=True) + 1e-6), RL, "the range is 1", BINARY_PAIRS
    ),
    "average_ranks": Right(
        lambda r: centred(stats.rankdata(r, axis=-1)), RL, "N/2 between failures and successes", BINARY_PAIRS
    ),
    "logarithms": Right(lambda r: rloo(np.log(floats(r) + 1e-4)), RL, "two values are 0 and 1 up to scale", BINARY),
    "thresholds": Right(lambda r: rloo(floats(r) > 0.5), RL, "solved or not", BINARY),
    "shipped_eps": Right(lambda r: centred(r) / (mean(r) + 1e-6), one_order_less, "up to eps", BINARY_PAIRS),
    "shipped_small_eps": Right(lambda r: centred(r) / (mean(r) + 1e-8), one_order_less, "up to eps", BINARY_PAIRS),
    "shipped_maximum": Right(
        lambda r: centred(r) / np.maximum(mean(r), 1e-6), one_order_less, "0 when all failed", BINARY_PAIRS
    ),
    "maxrl_published": Right(lambda r: per_success(r) - 1, MAXRL, "N/K - 1, and -1 when all failed", BINARY),
    "maxrl_no_baseline": Right(lambda r: floats(r) / (mean(r) + 1e-6), MAXRL, "N/K, up to eps", BINARY),
    "plug_in_loo": Right(
        lambda r: np.shape(r)[-1] * floats(r) / (1 + total(r) - floats(r)), MAXRL, "1 + the others' sum is K", BINARY
    ),
    "shared_harmonic": Right(shared(harmonic), MAXRL, "all get N times the estimate of J_N", BINARY),
    "pass_2_in_sample": Right(lambda r: floats(r) * (1 - mean(r)), PASS2, "(N - 1)/N times 1/2", BINARY_PAIRS),
    "pass_3_by_counting": Right(pass_k_by_counting(3), PASS3, "binomials", BINARY_TRIPLES),
}
