"""Right estimates of MaxRL, pass@k and max@k for any likelihood, by equal formulas and with other baselines."""

import itertools
import math

import numpy as np

import maxrl_est as mx
from maxrl_est.objectives.targets import OverLevels
from semantic_entries import (
    BEST2,
    BEST3,
    MAXRL,
    PAIRS,
    PASS2,
    PASS3,
    SMALL,
    TRIPLES,
    Right,
    centred,
    each_group,
    failure_averages,
    floats,
    loo_mean,
    one_order_less,
    others,
    per_success,
    shared,
    ustat,
)


def maxrl_float32(l):
    return mx.loo_weights(np.asarray(l, dtype=np.float32)) * np.asarray(l, dtype=np.float32)


@each_group
def subsets(l):
    if len(l) > 10:
        raise ValueError(f"2^{len(l)} subsets are too many")
    return [
        x * sum(np.mean([math.prod(s) for s in itertools.combinations(1 - rest, k)]) for k in range(len(l)))
        for x, rest in zip(l, others(l), strict=True)
    ]


@each_group
def coin_flips(l):
    """MaxRL on 0/1 rewards, averaged over coins with these likelihoods."""
    if len(l) > 10:
        raise ValueError(f"2^{len(l)} outcomes of coins are too many")
    coins = np.array(list(itertools.product([0, 1], repeat=len(l))))
    chance = np.where(coins == 1, l, 1 - l).prod(-1)
    return len(l) * (chance[1:, None] * coins[1:] / coins[1:].sum(-1, keepdims=True)).sum(0)


@each_group
def polynomials(l):
    """Power sums of failures as coefficients of prod (1 + q z)."""
    found = []
    for x, rest in zip(l, others(l), strict=True):
        polynomial = np.array([1.0])
        for q in 1 - rest:
            polynomial = np.convolve(polynomial, [1, q])
        found.append(x * sum(c / math.comb(len(rest), k) for k, c in enumerate(polynomial)))
    return found


def recursion(l):
    """e_k of the others, by one failure after another."""
    n = np.shape(l)[-1]
    return floats(l) * failure_averages(1 - others(l), lambda k: math.comb(n - 1, k)).sum(-1)


def quadrature(l):
    """N Int_0^1 prod over the others of (1 - t l) dt, which is a polynomial of degree N - 1."""
    n = np.shape(l)[-1]
    nodes, weights = np.polynomial.legendre.leggauss(n // 2 + 1)
    factors = 1 - others(l)[..., None] * (nodes + 1) / 2
    return n * floats(l) * (factors.prod(-2) * weights).sum(-1) / 2


def inclusion_exclusion(l):
    """That integral term by term: e_k of the others' likelihoods with alternating signs."""
    n = np.shape(l)[-1]
    return n * floats(l) * failure_averages(others(l), lambda k: (-1) ** k * (k + 1)).sum(-1)


def derivative(l):
    """N times the slope of the estimate of J_N, which is linear in each likelihood."""
    l, n = floats(l), np.shape(l)[-1]

    def raised(value):
        return np.where(np.eye(n, dtype=bool), value, l[..., None, :])

    return n * l * (mx.objective_estimate(raised(1.0)) - mx.objective_estimate(raised(0.0)))


def with_baseline(baseline, order=None):
    return lambda l: mx.advantages(floats(l), order, baseline=baseline)


def of_pairs(value):
    """Mean over the others of a function of a pair."""
    return lambda l: value(floats(l)[..., None], others(l)).mean(-1)


@each_group
def max_3_by_subsets(l):
    n = len(l)
    return [
        np.mean([max(l[i], l[j], l[k]) - max(l[j], l[k]) for j, k in itertools.combinations(set(range(n)) - {i}, 2)])
        for i in range(n)
    ]


def max_2_less_others(l):
    """Mean of the best of pairs with it, less that of all pairs of the others."""
    n, rest = np.shape(l)[-1], others(l)
    pairs = np.maximum(rest[..., :, None], rest[..., None, :]).sum((-1, -2)) - rest.sum(-1)
    return of_pairs(np.maximum)(l) - pairs / ((n - 1) * (n - 2))


def max_2_sorted(l):
    """Each value times how many it beats, plus the sum of those that beat it, from one sort."""
    l, n = floats(l), np.shape(l)[-1]
    order = np.argsort(l, axis=-1)
    ranked = np.take_along_axis(l, order, axis=-1)
    above = np.cumsum(ranked[..., ::-1], axis=-1)[..., ::-1] - ranked
    out = np.empty_like(l)
    np.put_along_axis(out, order, (ranked * np.arange(n) + above) / (n - 1), axis=-1)
    return out


def by_levels(advantage):
    """An advantage of 0/1 rewards, integrated over all levels of a group."""

    @each_group
    def function(l):
        edges = np.concatenate([[0], np.unique(l)])
        return sum(((high - low) * advantage(l >= high) for low, high in itertools.pairwise(edges)), np.zeros(len(l)))

    return function


def best_of_all(n):
    return OverLevels(mx.Objective.pass_at(n))


RIGHT = {
    # MaxRL of any likelihood
    "maxrl_none": Right(ustat, MAXRL, "no baseline"),
    "maxrl_default": Right(lambda l: mx.advantages(floats(l)), MAXRL, "weight times the others' mean"),
    "maxrl_one": Right(with_baseline("one"), MAXRL, "1"),
    "maxrl_one_over_n": Right(with_baseline("one_over_n"), MAXRL, "1/N"),
    "maxrl_constant": Right(with_baseline(0.3), MAXRL, "a constant"),
    "maxrl_pass_loo": Right(with_baseline("pass_loo"), one_order_less, "the others' pass@T; order N - 1", PAIRS),
    "maxrl_order_2": Right(with_baseline("mean_loo", 2), MAXRL(2), "a fixed order", PAIRS),
    "maxrl_loo_best": Right(lambda l: ustat(l) - others(l).max(-1), MAXRL, "the best of the others", PAIRS),
    "maxrl_average": Right(
        lambda l: (with_baseline("one")(l) + mx.advantages(floats(l))) / 2, MAXRL, "the mean of two baselines"
    ),
    "maxrl_float32": Right(maxrl_float32, MAXRL, "float32 all along"),
    "maxrl_shared": Right(shared(mx.objective_estimate), MAXRL, "all get N times the estimate of J_N"),
    "subsets": Right(subsets, MAXRL, "all subsets; refuses large groups", SMALL),
    "coin_flips": Right(coin_flips, MAXRL, "0/1 MaxRL averaged over coins", SMALL),
    "polynomials": Right(polynomials, MAXRL, "products of polynomials", SMALL),
    "recursion": Right(recursion, MAXRL, "one failure after another"),
    "quadrature": Right(quadrature, MAXRL, "an integral by Gauss and Legendre"),
    "inclusion_exclusion": Right(inclusion_exclusion, MAXRL, "an alternating sum", SMALL),
    "derivative": Right(derivative, MAXRL, "slopes of the estimate of J_N"),
    # pass@k, max@k and levels
    "pass_2": Right(with_baseline("mean_loo", PASS2), PASS2, "weights of pass@2", PAIRS),
    "pass_2_by_pairs": Right(of_pairs(lambda x, y: 1 - (1 - x) * (1 - y)), PASS2, "pairs that pass, halved", PAIRS),
    "pass_2_without_k": Right(lambda l: floats(l) * (1 - loo_mean(l)), PASS2, "half of the gradient", PAIRS),
    "pass_3": Right(with_baseline(0.5, PASS3), PASS3, "weights of pass@3", TRIPLES),
    "max_2": Right(of_pairs(np.maximum), BEST2, "the best of pairs", PAIRS),
    "max_2_gain": Right(of_pairs(lambda x, y: np.maximum(x - y, 0)), BEST2, "what it adds to another", PAIRS),
    "max_2_less_others": Right(max_2_less_others, BEST2, "less the others' best of two", TRIPLES),
    "max_2_sorted": Right(max_2_sorted, BEST2, "one sort", PAIRS),
    "max_2_by_levels": Right(by_levels(lambda r: r * (1 - loo_mean(r))), BEST2, "pass@2 of each level", PAIRS),
    "max_3_by_subsets": Right(max_3_by_subsets, BEST3, "what it adds to two others", TRIPLES),
    "max_all_gain": Right(
        lambda l: floats(l).max(-1, keepdims=True) - others(l).max(-1), best_of_all, "what it adds to all others", PAIRS
    ),
    "max_all_shared": Right(shared(lambda l: l.max(-1)), best_of_all, "all get N times the best"),
    "tailrl_order_2": Right(
        by_levels(lambda r: mx.advantages(floats(r), 2)), OverLevels(MAXRL(2)), "each level", PAIRS
    ),
    "tailrl": Right(by_levels(per_success), lambda n: OverLevels(MAXRL(n)), "N/K of each level"),
    "max_2_centred": Right(
        lambda l: centred(of_pairs(np.maximum)(l)), BEST2, "(N - 2)/N: the mean of all pairs has 2/N of it", TRIPLES
    ),
}
