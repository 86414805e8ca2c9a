"""A factor of the integrand lies between a power of 1 - t and an exponential, and so does the product.

Both bounds multiply: if A <= P <= B for the product of some factors, one factor more keeps the order, by the last two
steps.
"""

import sympy as sp

from ..checking import Claim, Concave, Domain, Manifest, Slopes, Step, le

t, l, A, P, B = sp.symbols("t l A P B", real=True)

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
