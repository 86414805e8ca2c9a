"""Rewriting with a lemma that is proved on the spot."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from .claim import Refuted, Rule
from .domain import Domain


@dataclass(frozen=True)
class Using(Rule):
    """An equation is proved; then its left side is replaced by its right side wherever it stands, and `then` decides."""

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
