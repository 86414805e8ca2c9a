"""Rules that do not change under l -> a l + b, a > 0: what they see of a group of two values."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from ..checking.algebra import equal
from ..checking.claim import Refuted, Rule
from ..checking.domain import Domain
from ..checking.identities import single


class Advantage(sp.Function):
    """A(s, K): an unknown function of a member's standardised value, in a group where K of N have the higher of two.

    A rule that does not change under l -> a l + b gives what it gives to the group (l - mean)/sd. Of that group, where
    all have one of two values, s is the member's own value and K says how many have which.
    """

    nargs = 2

    def _latex(self, printer: sp.printing.latex.LatexPrinter, exp: str | None = None) -> str:
        return rf"A\left({', '.join(map(printer._print, self.args))}\right)"


@dataclass(frozen=True)
class Standardised(Rule):
    """A at standardised values that are equal is one unknown function of K; then the rule is applied.

    Each A stands in a sum over K; there its first argument has to equal one of the values that are given.
    """

    values: tuple[sp.Expr, ...]
    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Replace every A by the function that its value has, and apply the rule."""

        def inside(total: sp.Sum) -> sp.Expr:
            term, (k, low, high) = single(total, sp.Sum, domain)
            where = domain.given(sp.Ge(k, low), sp.Le(k, high))
            return sp.Sum(term.replace(Advantage, lambda s, K: self._at(s, K, k, where)), (k, low, high))

        sides = (side.replace(lambda node: isinstance(node, sp.Sum), inside) for side in relation.args)
        self.then.check(relation.func(*sides, evaluate=False), domain)

    def _at(self, s: sp.Expr, K: sp.Expr, index: sp.Symbol, domain: Domain) -> sp.Expr:
        for place, value in enumerate(self.values):
            if index == K and equal(s, value, domain):
                return sp.Function(f"A_{place}")(K)
        raise Refuted(f"{s} is none of the standardised values {self.values} beside {K}")
