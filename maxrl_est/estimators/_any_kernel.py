"""`advantage_of`: unbiased advantages for the mean of any symmetric function of several rollouts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from maxrl_est._arguments import at_most, name_of, one_of, short, whole, words
from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates.groups import need_size
from maxrl_est.estimators._answers import answer, differs, orders
from maxrl_est.estimators._rows import NamedEstimator

MAX_ROLLOUTS = 10_000_000  # in all the subsets of all groups
_AT_ONCE = 1 << 20  # rollouts in the subsets that the kernel is given at a time

Kernel: TypeAlias = Callable[[Array], Any]


def advantage_of(kernel: Kernel, m: int, *, baseline: str = "none") -> NamedEstimator:
    """The advantage function that ascends ``E h(l_1, ..., l_m)``, for any symmetric function h of m rollouts.

    ``A_i`` is m times the mean of h over the m-subsets of the group that contain rollout i: a U-statistic, unbiased for
    any law. Every subset is computed, C(N, m) of them: not for large groups, nor where the table has a row of the same
    objective, such as `maxk` and `median`, which sort.

    Parameters
    ----------
    kernel : h, given an array (..., m) of the rewards of m rollouts on its last axis, and to return (...), such as
        ``lambda x: np.median(x, axis=-1)``. It has to be the same for any order of the m. The array is float64, or of
        Fractions in an object array, where Fractions or ints are to come back
    m : rollouts that h takes, an int of at least 1
    baseline : ``"none"``, or ``"loo"`` to subtract m times the mean of h over the m-subsets of the other rollouts,
        which leaves the expectation as it is and takes N > m

    Returns
    -------
    a `maxrl_est.estimators.NamedEstimator` that takes any finite rewards (..., N), N >= m

    Raises
    ------
    TypeError, ValueError
        For arguments that are not as above. When called: for a kernel that depends on the order of its rollouts,
        returns another shape, what is not finite, or floats for Fractions; for groups of too few rollouts; and for more
        than 10^7 rollouts in all subsets together.

    Source: U-statistics of W. Hoeffding, Ann. Math. Statist. 19 (1948) 293.

    >>> advantage_of(lambda x: x.max(axis=-1), 2, baseline="loo")([1.0, 0.0, 0.5])  # as maxk_loo(2)
    array([ 1. , -0.5, -0.5])
    """
    if not callable(kernel):
        raise TypeError(f"kernel must be a function of rewards (..., m), got {words(kernel)}")
    m, baseline = at_most("m", whole("m", m), MAX_ROLLOUTS), one_of("baseline", baseline, ("none", "loo"))
    less = "" if baseline == "none" else f", baseline={baseline!r}"
    return NamedEstimator(
        f"advantage_of({name_of(kernel)}, {m}{less})",
        partial(_over_subsets, kernel, m, baseline == "loo"),
        _nothing,
        any_reward=True,
    )


def _nothing(n: int) -> None:
    """Target of a kernel, whose mean has no name."""


def _over_subsets(kernel: Kernel, m: int, less_others: bool, rewards: Array) -> Array:
    """Advantages (B, N) of rewards (B, N)."""
    size = rewards.shape[1]
    need_size(size, m + less_others, f"subsets of {m}" + " of the others" * less_others)
    with_i, without = _sums(kernel, m, rewards)
    advantages = m * with_i / math.comb(size - 1, m - 1)
    return advantages - m * without / math.comb(size - 1, m) if less_others else advantages


def _sums(kernel: Kernel, m: int, rewards: Array) -> tuple[Array, Array]:
    """Sums (B, N) of the kernel over the m-subsets with rollout i, and over those without it."""
    groups, size = rewards.shape
    _need_few(groups, size, m)
    with_i, without = np.zeros_like(rewards), np.zeros_like(rewards)
    for members in _subsets(size, m, max(1, _AT_ONCE // max(1, groups * m))):
        values = _values(kernel, rewards[:, members])
        for i in range(size):
            inside = (members == i).any(axis=1)
            with_i[:, i] += values[:, inside].sum(axis=1)
            without[:, i] += values[:, ~inside].sum(axis=1)
    return with_i, without


def _need_few(groups: int, size: int, m: int) -> None:
    subsets = math.comb(size, m)
    if subsets * m * groups > MAX_ROLLOUTS:
        rule = f"m must make subsets of at most {MAX_ROLLOUTS} rollouts in all"
        raise ValueError(f"{rule}, got {short(m)}: {groups} groups of {size} have {subsets} subsets each")


def _subsets(size: int, m: int, at_once: int) -> Iterator[Array]:
    """All m-subsets of 0..size-1, as arrays (c, m) of c of them."""
    every = itertools.combinations(range(size), m)
    while part := list(itertools.islice(every, at_once)):
        yield np.array(part)


def _values(kernel: Kernel, rewards: Array) -> Array:
    """The kernel (B, c) of rewards (B, c, m), refused if it has other values for another order."""
    *shape, m = rewards.shape
    exact = rewards.dtype == object
    found = answer("kernel", kernel(rewards.copy()), shape, exact)
    for order in orders(m):
        other = differs(answer("kernel", kernel(rewards[..., order]), shape, exact), found)
        if other.any():
            where = np.unravel_index(int(other.argmax()), other.shape)
            raise ValueError(
                f"kernel must be the same for any order of its {m} rollouts, but reordering "
                f"{rewards[where].tolist()} to {rewards[where][order].tolist()} changes it"
            )
    return found
