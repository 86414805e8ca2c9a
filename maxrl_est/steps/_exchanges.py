"""A success in place of a failure: what it changes in every batch of 0/1 rewards, and its mean over batches.

`tables` has an array for each prompt x. Its axis x says how many of the n - 1 other rollouts of x are successes, m in
0..n-1, and every other axis how many of the n rollouts of another prompt are, K in 0..n. The entry is the advantage of
a success in the batch that has it, of count m + 1, less that of a failure in the batch that has that, of count m.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import Array, Estimator
from maxrl_est.ascent._batches import need_few_batches, tables_of
from maxrl_est.ascent._over_prompts import TOLERANCE
from maxrl_est.measures import _bernstein

_VALUES = (Fraction(1), Fraction(0))  # of which the first is counted


class Exchanges(NamedTuple):
    """The tables, exact rationals if the rule computes with Fractions, and the largest advantage in them."""

    n: int
    tables: list[Array]
    largest: float

    @property
    def exact(self) -> bool:
        """Whether the rule computed with Fractions."""
        return bool(self.tables[0].dtype == object)

    def in_floats(self) -> Exchanges:
        """The same in float64."""
        return self._replace(tables=[table.astype(np.float64) for table in self.tables])

    def cycles_vanish(self) -> bool:
        """Whether exchanges in two prompts come to the same in either order, for all counts: then it is a gradient."""
        allowed = 0.0 if self.exact else TOLERANCE * self.largest
        return all(float(abs(twist).max()) <= allowed for _, twist in self._twists())

    def weights(self, rates: Array) -> Array:
        """E of each table at pass rates (B,): W (B,)."""
        beside, whole = binomials(self.n - 1, rates), binomials(self.n, rates)
        return np.array([_mean(table, whole, beside, {x}) for x, table in enumerate(self.tables)])

    def curl(self, rates: Array) -> Array:
        """dW_x/dp_y - dW_y/dp_x at pass rates (B,): (B, B), exactly, by differences of tables."""
        beside, whole = binomials(self.n - 1, rates), binomials(self.n, rates)
        found = np.full((len(rates), len(rates)), Fraction(0) if self.exact else 0.0)
        for (x, y), twist in self._twists():
            found[x, y] = self.n * _mean(twist, whole, beside, {x, y})
            found[y, x] = -found[x, y]
        return found

    def _twists(self) -> Iterator[tuple[tuple[int, int], Array]]:
        """Of each two prompts the difference of one's table along the other's axis, less the other way round."""
        for x, y in combinations(range(len(self.tables)), 2):
            yield (x, y), np.diff(self.tables[x], axis=y) - np.diff(self.tables[y], axis=x)


def exchanges_of(rule: Estimator, prompts: int, n: int) -> Exchanges:
    """The tables of a rule, called with every batch that there can be."""
    need_few_batches(prompts, n, len(_VALUES))
    advantages = tables_of(rule, prompts, n, _VALUES)
    largest = max(float(abs(table).max()) for table in advantages)
    return Exchanges(n, [table[..., 0] - table[..., 1] for table in advantages], largest)


def binomials(size: int, rates: Array) -> Array:
    """The chances (B, size + 1) of 0..size successes at pass rates (B,); exact of Fractions."""
    if rates.dtype != object:
        p, k = rates[:, None], np.arange(size + 1)
        never = ((p == 0) & (k > 0)) | ((p == 1) & (k < size))
        return np.where(never, 0.0, _bernstein.basis(size + 1, rates))
    return np.array(
        [[math.comb(size, k) * p**k * (1 - p) ** (size - k) for k in range(size + 1)] for p in rates], dtype=object
    ).reshape(len(rates), size + 1)


def _mean(table: Array, whole: Array, beside: Array, own: set[int]) -> Any:
    """The mean over counts, which are of n rollouts, and of n - 1 of the prompts whose own they are beside."""
    for b in reversed(range(table.ndim)):
        table = table @ (beside if b in own else whole)[b]
    return table
