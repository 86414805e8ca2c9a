"""Rules for inequalities. Each proves its bound, and that the bound is attained: a looser one is rejected too."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from .claim import Refuted, Rule, eq
from .domain import Domain
from .identities import Algebra, differentiated, require_equal, slope

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


@dataclass(frozen=True)
class Concave(Rule):
    """The gap is zero at both ends of an interval, and its second derivative is plainly nonpositive."""

    on: sp.Symbol
    low: sp.Expr
    high: sp.Expr
    curvature: sp.Expr  # minus the second derivative

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check both ends, then the curvature and its sign."""
        x, difference = self.on, gap(relation)
        if isinstance(relation, sp.Gt | sp.Lt):
            raise Refuted(f"{relation} is strict, but its sides are equal at both ends")
        for end in (self.low, self.high):
            if not domain.reaches(x, end):
                raise Refuted(f"the domain does not reach from {x} to {end}")
            at_end = domain.at(x, end)
            require_equal(difference.subs(x, end), sp.S.Zero, at_end, f"there is a gap at {end}")
        if not domain.nonnegative(x - self.low) or not domain.nonnegative(self.high - x):
            raise Refuted(f"{x} may be outside {self.low}..{self.high}")
        require_equal(-slope(slope(difference, x), x), self.curvature, domain, "the curvature is not the form")
        if not domain.nonnegative(self.curvature):
            raise Refuted(f"the sign of {self.curvature} is not plain")
