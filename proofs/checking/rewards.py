"""Advantages of a group: means given the other rollouts, at 0/1 rewards, and averages over the group.

An advantage is best written by what a success and a failure get, a l_i + b q_i: a baseline moves both by the same
amount, so a change of one of them alone is a change of the mean gradient and does not pass unnoticed.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from .algebra import expand
from .claim import Refuted, Rule, eq
from .domain import Domain
from .identities import differentiated
from .statistics import (
    GROUP,
    OTHERS,
    REST,
    E,
    Flips,
    M,
    Mean,
    N,
    S_i,
    S_j,
    Survival,
    at_vertex,
    by_rollout_i,
    grad,
    l_i,
    l_j,
    mean_by_terms,
    mean_of_product,
    p,
    require_defined,
    require_multi_affine,
)

q_i = sp.Symbol("q_i", real=True)  # failure mass of rollout i, 1 - l_i
K = sp.Symbol("K", integer=True)  # successes of the group, at 0/1 likelihoods
m = sp.Symbol("m", integer=True)


class Statistic(sp.Function):
    """Any function, known by its name alone, of the likelihoods and scores of the members."""

    nargs = 2

    def _latex(self, printer: sp.printing.latex.LatexPrinter, exp: str | None = None) -> str:
        of = {GROUP: "z", OTHERS: "z_{-i}", REST: "z_{-i,j}"}[self.args[1]]
        power = f"^{{{exp}}}" if exp else ""
        return rf"{printer._print(self.args[0])}{power}\left({of}\right)"


class Average(sp.Function):
    """(1/N) sum over the rollouts i of a group of a statistic written with l_i, E and the sums of such."""

    nargs = 1

    def _latex(self, printer: sp.printing.latex.LatexPrinter, exp: str | None = None) -> str:
        return rf"\frac{{1}}{{N}} \sum_{{i=1}}^{{N}} \left({printer._print(self.args[0])}\right)"


class _Expected(sp.Function):
    """Mean of a statistic of the others that is left as it is."""

    nargs = 1


@dataclass(frozen=True)
class GivenOthers(Rule):
    """Independence, also of unknown statistics of the others and of products of statistics of theirs."""

    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Replace every Mean by moments and by means of statistics of the others, and apply the rule."""

        def taken(node: sp.Expr) -> sp.Expr:
            return mean_by_terms(by_rollout_i(node.args[0].subs(q_i, 1 - l_i)), _mean_of_term)

        require_defined(relation, domain)
        sides = (differentiated(side.replace(lambda node: isinstance(node, Mean), taken)) for side in relation.args)
        relation = relation.func(*sides, evaluate=False)
        if relation.has(Statistic) and any(
            side.replace(_Expected, lambda _: sp.S.One).has(Statistic) for side in relation.args
        ):
            raise Refuted(f"{relation} has a statistic outside of a mean")
        self.then.check(relation, domain)


def _mean_of_term(factors: tuple[sp.Expr, ...]) -> sp.Expr:
    if sp.Mul(*factors).has(M, K, Flips):
        raise Refuted("successes are random: their mean is taken at 0/1 rewards only")
    shared = [factor for factor in factors if factor.has(OTHERS)]
    if not any(factor.has(Statistic) for factor in factors) and len(shared) < 2:
        return mean_of_product(factors)
    rest = sp.Mul(*(factor for factor in factors if factor not in shared))
    if rest.has(GROUP, REST, M, K, l_j, S_j) or sp.Mul(*shared).has(GROUP, REST, M, K, l_i, l_j, S_i, S_j):
        raise Refuted(f"{sp.Mul(*factors)} is no product of a statistic of the others and one of rollout i")
    return _Expected(sp.Mul(*shared)) * mean_of_product(sp.Mul.make_args(rest))


@dataclass(frozen=True)
class Binary(Rule):
    """Rewards are 0/1: of the others M succeed, a Binomial(N-1, p) number that is independent of rollout i.

    Mean of f(l_i, M) S_i given M = m is (f(1, m) - f(0, m)) grad p, because E[l S] = grad p and E[(1-l) S] = -grad p.
    Kronecker's delta(M, 0) takes the term m = 0. What is not a sum is moved to the right-hand side, then the rule is
    applied.
    """

    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Replace every Mean by the sum over m, and apply the rule."""
        if not isinstance(relation, sp.Eq):
            raise Refuted(f"{relation} is no equation")
        left, right = (side.replace(lambda node: isinstance(node, Mean), _sum_over_successes) for side in relation.args)
        if left.has(Mean, M, l_i, S_i, q_i) or right.has(Mean, M, l_i, S_i, q_i):
            raise Refuted(f"{relation} has what is random outside of a mean")
        plain = sp.Add(*(term for term in sp.Add.make_args(left) if not term.has(sp.Sum)))
        if plain == left:
            plain = sp.S.Zero
        self.then.check(eq(left - plain, right - plain), domain)


def _sum_over_successes(node: sp.Expr) -> sp.Expr:
    inner, nobody = node.args[0].subs(q_i, 1 - l_i), sp.Dummy("nobody")
    inner = inner.xreplace({sp.KroneckerDelta(M, 0): nobody})
    if inner.has(E, Survival, Flips, Statistic, Average, sp.KroneckerDelta, GROUP, OTHERS, REST, K, l_j, S_j, m):
        raise Refuted(f"{node} is not written with l_i, S_i and the others' successes")

    def given(f: sp.Expr) -> sp.Expr:
        """Mean over rollout i, at M of the others' successes."""
        slope = sp.diff(f, S_i)
        if slope.has(S_i):
            raise Refuted(f"{f} is not affine in the score")
        level = f.subs(S_i, 0)
        return (slope.subs(l_i, 1) - slope.subs(l_i, 0)) * grad + level.subs(l_i, 1) * p + level.subs(l_i, 0) * (1 - p)

    if sp.diff(inner, nobody, 2) != 0:
        raise Refuted(f"{node} is not affine in Kronecker's delta")
    chance = sp.binomial(N - 1, m) * p**m * (1 - p) ** (N - 1 - m)
    first = given(sp.diff(inner, nobody)).subs(M, 0) * (1 - p) ** (N - 1)
    return sp.Sum(chance * given(inner.subs(nobody, 0)).subs(M, m), (m, 0, N - 1)) + first


@dataclass(frozen=True)
class Counted(Rule):
    """Both sides are symmetric and affine in each likelihood: they agree if they do at K = 0, 0 < K < N and K = N.

    With K successes, K rollouts have l_i = 1 and K - 1 successes among the others, N - K have l_i = 0 and K.
    """

    some: Rule
    nobody: Rule
    everybody: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check that both sides are multi-affine, then the three cases."""
        if not isinstance(relation, sp.Eq):
            raise Refuted(f"{relation} is no equation")
        require_defined(relation, domain)
        for side in relation.args:
            _require_averages(side)
        cases = (
            ("K = 0", self.nobody, sp.S.Zero, domain),
            ("K = N", self.everybody, N, domain),
            ("0 < K < N", self.some, K, domain.given(sp.Ge(K, 1), sp.Le(K, N - 1))),
        )
        for case, rule, successes, where in cases:
            left, right = (_counted(side, successes) for side in relation.args)
            try:
                rule.check(eq(left, right), where)
            except Refuted as reason:
                raise Refuted(f"at {case}: {reason}") from reason


def _counted(expression: sp.Expr, successes: sp.Expr) -> sp.Expr:
    def average(node: sp.Expr) -> sp.Expr:
        f = by_rollout_i(node.args[0].subs(q_i, 1 - l_i))
        success = at_vertex(f.subs(l_i, 1)).subs(M, successes - 1) if successes != 0 else 0
        failure = at_vertex(f.subs(l_i, 0)).subs(M, successes) if successes != N else 0
        return successes / N * success + (1 - successes / N) * failure

    def of_group(node: sp.Expr) -> sp.Expr:
        return sp.binomial(N - successes, node.args[0]) / sp.binomial(N, node.args[0])

    averaged = expression.replace(lambda node: isinstance(node, Average), average)
    return averaged.replace(lambda node: isinstance(node, E), of_group)


def _require_averages(expression: sp.Expr) -> None:
    """A linear combination of averages of multi-affine statistics, statistics E of the group, and constants."""
    for term in sp.Add.make_args(expand(expression)):
        random = [
            factor for factor in sp.Mul.make_args(term) if factor.has(GROUP, OTHERS, REST, l_i, q_i, Average, M, l_j)
        ]
        if not random:
            continue
        if len(random) > 1:
            raise Refuted(f"{term} is a product of statistics")
        match random[0]:
            case sp.Sum():
                _require_averages(random[0].function)
            case Average(args=(f,)) if not f.has(Average, Flips, Survival, Statistic, l_j, REST, M, K):
                require_multi_affine(by_rollout_i(f.subs(q_i, 1 - l_i)))
            case E(args=(_, members)) if members == GROUP:
                pass
            case _:
                raise Refuted(f"{random[0]} is not known to be affine in each likelihood")
