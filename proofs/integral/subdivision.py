"""Bounds on an interval that is cut into parts."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import sympy as sp
from sympy.core.relational import Relational

from ..checking import Domain, Refuted, Rule
from ..checking.enclosures import Interval, enclose, point
from ..checking.inequalities import gap

DEPTH = 16  # how often an interval may be halved


@dataclass(frozen=True)
class Subdivision(Rule):
    """The gap is positive from low to high, which is cut until bounds on each part show it; and it is small somewhere.

    On a part of half-width h with middle c the gap is at least its value at c less h times its steepest slope.
    """

    on: sp.Symbol
    low: sp.Expr
    high: sp.Expr
    least_at: sp.Expr
    least: sp.Expr  # the gap at least_at is below this, so no larger bound would do

    def check(self, relation: Relational, domain: Domain) -> None:
        """Cut the interval, then look at the point where the gap is least."""
        x, difference = self.on, gap(relation)
        if not domain.nonnegative(x - self.low) or not domain.nonnegative(self.high - x):
            raise Refuted(f"{x} may be outside {self.low}..{self.high}")
        slope = sp.diff(difference, x)
        low, high, least_at, least = (
            Fraction(int(number.p), int(number.q))
            for number in map(sp.Rational, (self.low, self.high, self.least_at, self.least))
        )
        if not low <= least_at <= high or enclose(difference, {x: point(least_at)}).high >= least:
            raise Refuted(f"the gap at {x} = {least_at} is not below {least}")
        parts = [(low, high, 0)]
        while parts:
            start, end, depth = parts.pop()
            middle, half = (start + end) / 2, (end - start) / 2
            steepest = enclose(slope, {x: Interval(start, end)})
            value = enclose(difference, {x: point(middle)})
            if value.low - half * max(abs(steepest.low), abs(steepest.high)) > 0:
                continue
            if depth == DEPTH or value.high <= 0:
                raise Refuted(f"the gap at {x} = {float(middle)} may be {float(value.low)}")
            parts += [(start, middle, depth + 1), (middle, end, depth + 1)]


@dataclass(frozen=True)
class Cases(Rule):
    """The relation holds up to a point by one rule, and from it on by another."""

    on: sp.Symbol
    until: sp.Expr
    below: Rule
    above: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check both cases."""
        self.below.check(relation, domain.given(sp.Le(self.on, self.until)))
        self.above.check(relation, domain.given(sp.Ge(self.on, self.until)))
