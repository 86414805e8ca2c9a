"""Draws that bring more than a likelihood and a score: a length, a ratio, what the leaves of a branch share.

A `Draw` lists products of what one draw brings, each with the name of its mean. That is a definition where the name is
new, and else a fact that the claim's docstring has to give: that a score has the mean 0, or E_mu[rho f] = E_pi[f].
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from ..checking.claim import Refuted, Rule
from ..checking.domain import Domain
from ..checking.identities import differentiated
from ..checking.rewards import q_i
from ..checking.statistics import OTHERS, E, Mean, l_i, mean_by_terms, require_defined

Draw = tuple[tuple[sp.Expr, sp.Expr], ...]  # products of what one draw brings, and their means


class Subsets(sp.Function):
    """The mean over all k-subsets of the others of the product of f, written with what rollout j brings."""

    nargs = 2

    @classmethod
    def eval(cls, k: sp.Expr, f: sp.Expr) -> sp.Expr | None:
        return sp.S.One if k == 0 else None

    def _latex(self, printer: sp.printing.latex.LatexPrinter, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return rf"E_{{{printer._print(self.args[0])}}}{power}\left({printer._print(self.args[1])}\right)"


@dataclass(frozen=True)
class IndependentDraws(Rule):
    """Draws are independent: the mean of a product is that of each draw's part, by name; then the rule is applied.

    The product over a k-subset of the others has the k-th power of one's mean, so that `Subsets` has it too.
    """

    draws: tuple[Draw, ...]
    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Replace every Mean, and apply the rule."""
        symbols = [frozenset().union(*(product.free_symbols for product, _ in draw)) for draw in self.draws]
        if len(frozenset().union(*symbols)) != sum(map(len, symbols)):
            raise Refuted("two draws are not independent, as they share a symbol")

        def taken(node: sp.Expr) -> sp.Expr:
            return mean_by_terms(node.args[0].subs(q_i, 1 - l_i), of_product)

        def of_product(factors: tuple[sp.Expr, ...]) -> sp.Expr:
            return self._mean(factors, symbols)

        require_defined(
            relation.func(*(side.replace(Subsets, lambda k, _: E(k, OTHERS)) for side in relation.args)), domain
        )
        sides = [side.replace(lambda node: isinstance(node, Mean), taken) for side in relation.args]
        if any(side.free_symbols & frozenset().union(*symbols) for side in sides):
            raise Refuted(f"{relation} has what is random outside of a mean")
        self.then.check(relation.func(*map(differentiated, sides), evaluate=False), domain)

    def _mean(self, factors: tuple[sp.Expr, ...], symbols: list[frozenset[sp.Symbol]]) -> sp.Expr:
        result, parts = sp.S.One, [sp.S.One] * len(symbols)
        others: set[int] = set()  # the draws that a statistic of the others is of
        for factor in factors:
            of = [place for place, own in enumerate(symbols) if factor.free_symbols & own]
            nested = any(argument.has(Subsets) for argument in factor.args) or (isinstance(factor, Subsets) and not of)
            if len(of) > 1 or nested:
                raise Refuted(f"{factor} is no product of what single draws bring")
            if not of:
                result *= factor
            elif isinstance(factor, Subsets):
                if of[0] in others:
                    raise Refuted(f"the mean of a product of two statistics of the others is not known: {factors}")
                others.add(of[0])
                k, f = factor.args
                result *= mean_by_terms(f, lambda inner: self._mean(inner, symbols)) ** k
            else:
                parts[of[0]] *= factor
        for place, part in enumerate(parts):
            if part != 1 and place in others:
                raise Refuted(f"{part} is of one of the others")
            result *= sp.S.One if part == 1 else _named(part, self.draws[place])
        return result


def _named(product: sp.Expr, draw: Draw) -> sp.Expr:
    for known, mean in draw:
        if known == product:
            return mean
    raise Refuted(f"no name for the mean of {product}")
