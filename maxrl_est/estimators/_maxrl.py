"""MaxRL for 0/1 rewards, and what its formulas become where rewards are graded."""

from __future__ import annotations

import operator

from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates.elementwise import elementwise, total
from maxrl_est.estimates.means import mean, ratio
from maxrl_est.estimators._rows import Notes, row
from maxrl_est.objectives import Objective


def _order_n(n: int) -> Objective:
    return Objective.maxrl(n)


def _order_below_n(n: int) -> Objective | None:
    return Objective.maxrl(n - 1) if n > 1 else None


@row(
    _order_n,
    Notes(
        estimates="grad J_N",
        how="averaging the scores of the K successes",
        unbiased="for 0/1 rewards, N = 1 included",
        cost="O(N)",
        source="arXiv 2602.02710, Theorem 1",
    ),
    binary_only=True,
)
def maxrl(likelihoods: Array) -> Array:
    """N l_i / sum(l), which is N/K for a success; zero if no rollout succeeds (K = 0)."""
    size = likelihoods.shape[-1]
    return ratio(elementwise(lambda l: size * l, likelihoods), total(likelihoods), 0)


@row(
    _order_n,
    Notes(
        estimates="grad J_N",
        how="maxrl less the constant 1, a control variate",
        unbiased="for 0/1 rewards, N = 1 included",
        cost="O(N)",
        source="arXiv 2602.02710",
    ),
    binary_only=True,
)
def maxrl_cv(likelihoods: Array) -> Array:
    """N l_i / sum(l) - 1, and -1 for every rollout if none succeeds (K = 0)."""
    return elementwise(lambda advantage: advantage - 1, maxrl(likelihoods))


@row(
    _order_below_n,
    Notes(
        estimates="grad J_{N-1}, one order less than maxrl_cv",
        how="maxrl_cv with its control variate dropped at K = 0, which costs the last order",
        unbiased="for 0/1 rewards; zero at N = 1",
        cost="O(N)",
        source="arXiv 2602.02710, as trainers ship it; its order N - 1 is in linjiw/curriculum-maxrl",
    ),
    binary_only=True,
    any_reward=True,
)
def maxrl_shipped(likelihoods: Array) -> Array:
    """(l_i - mean) / mean, and zero if the mean is, as where no rollout succeeds (K = 0).

    A mean below 0, of rewards that may be, turns its sign: the better rollouts are pushed down.
    """
    average = mean(likelihoods)
    return ratio(elementwise(operator.sub, likelihoods, average), average, 0)


@row(
    _order_n,
    Notes(
        estimates="grad J_N on 0/1 rewards",
        how="the formula of maxrl on any likelihoods",
        unbiased="for 0/1 rewards only",
        cost="O(N)",
        source="self-normalised importance sampling",
    ),
)
def self_normalised(likelihoods: Array) -> Array:
    """N l_i / sum(l), and zero if the sum is."""
    return maxrl(likelihoods)


@row(
    _order_n,
    Notes(
        estimates="grad J_N from below: its weights are at most those of ustat, and at least 0.7 of them",
        how="leaving l_i out of the sum and putting one success in",
        unbiased="for 0/1 rewards only, where it is maxrl",
        cost="O(N)",
        source="the left side of N / (1 + L) <= omega_i <= N (1 - exp(-L)) / L, L the sum of the others",
    ),
)
def plug_in_loo(likelihoods: Array) -> Array:
    """N l_i / (1 + sum of the others)."""
    size = likelihoods.shape[-1]
    return elementwise(lambda l, whole: size * l / (1 + (whole - l)), likelihoods, total(likelihoods))
