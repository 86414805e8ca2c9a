"""Objectives of the chance to exceed a level, averaged over levels: best of k, median, mean difference, TailRL."""

from __future__ import annotations

import functools
import math
import operator
from fractions import Fraction

import numpy as np

from maxrl_est._arguments import short
from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates.elementwise import elementwise
from maxrl_est.estimates.groups import need_size
from maxrl_est.estimators._expected import rloo
from maxrl_est.estimators._rows import Notes, row
from maxrl_est.objectives import Objective
from maxrl_est.objectives._numbers import in_one_unit
from maxrl_est.objectives.targets import OverLevels


def _best_of(n: int, k: int = 2) -> OverLevels:
    return OverLevels(Objective.pass_at(k))


@functools.lru_cache(maxsize=64)
def majority(k: int) -> Objective:
    """The chance that most of k succeed, k odd, less 1: w = k C(k-1, h) p^h q^h, h = (k-1)/2."""
    half = k // 2
    scale = k * math.comb(k - 1, half)
    signed = [(-1) ** j * scale * math.comb(half, j) for j in range(half + 1)]
    return Objective.from_coefficients([0] * half + signed, f"majority of {k}")


def _median_of(n: int, k: int = 3) -> OverLevels | None:
    return OverLevels(majority(k)) if k % 2 else None


def _less_difference(n: int) -> OverLevels:
    """P(l > tau) - pq/2 over levels, since E|l - l'| is that of 2pq."""
    return OverLevels(Objective.from_coefficients([Fraction(3, 2), -1], "p - 1/2 pq"))


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
    return elementwise(lambda best: k * best, _mean_ranked(likelihoods, k)[0])


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
    return _less_others(likelihoods, k)


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
    with_i, _ = _mean_ranked(likelihoods, k)
    if k == 1:
        return with_i
    less = _without(*_mean_ranked(likelihoods, k - 1), k - 1)
    return elementwise(lambda best, others: k * (best - others), with_i, less)


@row(
    _median_of,
    Notes(
        estimates="the gradient of E median of k likelihoods, k odd and 3 by default",
        how="counting subsets of the sorted group, less k times the mean over subsets of k of the others; rloo at "
        "k = 1",
        unbiased="always; refuses k > N - 1, and an even k",
        cost=_COST,
        source="U-statistics of W. Hoeffding, 1948; counted as in arXiv 2505.15201",
    ),
    parameter="k",
    any_reward=True,
)
def median(likelihoods: Array, k: int = 3) -> Array:
    """k times the mean, over subsets of k with rollout i, of their median, less that over subsets of the others."""
    if k % 2 == 0:
        raise ValueError(f"k of median must be odd, got {short(k)}")
    need_size(likelihoods.shape[-1], k + 1, f"the median of {k} of the others")
    return _less_others(likelihoods, k, k // 2)


@row(
    _less_difference,
    Notes(
        estimates="the gradient of E l - E|l - l'| / 4, l' another rollout: of half E l and half E min of two",
        how="3/2 of rloo less 1/2 of maxk_loo, since |x - y| = 2 max - x - y",
        unbiased="always; refuses N < 3, where the others make no pair",
        cost="O(N log N)",
        source="the mean difference of C. Gini, 1912; U-statistics of W. Hoeffding, 1948",
    ),
    any_reward=True,
)
def mean_less_gini(likelihoods: Array) -> Array:
    """3/2 of `rloo` less 1/2 of `maxk_loo`."""
    return elementwise(
        lambda less_mean, less_best: (3 * less_mean - less_best) / 2, rloo(likelihoods), maxk_loo(likelihoods)
    )


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
    return elementwise(operator.sub, tailrl(likelihoods), likelihoods.max(axis=-1, keepdims=True))


def _less_others(likelihoods: Array, k: int, above: int = 0) -> Array:
    """k times the mean of the ranked likelihood over k-subsets with rollout i, less that over k-subsets without it."""
    with_i, overall = _mean_ranked(likelihoods, k, above)
    return elementwise(lambda own, others: k * (own - others), with_i, _without(with_i, overall, k))


def _mean_ranked(likelihoods: Array, k: int, above: int = 0) -> tuple[Array, Array]:
    """Mean, over k-subsets with rollout i (..., N), and over all k-subsets (..., 1), of the likelihood with some above.

    That is the largest where none is above it, and the median where half of the rest are. In the sorted group,
    l_0..l_{N-1}, it is l_j in C(j, below) C(N-1-j, above) subsets. C(j-1, below-1) C(N-1-j, above) of them have a given
    rollout below l_j, and C(j, below) C(N-2-j, above-1) a given one above.
    """
    size = likelihoods.shape[-1]
    need_size(size, k, f"subsets of {k}")
    values, unit = _in_integers(likelihoods)
    order = np.argsort(values, axis=-1)
    ascending = np.take_along_axis(values, order, axis=-1)
    with_i, all_subsets = math.comb(size - 1, k - 1), math.comb(size, k)
    own, from_below, from_above = (np.array(counts, dtype=object) for counts in _ranked(size, k - 1 - above, above))
    overall = own
    if values.dtype != object:  # chances from here on, rounded once; in integers they are counts
        quotients = (own / with_i, from_below / with_i, from_above / with_i, own / all_subsets)
        own, from_below, from_above, overall = (chance.astype(np.float64) for chance in quotients)
    higher, lower = from_below * ascending, from_above * ascending
    beyond = np.cumsum(higher[..., ::-1], axis=-1)[..., ::-1] - higher
    before = np.cumsum(lower, axis=-1) - lower
    return (
        _over(unit * with_i, _unsorted(own * ascending + beyond + before, order)),
        _over(unit * all_subsets, (overall * ascending).sum(axis=-1, keepdims=True)),
    )


def _ranked(size: int, below: int, above: int) -> tuple[list[int], list[int], list[int]]:
    """For each rank, subsets in which it has so many below and above it: all, with one below given, with one above."""

    def comb(n: int, k: int) -> int:
        return math.comb(n, k) if min(n, k) >= 0 else 0

    ranks = range(size)
    return (
        [comb(j, below) * comb(size - 1 - j, above) for j in ranks],
        [comb(j - 1, below - 1) * comb(size - 1 - j, above) for j in ranks],
        [comb(j, below) * comb(size - 2 - j, above - 1) for j in ranks],
    )


def _without(with_i: Array, overall: Array, k: int) -> Array:
    """Mean over k-subsets of the others, from that over subsets with i and over all: C(N,k) = C(N-1,k) + C(N-1,k-1)."""
    size = with_i.shape[-1]
    return elementwise(lambda overall, own: (size * overall - k * own) / (size - k), overall, with_i)


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
    return np.asarray(np.frompyfunc(functools.cache(lambda value: Fraction(value, unit)), 1, 1)(values))


def _unsorted(values: Array, order: Array) -> Array:
    result = np.empty_like(values)
    np.put_along_axis(result, order, values, axis=-1)
    return result
