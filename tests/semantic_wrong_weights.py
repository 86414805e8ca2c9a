"""Wrong estimates of MaxRL, pass@k and max@k, and likelihoods that are rounded, clamped or bent on their way in."""

import itertools
import math

import numpy as np
from scipy import stats

import maxrl_est as mx
from maxrl_est.objectives.targets import OverLevels
from semantic_entries import (
    BEST2,
    BINARY,
    BINARY_PAIRS,
    BINARY_SMALL,
    BINARY_TRIPLES,
    MAXRL,
    PAIRS,
    PASS2,
    PASS3,
    RL,
    Wrong,
    centred,
    each_group,
    failure_averages,
    floats,
    loo_mean,
    mean,
    others,
    per_success,
    rloo,
    total,
    ustat,
)


def group_log_pass_rate(r):
    return np.broadcast_to(np.log(mean(r) + 1e-2), np.shape(r))


def wrong_binomials(l):
    n = np.shape(l)[-1]
    return floats(l) * failure_averages(1 - others(l), lambda k: math.comb(n, k)).sum(-1)


def not_left_out(l):
    n = np.shape(l)[-1]
    return floats(l) * failure_averages(1 - floats(l), lambda k: math.comb(n, k))[..., :n].sum(-1, keepdims=True)


def product_divided(l):
    """The product of the others' failures as that of all over one's own."""
    q = 1 - floats(l)
    return np.shape(l)[-1] * floats(l) * q.prod(-1, keepdims=True) / np.maximum(q, 1e-300)


@each_group
def subsets_off_by_one(l):
    n = len(l)
    if n > 10:
        raise ValueError(f"2^{n} subsets are too many")
    weights = [
        sum(
            np.mean([np.prod(1 - rest[list(s)]) for s in itertools.combinations(range(n - 1), min(k + 1, n - 1))])
            for k in range(n)
        )
        for rest in others(l)
    ]
    return l * weights


def last_left_out(l):
    weights = np.ones(np.shape(l))
    weights[..., :-1] = mx.loo_weights(floats(l))[..., :-1]
    return weights * floats(l)


def first_left_out(l):
    weights = mx.loo_weights(floats(l)).copy()
    weights[..., 0] = 1
    return weights * floats(l)


def weights_of_mean_one(l):
    weights = mx.loo_weights(floats(l))
    return weights / mean(weights) * floats(l)


def plug_in_powers(l):
    return floats(l) * sum((1 - mean(l)) ** k for k in range(np.shape(l)[-1]))


def plug_in_loo_powers(l):
    return floats(l) * sum((1 - loo_mean(l)) ** k for k in range(np.shape(l)[-1]))


def pass_2_plug_in(r):
    return 2 * (1 - mean(r)) * centred(r)


def pass_2_centred(l):
    return centred(floats(l) * (1 - loo_mean(l)))


def pass_2_standardised(r):
    """Advantages of k-subsets that contain a success or not, standardised, as in Pass@k training."""
    r, n = floats(r), np.shape(r)[-1]
    failures = n - total(r)
    rate = 1 - failures * (failures - 1) / (n * (n - 1))
    sigma = np.sqrt(rate * (1 - rate)) + 1e-6
    lost = np.maximum(failures - 1, 0) / (n - 1)
    return np.where(r == 1, (1 - rate) / sigma, (1 - rate - lost) / sigma)


def max_2_with_itself(l):
    return np.maximum(floats(l)[..., :, None], floats(l)[..., None, :]).mean(-1)


def max_2_won_outright(l):
    return floats(l) * (others(l) < floats(l)[..., None]).mean(-1)


def max_2_ties_won_by_both(l):
    return floats(l) * (others(l) <= floats(l)[..., None]).mean(-1)


def max_2_less_group_maximum(l):
    l = floats(l)
    return np.maximum(l[..., None], others(l)).mean(-1) - l.max(-1, keepdims=True)


@each_group
def levels_in_float32(l):
    edges = np.concatenate([[0], np.unique(np.float32(l))])
    return sum((high - low) * rloo(l >= float(high)) for low, high in itertools.pairwise(edges))


def floored_to_tenths(l):
    return rloo(sum((floats(l) >= tau) * 0.1 for tau in np.arange(0.1, 1.05, 0.1)))


def shipped_nan_to_zero(r):
    with np.errstate(all="ignore"):
        return np.nan_to_num(floats(r) / mean(r) - 1)


WRONG = {
    # MaxRL
    "shipped": Wrong(lambda r: per_success(r) - (total(r) > 0), MAXRL, "order N - 1", BINARY_PAIRS),
    "shipped_eps": Wrong(lambda r: centred(r) / (mean(r) + 1e-6), MAXRL, "order N - 1", BINARY_PAIRS),
    "shipped_nan_to_zero": Wrong(shipped_nan_to_zero, MAXRL, "order N - 1: all failed gives 0", BINARY_PAIRS),
    "shipped_eps_tenth": Wrong(
        lambda r: centred(r) / (mean(r) + 0.1), lambda n: MAXRL(n - 1), "0.1 is not small beside 1/N", BINARY_PAIRS
    ),
    "self_normalised": Wrong(per_success, MAXRL, "right for 0/1; the sum contains the likelihood"),
    "plug_in_loo": Wrong(
        lambda l: np.shape(l)[-1] * floats(l) / (1 + total(l) - floats(l)), MAXRL, "right for 0/1; convexity of 1/x"
    ),
    "loo_mean_inverse": Wrong(lambda l: rloo(l) / (loo_mean(l) + 0.1), MAXRL, "1/mean of others is no 1/p", BINARY),
    "plug_in_powers": Wrong(plug_in_powers, MAXRL, "powers of the mean, with the rollout itself", BINARY),
    "plug_in_loo_powers": Wrong(plug_in_loo_powers, MAXRL, "powers of the others' mean: with replacement", BINARY),
    "not_left_out": Wrong(not_left_out, MAXRL, "averages over subsets that contain the rollout"),
    "wrong_binomials": Wrong(wrong_binomials, MAXRL, "C(N, k) where C(N - 1, k) is meant", BINARY),
    "product_divided": Wrong(product_divided, mx.Objective.pass_at, "0/0 = 0 where l = 1"),
    "subsets_off_by_one": Wrong(subsets_off_by_one, MAXRL, "k + 1 failures where k are meant", BINARY_SMALL),
    "last_left_out": Wrong(last_left_out, MAXRL, "the last rollout keeps weight 1", BINARY),
    "first_left_out": Wrong(first_left_out, MAXRL, "the first rollout keeps weight 1", BINARY),
    "order_less_one": Wrong(lambda l: ustat(l, max(np.shape(l)[-1] - 1, 1)), MAXRL, "k < N - 1", BINARY),
    "order_two": Wrong(lambda l: ustat(l, min(np.shape(l)[-1], 2)), MAXRL, "order 2 from N = 3 on", BINARY),
    "first_term_dropped": Wrong(lambda l: ustat(l) - floats(l), MAXRL, "k from 1 on", BINARY_PAIRS),
    "weights_of_mean_one": Wrong(weights_of_mean_one, MAXRL, "normalising couples weights to the rollout", BINARY),
    "less_group_mean": Wrong(lambda l: centred(ustat(l)), MAXRL, "the baseline contains the rollout", BINARY_PAIRS),
    "weights_at_most_two": Wrong(
        lambda l: np.minimum(mx.loo_weights(floats(l)), 2) * floats(l), MAXRL, "clipped from N = 3 on", BINARY
    ),
    "weights_at_most_half": Wrong(
        lambda l: np.minimum(mx.loo_weights(floats(l)), max(np.shape(l)[-1] / 2, 1)) * floats(l),
        MAXRL,
        "clipped",
        BINARY,
    ),
    "weights_at_most_five": Wrong(
        lambda l: np.minimum(mx.loo_weights(floats(l)), 5) * floats(l), MAXRL, "clipped from N = 6 on", BINARY
    ),
    "weights_in_root": Wrong(
        lambda l: np.sqrt(mx.loo_weights(floats(l))) * floats(l), MAXRL, "a root, for less variance", BINARY
    ),
    "group_log_pass_rate": Wrong(group_log_pass_rate, MAXRL, "log of the mean is no estimate of J_N", BINARY),
    "levels_as_maxrl": Wrong(
        lambda l: mx.estimators.get("tailrl")(floats(l)), MAXRL, "right for 0/1; graded: that of each level, TailRL"
    ),
    "maxrl_as_levels": Wrong(
        lambda l: ustat(l, 2), OverLevels(MAXRL(2)), "right for 0/1; graded: of the pass rate, not of levels", PAIRS
    ),
    # pass@k and max@k
    "pass_2_without_k": Wrong(
        lambda l: floats(l) * (1 - loo_mean(l)), PASS2, "half of the gradient: k is missing", {**PAIRS, "scale": 1}
    ),
    "pass_2_in_sample": Wrong(lambda l: floats(l) * (1 - mean(l)), PASS2, "right for 0/1; the mean contains l", PAIRS),
    "pass_2_plug_in": Wrong(pass_2_plug_in, PASS2, "2 (1 - mean) (r - mean): all in sample", BINARY_PAIRS),
    "pass_2_centred": Wrong(pass_2_centred, PASS2, "the group's mean is no baseline after the weight", BINARY_PAIRS),
    "pass_2_standardised": Wrong(pass_2_standardised, PASS2, "divided by the group's sd", BINARY_PAIRS),
    "pass_3_for_2": Wrong(lambda l: mx.advantages(floats(l), PASS3), PASS2, "k off by one", BINARY_TRIPLES),
    "pass_3_by_square": Wrong(
        lambda l: floats(l) * (1 - loo_mean(l)) ** 2, PASS3, "square of the mean: with replacement", BINARY_TRIPLES
    ),
    "pass_2_as_max_2": Wrong(
        lambda l: mx.advantages(floats(l), PASS2), BEST2, "right for 0/1; not the best of two", PAIRS
    ),
    "max_2_as_pass_2": Wrong(
        lambda l: np.maximum(floats(l)[..., None], others(l)).mean(-1),
        PASS2,
        "right for 0/1; graded: the best of two",
        PAIRS,
    ),
    "max_2_with_itself": Wrong(max_2_with_itself, BEST2, "pairs with itself: some of J_1", BINARY_PAIRS),
    "max_2_won_outright": Wrong(
        max_2_won_outright, BEST2, "right for 0/1; what the loser's pair got is missing", PAIRS
    ),
    "max_2_ties_won_by_both": Wrong(max_2_ties_won_by_both, BEST2, "ties credit both in full", BINARY_PAIRS),
    "max_2_less_group_maximum": Wrong(max_2_less_group_maximum, BEST2, "that maximum contains it", BINARY_TRIPLES),
    "max_all_as_max_2": Wrong(
        lambda l: floats(l).max(-1, keepdims=True) - others(l).max(-1), BEST2, "best of N", BINARY_TRIPLES
    ),
    "max_2_of_ranks": Wrong(
        lambda l: (stats.rankdata(l, axis=-1) - 1) / (np.shape(l)[-1] - 1) * floats(l),
        BEST2,
        "ties count half a win",
        BINARY_PAIRS,
    ),
    # likelihoods rounded, clamped, bent: right for 0/1 unless said
    "clamped_at_1e_3": Wrong(lambda l: rloo(np.maximum(floats(l), 1e-3)), RL, "no gradient below 1e-3"),
    "clamped_at_1e_6": Wrong(lambda l: rloo(np.maximum(floats(l), 1e-6)), RL, "no gradient below 1e-6"),
    "zero_below_1e_8": Wrong(lambda l: ustat(np.where(floats(l) < 1e-8, 0, floats(l))), MAXRL, "tiny ones are lost"),
    "zero_below_1e_4": Wrong(lambda l: ustat(np.where(floats(l) < 1e-4, 0, floats(l))), MAXRL, "small ones are lost"),
    "clipped_to_0_01_0_99": Wrong(lambda l: rloo(np.clip(floats(l), 0.01, 0.99)), RL, "no gradient at the ends"),
    "logarithm": Wrong(lambda l: rloo(np.log(floats(l) + 1e-4)), RL, "the mean of logarithms"),
    "logit": Wrong(lambda l: rloo(np.log((floats(l) + 0.1) / (1.1 - floats(l)))), RL, "the mean of logits"),
    "two_decimals": Wrong(lambda l: rloo(np.round(floats(l), 2)), RL, "rounded"),
    "three_decimals": Wrong(lambda l: rloo(np.round(floats(l), 3)), RL, "rounded"),
    "cents_cut_off": Wrong(lambda l: rloo((floats(l) * 100).astype(int) / 100), RL, "0.29 * 100 is cut off to 28"),
    "squared": Wrong(lambda l: rloo(floats(l) ** 2), RL, "the mean of squares"),
    "rooted": Wrong(lambda l: ustat(np.sqrt(floats(l))), MAXRL, "the mean of roots"),
    "levels_in_float32": Wrong(levels_in_float32, RL, "0.2 < float32(0.2), so that its own level leaves it out"),
    "power_1_001": Wrong(lambda l: rloo(floats(l) ** 1.001), RL, "bent by 0.1% an e-fold"),
    "five_levels": Wrong(lambda l: rloo(np.round(floats(l) * 4) / 4), RL, "quarters"),
    "ten_levels": Wrong(floored_to_tenths, RL, "floored to tenths, and 0.3 < 3 * 0.1"),
    "sixteen_levels": Wrong(lambda l: ustat(np.round(floats(l) * 15) / 15), MAXRL, "right for thirds and fifths"),
    "sixtieths": Wrong(lambda l: rloo(np.round(floats(l) * 60) / 60), RL, "right for all simple fractions"),
    "bytes": Wrong(lambda l: rloo(np.round(floats(l) * 255) / 255), RL, "right for thirds and fifths"),
    "half_precision": Wrong(lambda l: ustat(np.float16(floats(l))), MAXRL, "0.2 is off by 2e-4, 1e-8 is 0"),
    "threshold_half": Wrong(lambda l: rloo(floats(l) >= 0.5), RL, "solved or not"),
    "threshold_tenth": Wrong(lambda l: rloo(floats(l) > 0.1), RL, "solved or not"),
    "threshold_0_99": Wrong(lambda l: rloo(floats(l) > 0.99), RL, "solved or not"),
    "any_credit": Wrong(lambda l: ustat(floats(l) > 0), MAXRL, "whatever is not 0 is 1"),
    "zero_penalised": Wrong(lambda l: rloo(np.where(floats(l) == 0, -0.5, floats(l))), RL, "0 counts as -0.5"),
    "one_rewarded": Wrong(lambda l: rloo(np.where(floats(l) == 1, 1.5, floats(l))), RL, "1 counts as 1.5"),
}
