"""At order T the integrand f(t) = E_m(1 - t l) falls at least as exp(-c t S), with m = T - 1 of n values and c = m/n.

E_m is symmetric and affine in each q = 1 - t l: of two values it is A + B (q_1 + q_2) + D q_1 q_2, where A, B and D are
means of products of the rest times shares of subsets, D >= 0. So E_m grows if both are replaced by their average, by
the second step. Among the points of the cube with the same sum at which E_m is largest, take one with the least sum of
squares: if two values differed, their average would have a lesser one. So all are equal, 1 - t s with s = S/n, and E_m
<= (1 - t s)^m (Maclaurin). Hence what the claim tail says of the cut holds with c S for the sum of the others.
"""

import sympy as sp

from ..checking import Claim, Domain, Manifest, Slopes, Step, le
from .ratios import Ratios

m, n = sp.symbols("m n", integer=True)
t, s, A, B, D, q_1, q_2 = sp.symbols("t s A B D q_1 q_2", real=True)

CLAIM = Claim(
    id="any-order-decay",
    says="E_m(1 - t l) <= (1 - t s)^m <= exp(-m t s) = exp(-c t S), s = S/n: less than at full order, where c = 1",
    domain=Domain(sp.Ge(m, 0), sp.Ge(n, m), sp.Ge(n, 2), sp.Ge(t, 0), sp.Le(t, 1), sp.Ge(s, 0), sp.Le(s, 1)),
    steps=(
        Step(
            "one subset's product where all values are equal",
            le((1 - t * s) ** m, sp.exp(-m * t * s)),
            Ratios(
                m, 0, (1 - t) + t * (1 - s), sp.exp(-t * s), Slopes(t, sp.S.Zero, Manifest(s * (1 - sp.exp(-t * s))))
            ),
        ),
        Step(
            "two values give way to their average",
            le(A + B * (q_1 + q_2) + D * q_1 * q_2, A + B * (q_1 + q_2) + D * ((q_1 + q_2) / 2) ** 2),
            Manifest(D * (q_1 - q_2) ** 2 / 4),
            Domain(sp.Ge(D, 0)),
        ),
    ),
    sibling=le((1 - t * s) ** m, sp.exp(-n * t * s)),  # S for c S
)
