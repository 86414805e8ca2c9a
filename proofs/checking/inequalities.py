"""Rules for inequalities. Each proves its bound, and that the bound is attained: a looser one is rejected too."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from .claim import Refuted, Rule, eq
from .domain import Domain
from .identities import Algebra, differentiated

ALGEBRA = Algebra()


def gap(relation: Relational) -> sp.Expr:
    """The larger side less the smaller."""
    if not isinstance(relation, sp.Ge | sp.Le | sp.Gt | sp.Lt):
        raise Refuted(f"{relation} is no inequality")
    return differentiated(relation.gts - relation.lts)


@dataclass(frozen=True)
class Manifest(Rule):
    """The gap equals a form whose sign is plain: a sum of products of expressions of known sign.

    That they are equal is algebra, or shown by another rule. A strict inequality needs a form that is plainly positive.
    """

    form: sp.Expr
    by: Rule = ALGEBRA

    def check(self, relation: Relational, domain: Domain) -> None:
        """Compare the gap with the form, then look at the form's sign."""
        self.by.check(eq(gap(relation), self.form), domain)
        strict = isinstance(relation, sp.Gt | sp.Lt)
        if not (domain.positive(self.form) if strict else domain.nonnegative(self.form)):
            raise Refuted(f"the sign of {self.form} is not plain")
