"""Rules for inequalities. Each proves its bound, and that the bound is attained: a looser one is rejected too."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from .claim import Refuted, Rule
from .domain import Domain
from .identities import differentiated, require_equal, slope


def gap(relation: Relational) -> sp.Expr:
    """The larger side less the smaller."""
    if not isinstance(relation, sp.Ge | sp.Le | sp.Gt | sp.Lt):
        raise Refuted(f"{relation} is no inequality")
    return differentiated(relation.gts - relation.lts)


def _weak_gap(relation: Relational) -> sp.Expr:
    """The gap of an inequality that allows for equality."""
    if isinstance(relation, sp.Gt | sp.Lt):
        raise Refuted(f"{relation} is strict, but its sides are equal somewhere")
    return gap(relation)


@dataclass(frozen=True)
class Manifest(Rule):
    """The gap equals a form whose sign is plain: a sum of products of expressions of known sign.

    A strict inequality needs a form that is plainly positive.
    """

    form: sp.Expr

    def check(self, relation: Relational, domain: Domain) -> None:
        """Compare the gap with the form, then look at the form's sign."""
        require_equal(gap(relation), self.form, domain, "the gap is not the form")
        strict = isinstance(relation, sp.Gt | sp.Lt)
        if not (domain.positive(self.form) if strict else domain.nonnegative(self.form)):
            raise Refuted(f"the sign of {self.form} is not plain")


@dataclass(frozen=True)
class Growing(Rule):
    """The gap is zero at the start, and its derivative (or, for an integer, its increase) is plainly nonnegative."""

    on: sp.Symbol
    start: sp.Expr
    slope: sp.Expr

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check the start, then the slope and its sign beyond the start."""
        x, difference = self.on, _weak_gap(relation)
        at_start = domain.at(x, self.start)
        require_equal(difference.subs(x, self.start), sp.S.Zero, at_start, "there is a gap at the start")
        if not domain.nonnegative(x - self.start) or not domain.reaches(x, self.start):
            raise Refuted(f"the domain does not reach from {self.start} up to {x}")
        increase = difference.subs(x, x + 1) - difference if x.is_integer else slope(difference, x)
        require_equal(increase, self.slope, domain, "the slope is not the form")
        if not domain.nonnegative(self.slope):
            raise Refuted(f"the sign of {self.slope} is not plain")


@dataclass(frozen=True)
class Concave(Rule):
    """The gap is zero at both ends of an interval, and its second derivative is plainly nonpositive."""

    on: sp.Symbol
    low: sp.Expr
    high: sp.Expr
    curvature: sp.Expr  # minus the second derivative

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check both ends, then the curvature and its sign."""
        x, difference = self.on, _weak_gap(relation)
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
