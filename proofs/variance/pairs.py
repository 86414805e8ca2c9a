"""Means over pairs of rollouts: a statistic of the others sees rollout j."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from ..checking.claim import Rule
from ..checking.domain import Domain
from ..checking.statistics import OTHERS, REST, E, Independence, Mean, N, S_j, Survival, by_rollout_i, l_j


@dataclass(frozen=True)
class Pairs(Rule):
    """In a mean over rollouts i and j, j is split off the statistics of all but i; then means are taken as usual."""

    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Split, take means, and apply the rule."""
        sides = (side.replace(lambda node: isinstance(node, Mean), _by_rollout_j) for side in relation.args)
        Independence(self.then).check(relation.func(*sides, evaluate=False), domain)


def _by_rollout_j(mean: sp.Expr) -> sp.Expr:
    """E_k(q_{-i}) and the product over j != i, by the chance k/(N-1) that a k-subset of the others contains j."""
    if not mean.has(l_j, S_j):
        return mean

    def split(node: sp.Expr) -> sp.Expr:
        first = node.args[0]
        if isinstance(node, Survival):
            return (1 - first * l_j) * Survival(first, REST)
        chance = first / (N - 1)
        return (1 - chance) * E(first, REST) + chance * (1 - l_j) * E(first - 1, REST)

    argument = by_rollout_i(mean.args[0])
    return Mean(argument.replace(lambda node: isinstance(node, E | Survival) and node.args[1] == OTHERS, split))
