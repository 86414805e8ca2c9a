"""MaxRL for 0/1 rewards, and what its formulas become where rewards are graded."""

from __future__ import annotations

import numpy as np

from maxrl_est._typing import Array
from maxrl_est.estimates.means import mean, ratio
from maxrl_est.estimators.registry import register
from maxrl_est.objectives import Objective


def _order_n(n: int) -> Objective:
    return Objective.maxrl(n)


def _order_below_n(n: int) -> Objective | None:
    return Objective.maxrl(n - 1) if n > 1 else None


@register(_order_n, "arXiv 2602.02710, Theorem 1", binary_only=True)
def maxrl(likelihoods: Array) -> Array:
    """N l_i / sum(l), zero if the sum is (K = 0).

    Estimates grad J_N. By averaging the scores of the K successes. Unbiased for 0/1 rewards, N = 1 included; biased
    for others. Cost O(N). Source: arXiv 2602.02710, Theorem 1.
    """
    return ratio(likelihoods.shape[-1] * likelihoods, likelihoods.sum(axis=-1, keepdims=True), 0)


@register(_order_n, "arXiv 2602.02710", binary_only=True)
def maxrl_cv(likelihoods: Array) -> Array:
    """N l_i / sum(l) - 1, and -1 for all if the sum is zero (K = 0).

    Estimates grad J_N. By `maxrl` with the constant 1 as control variate. Unbiased for 0/1 rewards. Cost O(N).
    Source: arXiv 2602.02710.
    """
    return maxrl(likelihoods) - 1


@register(_order_below_n, "arXiv 2602.02710, as trainers ship it", binary_only=True)
def maxrl_shipped(likelihoods: Array) -> Array:
    """(l_i - mean) / mean, zero if the mean is (K = 0).

    Estimates grad J_{N-1}, one order less than `maxrl_cv`. By its control variate, dropped at K = 0. Unbiased for 0/1
    rewards; zero at N = 1. Cost O(N). Source: arXiv 2602.02710, as trainers ship it.
    """
    average = mean(likelihoods)
    return ratio(likelihoods - average, average, 0)


@register(_order_n, "self-normalised importance sampling")
def self_normalised(likelihoods: Array) -> Array:
    """N l_i / sum(l), zero if the sum is.

    Estimates grad J_N, as its authors hope. By the formula of `maxrl` on any likelihoods. Unbiased for 0/1 rewards
    only. Cost O(N). Source: self-normalised importance sampling.
    """
    return maxrl(likelihoods)


@register(_order_n, "lower bound of the U-statistic weight")
def plug_in_loo(likelihoods: Array) -> Array:
    """N l_i / (1 + sum of the others).

    Estimates grad J_N, from below: the weight is at most that of `ustat`, and at least 0.7 of it. By leaving l_i out of
    the sum and one success in. Unbiased for 0/1 rewards, where it is `maxrl`. Cost O(N). Source: the left side of
    N / (1 + L) <= omega_i <= N (1 - exp(-L)) / L, L the sum of the others.
    """
    others = likelihoods.sum(axis=-1, keepdims=True) - likelihoods
    return np.asarray(likelihoods.shape[-1] * likelihoods / (1 + others))
