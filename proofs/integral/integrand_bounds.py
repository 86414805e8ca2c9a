"""A factor of the integrand lies between a power of 1 - t and an exponential, and so does the product.

Both bounds multiply: if A <= P <= B for the product of some factors, one factor more keeps the order, by the last two
steps.
"""

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from ..checking import Claim, Domain, Manifest, Refuted, Rule, Slopes, Step, le
from ..checking.identities import require_equal, slope
from ..checking.inequalities import gap

t, l, A, P, B = sp.symbols("t l A P B", real=True)


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


CLAIM = Claim(
    id="integrand-bounds",
    says="(1-t)^l <= 1 - t l <= exp(-t l), hence (1-t)^L <= prod_j (1 - t l_j) <= exp(-t L) for L the sum of the l_j",
    domain=Domain(sp.Ge(t, 0), sp.Lt(t, 1), sp.Ge(l, 0), sp.Le(l, 1), sp.Ge(A, 0), sp.Le(A, P), sp.Le(P, B)),
    steps=(
        Step(
            "the chord of a convex function of l",
            le((1 - t) ** l, 1 - t * l),
            Concave(l, sp.S.Zero, sp.S.One, sp.log(1 - t) ** 2 * (1 - t) ** l),
        ),
        Step(
            "the tangent of a convex function of t",
            le(1 - t * l, sp.exp(-t * l)),
            Slopes(t, sp.S.Zero, Manifest(l * (1 - sp.exp(-t * l)))),
        ),
        Step(
            "a factor more keeps the order below",
            le(A * (1 - t * l), P * (1 - t * l)),
            Manifest((P - A) * ((1 - t) + t * (1 - l))),
        ),
        Step("and above", le(P * sp.exp(-t * l), B * sp.exp(-t * l)), Manifest((B - P) * sp.exp(-t * l))),
    ),
    sibling=le((1 - t) ** l, 1 - t * l / 2),
)
