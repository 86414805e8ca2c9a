"""Objectives of the chance to exceed a level, averaged over levels: the best of k, and TailRL."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from maxrl_est._typing import Array
from maxrl_est.estimators.registry import register
from maxrl_est.objectives import Objective
from maxrl_est.targets import OverLevels


def _best_of(n: int, k: int = 2) -> OverLevels:
    return OverLevels(Objective.pass_at(k))


def _order_n(n: int) -> OverLevels:
    return OverLevels(Objective.maxrl(n))


def _order_below_n(n: int) -> OverLevels | None:
    return OverLevels(Objective.maxrl(n - 1)) if n > 1 else None


@register(_best_of, "arXiv 2505.15201", parameter="k")
def maxk(likelihoods: Array, k: int = 2) -> Array:
    """k times the mean, over k-subsets with i, of their largest likelihood; k = 2 by default.

    Estimates the gradient of E max of k. By counting subsets of the sorted group; ties give equal advantages in any
    order. Unbiased always; refuses k > N. Cost O(N log N) and N binomial coefficients. Source: arXiv 2505.15201 (PKPO).
    """
    return k * _mean_max(likelihoods, k)[0]


@register(_best_of, "arXiv 2505.15201", parameter="k")
def maxk_loo(likelihoods: Array, k: int = 2) -> Array:
    """`maxk` less k times the mean of the largest over k-subsets of the others; k = 2 by default.

    Estimates the gradient of E max of k. By a leave-one-out baseline; RLOO at k = 1. Unbiased always; refuses
    k > N - 1. Cost and ties as `maxk`. Source: arXiv 2505.15201 (PKPO), with the others' max@k as the baseline.
    """
    size = likelihoods.shape[-1]
    if k >= size:
        raise ValueError(f"k is {k}: max@k of the others needs k <= N - 1, and N = {size}")
    with_i, overall = _mean_max(likelihoods, k)
    return k * (with_i - _without(with_i, overall, k))


@register(_best_of, "arXiv 2505.15201", parameter="k")
def maxk_loo_minus_one(likelihoods: Array, k: int = 2) -> Array:
    """k times the mean, over k-subsets with i, of their largest less the largest without i; k = 2 by default.

    Estimates the gradient of E max of k. By what rollout i adds to its subset, never negative; the largest of nothing
    is 0, so it is REINFORCE at k = 1, and it is `passk` on 0/1 rewards. Unbiased always; refuses k > N. Cost and ties
    as `maxk`. Source: arXiv 2505.15201 (PKPO), leave-one-out minus one.
    """
    with_i, _ = _mean_max(likelihoods, k)
    if k == 1:
        return with_i
    return k * (with_i - _without(*_mean_max(likelihoods, k - 1), k - 1))


@register(_order_n, "arXiv 2609.02987")
def tailrl(likelihoods: Array) -> Array:
    """N Int_0^{l_i} dtau / #{j: l_j > tau}.

    Estimates the gradient of Int J_N(P(l > tau)) dtau, which is J_N on 0/1 rewards. By `maxrl` at each level; ties
    share one; K = 0 gives zeros. Unbiased always for that objective, not for J_N of graded rewards. Cost O(N log N).
    Source: arXiv 2609.02987.
    """
    size = likelihoods.shape[-1]
    order = np.argsort(likelihoods, axis=-1)
    steps = np.diff(np.take_along_axis(likelihoods, order, axis=-1), axis=-1, prepend=likelihoods.dtype.type(0))
    return _unsorted(np.cumsum(steps * size / np.arange(size, 0, -1), axis=-1), order)


@register(_order_below_n, "arXiv 2609.02987")
def tailrl_centred(likelihoods: Array) -> Array:
    """`tailrl` less the largest likelihood, so that a group sums to zero.

    Estimates the gradient of Int J_{N-1}(P(l > tau)) dtau. By `maxrl_shipped` at each level. Unbiased always, for that
    objective; zero at N = 1. Cost and ties as `tailrl`. Source: arXiv 2609.02987.
    """
    return np.asarray(tailrl(likelihoods) - likelihoods.max(axis=-1, keepdims=True))


def _mean_max(likelihoods: Array, k: int) -> tuple[Array, Array]:
    """Mean of the largest likelihood over k-subsets with rollout i, (..., N), and over all k-subsets, (..., 1).

    With i at rank r of the sorted group: l_r is the largest of C(r-1, k-1) subsets, and l_j of C(j-2, k-2), j > r.
    """
    size = likelihoods.shape[-1]
    if not 1 <= k <= size:
        raise ValueError(f"k is {k}: a k-subset of the group needs 1 <= k <= N, and N = {size}")
    order = np.argsort(likelihoods, axis=-1)
    ascending = np.take_along_axis(likelihoods, order, axis=-1)
    chances = [
        np.array(
            [Fraction(math.comb(m, top), math.comb(size - 1 + whole, k - 1 + whole)) for m in below],
            dtype=object,
        )
        for below, top, whole in (
            (range(size), k - 1, 0),
            ([max(m - 1, 0) for m in range(size)], k - 2 if k > 1 else size, 0),
            (range(size), k - 1, 1),
        )
    ]
    if likelihoods.dtype != object:
        chances = [chance.astype(np.float64) for chance in chances]
    largest, larger, overall = chances
    beyond = np.cumsum((larger * ascending)[..., ::-1], axis=-1)[..., ::-1] - larger * ascending
    return _unsorted(largest * ascending + beyond, order), (overall * ascending).sum(axis=-1, keepdims=True)


def _without(with_i: Array, overall: Array, k: int) -> Array:
    """Mean over k-subsets of the others, from that over subsets with i and over all: C(N,k) = C(N-1,k) + C(N-1,k-1)."""
    size = with_i.shape[-1]
    return np.asarray((size * overall - k * with_i) / (size - k))


def _unsorted(values: Array, order: Array) -> Array:
    result = np.empty_like(values)
    np.put_along_axis(result, order, values, axis=-1)
    return result
