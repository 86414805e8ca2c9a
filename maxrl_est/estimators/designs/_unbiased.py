"""What the successes of a group get, so that its estimate is unbiased though its size depends on them.

A walk through (1, k) has begun with one success and k failures. Given that it began with some walk to (1, k), the score
of that success has the mean grad p / p, and the chance of that beginning is p q^k: so it estimates q^k grad p. All
walks to an ending (s, f) are as likely as each other, so that beyond s, f and the scores of the successes, nothing
informs: averaged over what it leaves open, the estimate is ``n_{1,k}(s, f) / n(s, f)`` times the mean score of the s
successes, n(s, f) the walks from (0, 0) to (s, f) and n_{1,k}(s, f) those from (1, k). That is a Rao-Blackwell step,
and in one line ``sum n_{1,k}(s, f) p^(s-1) q^(f-k) = 1`` over the endings, for a walk from (1, k) ends somewhere. For
an objective ``w = sum_k c_k q^k`` each success then gets N times ``sum_k c_k n_{1,k}(s, f) / (s n(s, f))``.

A number beta times the sum of all scores has the mean 0 whatever the design is (Wald: the scores up to rollout n, less
their mean 0, are a martingale, and the design looks at no later ones). Their mean over N has not, for N depends on
them. So it is ``beta / cap`` times their sum that is subtracted, which is beta times their mean where N is the cap.

Source: unbiased estimates at accessible points, M. A. Girshick, F. Mosteller and L. J. Savage, Ann. Math. Statist. 17
(1946) 13.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._arguments import at, finite, is_number, one_of, short, words
from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates.baselines import BASELINES, Baseline
from maxrl_est.estimates.grouped import blocks, id_at
from maxrl_est.estimates.groups import Groups
from maxrl_est.estimators.designs._design import Design, design_of
from maxrl_est.objectives import Objective, ObjectiveLike, exact_number, meant
from maxrl_est.objectives._numbers import in_one_unit


def objective_under(design: Design, objective: ObjectiveLike) -> Objective:
    """The objective that is meant: MaxRL of the largest order that walks can reach, where None is given.

    ValueError for one with a term that no walk reaches.
    """
    reached = _reached(design)
    if objective is None:
        return Objective.maxrl(next(k for k in range(1, design.cap + 1) if k not in reached))
    goal = meant(objective)
    for k, c in enumerate(goal.rational_coefficients):
        if c and k not in reached:
            raise ValueError(
                f"objective must have terms that {design} reaches, got {goal.name}: its term (1 - p)^{k} is estimated "
                f"where 1 success and {k} failures have come, and there no walk comes"
            )
    return goal


@functools.lru_cache(maxsize=64)
def _reached(design: Design) -> frozenset[int]:
    """The k for which a walk can come to (1, k)."""
    return frozenset(f for s, f in design.reached() if s == 1)


@functools.lru_cache(maxsize=64)
def of_successes(design: Design, objective: Objective) -> Mapping[tuple[int, int], Fraction]:
    """What the score of each success is multiplied with in g, at each ending (s, f): 0 where there is none.

    >>> from maxrl_est.estimators.designs import until_mixed
    >>> {ending: str(share) for ending, share in of_successes(until_mixed(3), Objective.maxrl(3)).items()}
    {(1, 1): '1', (0, 3): '0', (1, 2): '1', (2, 1): '1/2', (3, 0): '1/3'}
    """
    c, unit = in_one_unit(objective.rational_coefficients)
    shares: dict[tuple[int, int], Fraction] = {}
    endings = dict(design.sizes)
    for size, row in design.walk(lambda size: [(1, c[size - 1])] if 0 < size <= len(c) else []):
        for s, f, paths in endings.get(size, ()):
            shares[s, f] = Fraction(row.get(s, 0), unit * s * paths) if s else Fraction(0)
    return shares


class Unbiased:
    """Advantages of groups that a design has drawn, unbiased for an objective; refused as `advantages` says."""

    def __init__(self, design: Design, objective: ObjectiveLike, baseline: Baseline) -> None:
        self.design = design_of(design)
        self.baseline = _constant(baseline) / design.cap
        self.shares = of_successes(design, objective_under(design, objective))

    def fill(self, given: Groups, ids: Any, filled: Array) -> None:
        """Fill advantages (B, N) of checked groups (B, N), or (1, M) of flat rollouts with ids of their groups."""
        _need_binary(given, ids)
        if ids is None:
            filled[:] = self._of(given.values, lambda row: at("likelihoods", np.unravel_index(row, given.batch)))
            return
        for block in blocks("groups", ids, given.size, "likelihoods"):
            firsts = block.ids
            filled[0, block.rows] = self._of(
                given.values[0, block.rows],
                lambda row, firsts=firsts: f"likelihoods of group {id_at(ids, firsts[row])}",
            )

    def _of(self, groups: Array, called: Any) -> Array:
        size = groups.shape[1]
        successes = groups.sum(axis=1).astype(int)
        own = {int(s): self.shares.get((int(s), size - int(s))) for s in np.unique(successes)}
        for row, s in enumerate(successes.tolist()):
            if own[s] is None:
                rule = f"{called(row)} must be s successes and f failures with which {self.design} ends"
                raise ValueError(f"{rule}, got s, f = {s}, {size - s}")
        exact = {
            s: [size * (share * l - self.baseline) for l in (0, 1)] for s, share in own.items() if share is not None
        }
        table = np.array([exact[s] for s in successes.tolist()], dtype=groups.dtype).reshape(-1, 2)
        return np.where(groups == 1, table[:, 1:], table[:, :1])


def _constant(baseline: Baseline) -> Fraction:
    """What is subtracted, as an exact number."""
    if isinstance(baseline, str) and one_of("baseline", baseline, BASELINES) != "none":
        raise ValueError(
            f"baseline must be 'none' or a number where a design is given, got {words(baseline)}: rollouts decide how "
            "many follow, so that a baseline of the others depends on rollout i"
        )
    if baseline is None or isinstance(baseline, str):
        return Fraction(0)
    if not is_number(baseline):
        raise TypeError(f"baseline must be 'none' or a number where a design is given, got {words(baseline)}")
    finite("baseline", baseline)
    return exact_number("baseline", baseline)


def _need_binary(given: Groups, ids: Any) -> None:
    """ValueError for the first likelihood that is neither 0 nor 1."""
    outside = np.argwhere((given.values != 0) & (given.values != 1))
    if len(outside):
        row, i = outside[0].tolist()
        index = (i,) if ids is not None else (*np.unravel_index(row, given.batch), i)
        value = given.values[row, i]
        raise ValueError(f"{at('likelihoods', index)} must be 0 or 1 where a design is given, got {short(value)}")
