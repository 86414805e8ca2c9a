"""Objectives of the chance to exceed a level, averaged over levels: the best of k, and TailRL."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from maxrl_est._typing import Array
from maxrl_est.estimates.groups import need_size
from maxrl_est.estimators._rows import Notes, row
from maxrl_est.objectives import Objective
from maxrl_est.objectives._numbers import in_one_unit
from maxrl_est.objectives.targets import OverLevels


def _best_of(n: int, k: int = 2) -> OverLevels:
    return OverLevels(Objective.pass_at(k))


def _order_n(n: int) -> OverLevels:
    return OverLevels(Objective.maxrl(n))


def _order_below_n(n: int) -> OverLevels | None:
    return OverLevels(Objective.maxrl(n - 1)) if n > 1 else None


_BEST = "the gradient of E max of k likelihoods, k = 2 by default"
_COST = "O(N log N), and N binomial coefficients"
_PKPO = "arXiv 2505.15201 (PKPO)"


@row(
    _best_of,
    Notes(
        estimates=_BEST,
        how="counting subsets of the sorted group; ties give equal advantages",
        unbiased="always; refuses k > N",
        cost=_COST,
        source=_PKPO,
    ),
    parameter="k",
    any_reward=True,
)
def maxk(likelihoods: Array, k: int = 2) -> Array:
    """k times the mean, over subsets of k with rollout i, of their largest likelihood."""
    return k * _mean_max(likelihoods, k)[0]


@row(
    _best_of,
    Notes(
        estimates=_BEST,
        how="maxk less k times the mean of the largest over subsets of k of the others; rloo at k = 1",
        unbiased="always; refuses k > N - 1",
        cost=_COST,
        source=f"{_PKPO}, with the others' max@k as the baseline; MaxPO (arXiv 2606.06080)",
    ),
    parameter="k",
    any_reward=True,
)
def maxk_loo(likelihoods: Array, k: int = 2) -> Array:
    """`maxk` with a leave-one-out baseline."""
    need_size(likelihoods.shape[-1], k + 1, f"max@{k} of the others")
    with_i, overall = _mean_max(likelihoods, k)
    return k * (with_i - _without(with_i, overall, k))


@row(
    _best_of,
    Notes(
        estimates=_BEST,
        how="what rollout i adds to its subset, never negative; the largest of nothing is 0, so it is reinforce at "
        "k = 1, and it is passk on 0/1 rewards",
        unbiased="always; refuses k > N",
        cost=_COST,
        source=f"{_PKPO}, leave-one-out minus one",
    ),
    parameter="k",
    any_reward=True,
)
def maxk_loo_minus_one(likelihoods: Array, k: int = 2) -> Array:
    """k times the mean, over subsets of k with rollout i, of their largest less the largest without i."""
    with_i, _ = _mean_max(likelihoods, k)
    if k == 1:
        return with_i
    return k * (with_i - _without(*_mean_max(likelihoods, k - 1), k - 1))


@row(
    _order_n,
    Notes(
        estimates="the gradient of Int J_N(P(l > tau)) dtau, which is J_N on 0/1 rewards",
        how="maxrl at each level tau; equal likelihoods share one, and K = 0 gives zeros",
        unbiased="always for that objective, but not for J_N of graded rewards",
        cost="O(N log N)",
        source="arXiv 2609.02987",
    ),
    any_reward=True,
)
def tailrl(likelihoods: Array) -> Array:
    """N Int_0^{l_i} dtau / #{j: l_j > tau}; with rewards below 0, m + N Int_m^{l_i} from any level m below them all."""
    size = likelihoods.shape[-1]
    values, unit = _in_integers(likelihoods)
    order = np.argsort(values, axis=-1)
    steps = np.diff(np.take_along_axis(values, order, axis=-1), axis=-1, prepend=values.dtype.type(0))
    if values.dtype != object:
        return _unsorted(np.cumsum(steps * size / np.arange(size, 0, -1), axis=-1), order)
    shares, whole = in_one_unit(Fraction(size, above) for above in range(size, 0, -1))
    return _over(unit * whole, _unsorted(np.cumsum(steps * np.array(shares, dtype=object), axis=-1), order))


@row(
    _order_below_n,
    Notes(
        estimates="the gradient of Int J_{N-1}(P(l > tau)) dtau",
        how="maxrl_shipped at each level tau",
        unbiased="always for that objective; zero at N = 1",
        cost="O(N log N)",
        source="arXiv 2609.02987",
    ),
    any_reward=True,
)
def tailrl_centred(likelihoods: Array) -> Array:
    """`tailrl` less the largest likelihood, so that a group sums to zero."""
    return np.asarray(tailrl(likelihoods) - likelihoods.max(axis=-1, keepdims=True))


def _mean_max(likelihoods: Array, k: int) -> tuple[Array, Array]:
    """Mean of the largest likelihood over k-subsets with rollout i, (..., N), and over all k-subsets, (..., 1).

    With i at rank r of the sorted group: l_r is the largest of C(r-1, k-1) subsets, and l_j of C(j-2, k-2), j > r.
    """
    size = likelihoods.shape[-1]
    need_size(size, k, f"subsets of {k}")
    values, unit = _in_integers(likelihoods)
    order = np.argsort(values, axis=-1)
    ascending = np.take_along_axis(values, order, axis=-1)
    with_i, all_subsets = math.comb(size - 1, k - 1), math.comb(size, k)
    largest = np.array([math.comb(m, k - 1) for m in range(size)], dtype=object)
    larger = np.array([math.comb(max(m - 1, 0), k - 2 if k > 1 else size) for m in range(size)], dtype=object)
    overall = largest
    if values.dtype != object:  # chances from here on, rounded once; in integers they are counts
        quotients = (largest / with_i, larger / with_i, largest / all_subsets)
        largest, larger, overall = (chance.astype(np.float64) for chance in quotients)
    beyond = np.cumsum((larger * ascending)[..., ::-1], axis=-1)[..., ::-1] - larger * ascending
    return (
        _over(unit * with_i, _unsorted(largest * ascending + beyond, order)),
        _over(unit * all_subsets, (overall * ascending).sum(axis=-1, keepdims=True)),
    )


def _without(with_i: Array, overall: Array, k: int) -> Array:
    """Mean over k-subsets of the others, from that over subsets with i and over all: C(N,k) = C(N-1,k) + C(N-1,k-1)."""
    size = with_i.shape[-1]
    return np.asarray((size * overall - k * with_i) / (size - k))


def _in_integers(values: Array) -> tuple[Array, int]:
    """Fractions as integers in one unit, which sort and add in a tenth of the time; floats as they are."""
    if values.dtype != object:
        return values, 1
    numbers, unit = in_one_unit(values.flat)
    return np.array(numbers, dtype=object).reshape(values.shape), unit


def _over(unit: int, values: Array) -> Array:
    """What integers in one unit stand for; floats as they are."""
    if values.dtype != object:
        return values
    return np.asarray(np.frompyfunc(lambda value: Fraction(value, unit), 1, 1)(values))


def _unsorted(values: Array, order: Array) -> Array:
    result = np.empty_like(values)
    np.put_along_axis(result, order, values, axis=-1)
    return result
