"""A rule on 0/1 rewards: two numbers for each count of successes, whatever it is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import Array, Estimator
from maxrl_est.estimators._answers import answer, differs, orders

LARGEST = 2048  # N, since a rule is asked about all N + 1 groups of N rollouts


class Pair(NamedTuple):
    """Advantages (N,) of a success and of a failure with k = 0..N-1 successes among the others."""

    success: Array
    failure: Array


@dataclass(frozen=True)
class Counted:
    """What a rule gives successes and failures, asked once for each group size and kind of numbers."""

    rule: Estimator
    _kept: dict[tuple[int, bool], Pair] = field(default_factory=dict, repr=False, compare=False)

    def __call__(self, size: int, exact: bool) -> Pair:
        """The pair at N = size, in Fractions where that is asked for.

        TypeError or ValueError for a rule that treats two successes, or two failures, of a group differently, depends
        on the batch, or returns another shape or what are no finite numbers; and what the rule itself raises.
        """
        if (size, exact) not in self._kept:
            self._kept[size, exact] = self._asked(size, exact)
        return self._kept[size, exact]

    def _asked(self, size: int, exact: bool) -> Pair:
        if size > LARGEST:
            raise ValueError(f"likelihoods must have groups of N <= {LARGEST} for a lift, got N = {size}")
        wins = np.arange(size) < np.arange(size + 1)[:, None]
        groups = np.array([Fraction(0), Fraction(1)] if exact else [0.0, 1.0])[wins.astype(int)]
        found = self._of(groups)
        alike = np.where(wins, found[:, :1], found[:, -1:])
        for order in (np.arange(size), *orders(size)):
            _need_same(
                self._of(groups[:, order]), alike[:, order], groups[:, order], "treat rollouts of one reward alike"
            )
        for one in range(size + 1):
            alone = slice(one, one + 1)
            _need_same(self._of(groups[alone]), alike[alone], groups[alone], "judge each group by itself")
        return Pair(found[1:, 0], found[:-1, -1])

    def _of(self, groups: Array) -> Array:
        return answer("rule", self.rule(groups.copy()), groups.shape, groups.dtype == object)


def _need_same(got: Array, expected: Array, groups: Array, rule: str) -> None:
    """ValueError for the first group that has other advantages than expected."""
    other = differs(got, expected).any(axis=1)
    if other.any():
        row = int(other.argmax())
        raise ValueError(
            f"rule must {rule}, got {_listed(got[row])} and not {_listed(expected[row])} for {_listed(groups[row])}"
        )


def _listed(values: Any) -> str:
    """A group in a line, of a long one the first rollouts."""
    more = ", ..." if len(values) > 8 else ""
    return f"[{', '.join(str(value) for value in values[:8])}{more}]"
