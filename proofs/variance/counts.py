"""Means over 0/1 rewards by the law of total expectation: how many succeed, which of them, then their scores."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from ..checking.algebra import expand
from ..checking.claim import Refuted, Rule, eq
from ..checking.domain import Domain
from ..checking.identities import sides
from ..checking.statistics import Mean, N, S_i, S_j, l_i, l_j

K = sp.Symbol("K", integer=True)  # successes of the group
mu_1, mu_0, Sigma_1, Sigma_0 = sp.symbols("mu_1 mu_0 Sigma_1 Sigma_0", real=True)  # of a success's score, a failure's


@dataclass(frozen=True)
class Counts(Rule):
    """Every Mean becomes a sum over the number K of successes; then the rule is applied.

    Whatever the law of K: given K, each choice of the K rollouts that succeed is equally likely, and scores are
    independent, with the mean and variance that they have given their own reward.
    """

    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Replace the means and apply the rule."""
        taken = eq(*(side.replace(lambda node: isinstance(node, Mean), _over_counts) for side in sides(relation)))
        if taken.has(Mean, l_i, l_j, S_i, S_j) or any(side.has(K) for side in _outside_of_sums(taken)):
            raise Refuted(f"{relation} has what is random outside of a mean")
        self.then.check(taken, domain)


def _outside_of_sums(relation: Relational) -> list[sp.Expr]:
    return [side.replace(lambda node: isinstance(node, sp.Sum), lambda _: sp.S.One) for side in relation.args]


def _over_counts(mean: sp.Expr) -> sp.Expr:
    if mean.args[0].has(sp.Sum, sp.Integral, Mean):
        raise Refuted(f"{mean} is no function of the rewards, the scores and their count")
    return sp.Sum(sp.Function("chance")(K) * _given_count(mean.args[0]), (K, 0, N))


def _given_count(f: sp.Expr) -> sp.Expr:
    """The mean given that K of the N rollouts succeed."""
    if not f.has(l_i, l_j, S_i, S_j):
        return f
    if not f.has(l_j, S_j):
        return K / N * _given_rewards(f, 1, 0) + (1 - K / N) * _given_rewards(f, 0, 0)
    total = sp.S.Zero
    for one, two in itertools.product((1, 0), repeat=2):
        first = K if one else N - K
        second = (K if two else N - K) - int(one == two)
        total += first * second / (N * (N - 1)) * _given_rewards(f, one, two)
    return total


def _given_rewards(f: sp.Expr, one: int, two: int) -> sp.Expr:
    result = sp.S.Zero
    for term in sp.Add.make_args(expand(f.subs({l_i: one, l_j: two}))):
        for score, reward in ((S_i, one), (S_j, two)):
            rest, power = term.as_independent(score)
            mean, variance = (mu_1, Sigma_1) if reward else (mu_0, Sigma_0)
            moments = {sp.S.Zero: sp.S.Zero, sp.S.One: sp.S.One, score: mean, score**2: variance + mean**2}
            if power not in moments:
                raise Refuted(f"the mean of {power} is not known")
            term = rest * moments[power]
        result += term
    return result
