"""Rewriting: with a lemma that is proved on the spot, or a sum read backwards."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from .claim import Refuted, Rule, eq
from .domain import Domain
from .identities import sides, single


@dataclass(frozen=True)
class Using(Rule):
    """An equation is proved; with its right side wherever its left side stood, another rule applies."""

    lemma: sp.Eq
    by: Rule
    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check the lemma, rewrite, and check the rest."""
        self.by.check(self.lemma, domain)
        bound = {limits[0] for total in relation.atoms(sp.Sum, sp.Integral) for limits in total.limits}
        if bound & self.lemma.free_symbols:  # the domain says nothing of a bound variable of the same name
            raise Refuted(f"{self.lemma} is not about {bound & self.lemma.free_symbols}")
        sides = (side.xreplace({self.lemma.lhs: self.lemma.rhs}) for side in relation.args)
        self.then.check(relation.func(*sides, evaluate=False), domain)


def require_bound(symbols: set[sp.Symbol], domain: Domain) -> None:
    """Raise Refuted if the domain knows something of a symbol that is bound by a sum or integral."""
    known = symbols & {symbol for constraint in domain.constraints for symbol in constraint.free_symbols}
    if known:
        raise Refuted(f"{known} means two things")


@dataclass(frozen=True)
class Reversed(Rule):
    """The sum on the left, read from its last term to its first."""

    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Read backwards and apply the rule."""
        total, value = sides(relation)
        term, (k, low, high) = single(total, sp.Sum, domain)
        self.then.check(eq(sp.Sum(term.subs(k, low + high - k), (k, low, high)), value), domain)


@dataclass(frozen=True)
class Inside(Rule):
    """A part of the relation has a value, by a rule of its own; with that in its place, another rule applies."""

    part: sp.Expr
    value: sp.Expr
    by: Rule
    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check the value of the part for all indices of the sums around it, then the rest."""
        if not relation.has(self.part):
            raise Refuted(f"{self.part} is no part of {relation}")
        inner = {x for total in self.part.atoms(sp.Sum, sp.Integral) for x in total.bound_symbols}
        require_bound({x for total in relation.atoms(sp.Sum, sp.Integral) for x in total.bound_symbols} - inner, domain)
        around = [total for total in relation.atoms(sp.Sum) if total.has(self.part) and total != self.part]
        for total in around or [None]:
            ranges = (
                []
                if total is None
                else [bound for k, low, high in total.limits for bound in (sp.Ge(k, low), sp.Le(k, high))]
            )
            self.by.check(eq(self.part, self.value), domain.given(*ranges))
        self.then.check(relation.xreplace({self.part: self.value}), domain)
