"""A batch of many prompts whose counts of successes are shared out as in a population, and what one more changes.

Two of its groups are tried with every count: that of the prompt that is asked about, and another one. The second gives
the slopes of all advantages in the shares pi_K. By them everything is carried from the shares of the batch, which are
whole groups and have the prompt's own in them, to pi itself: what is left is of the order of one over the square of
the number of prompts, where advantages are smooth in the shares.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import Array, Estimator, FloatArray
from maxrl_est.estimators._answers import answer, differs, orders


class Crowd(NamedTuple):
    """In the basis of binomial chances: W (n,), and how W of a prompt changes as others move up in pass rate (n, n).

    ``size`` is the largest difference of advantages that both are made of.
    """

    weights: FloatArray
    slopes: FloatArray
    size: float

    @property
    def curl(self) -> FloatArray:
        """How the slopes differ by which of two prompts is asked about: (n, n), of a gradient 0."""
        return self.slopes - self.slopes.T


def crowd(rule: Estimator, shares: FloatArray, prompts: int) -> Crowd:
    """What a rule does in a batch of so many prompts and two more, whose counts have the shares (n + 1,)."""
    n = len(shares) - 1
    rest = _whole_groups(shares, prompts)
    groups = (np.arange(n) < np.arange(n + 1)[:, None]) * 1.0  # of count K, successes first
    beside = groups[np.repeat(np.arange(n + 1), rest)]
    successes, failures = np.zeros((n + 1, n + 1)), np.zeros((n + 1, n + 1))
    for own in range(n + 1):
        for other in range(n + 1):
            batch = np.concatenate([groups[[own, other]], beside])
            found = _answer(rule, batch)
            successes[own, other], failures[own, other] = found[0, 0], found[0, -1]  # one of both is there at the ends
            if own == n // 2 and other == 0:
                _need_no_order(rule, batch, found)
    exchanged = successes[1:] - failures[:-1]
    total = prompts + 2
    lacking = total * shares - rest - np.eye(n + 1)  # of each count, where the own is of this one: 1 in all
    exact = (successes * lacking).sum(axis=1)[1:] - (failures * lacking).sum(axis=1)[:-1]
    return Crowd(exact, n * total * np.diff(exchanged, axis=1), float(abs(exchanged).max()))


def _whole_groups(shares: FloatArray, prompts: int) -> Array:
    """So many groups of each count as come closest to the shares."""
    groups = np.floor(shares * prompts).astype(np.int64)
    most = np.argsort(groups - shares * prompts, kind="stable")
    groups[most[: prompts - int(groups.sum())]] += 1
    return groups


def _need_no_order(rule: Estimator, batch: FloatArray, found: FloatArray) -> None:
    """ValueError where the order of prompts, or of the rollouts of one, changes advantages."""
    if differs(_answer(rule, batch[::-1]), found[::-1]).any():
        raise ValueError("rule must treat the prompts of a batch alike, but their order changes advantages")
    for order in orders(batch.shape[1]):
        if differs(_answer(rule, batch[:, order]), found[:, order]).any():
            raise ValueError("rule must treat the rollouts of a prompt alike, but their order changes advantages")


def _answer(rule: Estimator, batch: FloatArray) -> FloatArray:
    return answer("rule", rule(batch.copy()), batch.shape, exact=False)
