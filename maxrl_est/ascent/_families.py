"""Numbers h of groups, predicted for all groups from a few: functionals of E l, of levels, and of moments.

A functional of E l has for h the mean of its numbers in groups of the least and the highest value alone, over
independent flips of every rollout; a functional of levels, ``Int F(P(l > tau)) dtau``, has the integral of these
numbers over levels. Both are decided by the two extreme values, and what is left over in other groups tells them apart.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.ascent._levels import Levels
from maxrl_est.ascent._multisets import multisets, places
from maxrl_est.measures._two_values import counted_groups

_GROWTH = math.log(1e5)  # of roundings, where values are reached from others


class Groups:
    """The groups of n rollouts of k values, and what functionals are on each of them."""

    def __init__(self, levels: Levels) -> None:
        self.n, exact = levels.n, levels.precision is None
        self.kind = object if exact else np.float64
        self.values = np.array(levels.values, dtype=object).astype(self.kind)
        self.counts = multisets(levels.n, len(levels.values))
        self.order = np.argsort(self.values)
        self.low, self.high = self.values[self.order[0]], self.values[self.order[-1]]

    def at_extremes(self, h: Array) -> Array:
        """h of the groups with 0..n rollouts at the highest value and all others at the least: (n + 1,)."""
        counts = np.zeros((self.n + 1, len(self.values)), dtype=np.int64)
        counts[:, self.order[-1]] = np.arange(self.n + 1)
        counts[:, self.order[0]] = self.n - np.arange(self.n + 1)
        return np.asarray(h[places(counts)])

    def at_ends(self, f: Array) -> Array:
        """The same functional of E l by its numbers at 0/1 rewards, if rewards are likelihoods; else f / (high - low).

        As numbers of an effective weight, which belongs to rewards 0 and 1 or is taken by the place of E l.
        """
        width = self.high - self.low
        if not self.of_likelihoods or (self.low, self.high) == (0, 1):
            return np.asarray(f / width)
        ends = counted_groups(self.n, Fraction(0), Fraction(1)).astype(self.kind)
        return flipped(f, (ends - self.low) / width)

    def of_the_mean(self, f: Array) -> Array:
        """E f(K) for K the sum of flips, of chance (l_j - low) / (high - low) each: (G,), for f (n + 1,)."""
        if len(self.values) == 2:  # nothing is flipped
            return np.asarray(f[self.counts[:, self.order[-1]]])
        return flipped(f, self.members)

    def of_levels(self, f: Array) -> Array:
        """The mean of f(#{l_j > tau}) over tau from the least to the highest value: (G,), for f (n + 1,)."""
        above = np.cumsum(self.counts[:, self.order][:, :0:-1], axis=1)[:, ::-1]
        widths = np.diff(self.values[self.order]) / (self.high - self.low)
        return np.asarray(f[above] @ widths)

    def of_one(self, phi: Array) -> Array:
        """The mean of phi (k,) over the group: (G,)."""
        return np.asarray(self.counts.astype(self.kind) @ phi / self.n)

    def at_constants(self, h: Array) -> Array:
        """h of the groups of one value: (k,)."""
        return np.asarray(h[places(self.n * np.eye(len(self.values), dtype=np.int64))])

    @cached_property
    def members(self) -> Array:
        """(l_j - low) / (high - low) of each rollout: (G, n)."""
        share = (self.values - self.low) / (self.high - self.low)
        return np.array([np.repeat(share, row) for row in self.counts])

    @property
    def of_likelihoods(self) -> bool:
        """Whether rewards are likelihoods, so far apart that floats can tell from them what 0/1 rewards have."""
        if not (self.low >= 0 and self.high <= 1):
            return False
        beyond = 1 + 2 * max(float(self.low), 1 - float(self.high)) / float(self.high - self.low)
        return self.kind is object or self.n * math.log(beyond) < _GROWTH

    @cached_property
    def likelihoods(self) -> Array | None:
        """The rewards of each group as floats (G, n); None if they are no likelihoods."""
        rewards = self.low + self.members * (self.high - self.low)
        return rewards.astype(np.float64) if self.low >= 0 and self.high <= 1 else None

    @cached_property
    def mean(self) -> Array:
        """The mean of each group: (G,)."""
        return self.of_one(self.values)

    @cached_property
    def variance(self) -> Array:
        """The variance within each group, with divisor n - 1 >= 1: (G,)."""
        return np.asarray((self.of_one(self.values**2) - self.mean**2) * self.n / (self.n - 1))

    @cached_property
    def difference(self) -> Array:
        """The mean |l_i - l_j| over pairs of a group, n > 1: (G,)."""
        apart = np.array([Fraction(2 * m * (self.n - m), self.n * (self.n - 1)) for m in range(self.n + 1)])
        return np.asarray(self.of_levels(apart.astype(self.kind)) * (self.high - self.low))


def flipped(f: Array, shares: Array) -> Array:
    """E f(K) (G,), K the sum of n flips of the chances given (G, n), for f (n + 1,): one flip after another.

    >>> flipped(np.array([0.0, 0.0, 1.0]), np.array([[0.5, 0.5]]))  # both
    array([0.25])
    """
    found: Any = np.broadcast_to(f, (len(shares), len(f)))
    for share in shares.T[:, :, None]:
        found = (1 - share) * found[:, :-1] + share * found[:, 1:]
    return np.asarray(found[:, 0])
