"""At order T the integrand f(t) = E_m(1 - t l) falls at least as exp(-c t S), with m = T - 1 of n values and c = m/n.

E_m is symmetric and affine in each q = 1 - t l. The second step replaces two of them by their average: E_m grows, for
what multiplies their product is a mean over (m-2)-subsets of the rest, D >= 0. Among the points of the cube with the
same sum at which E_m is largest, take one with the least sum of squares: if two values differed, their average would
have a lesser one. So all are equal, 1 - t s with s = S/n, and E_m <= (1 - t s)^m (Maclaurin). Hence what the claim tail
says of the cut holds with c S for the sum of the others.
"""

import sympy as sp

from ..checking import Claim, Domain, Manifest, Slopes, Step, le
from .ratios import Ratios

m, n = sp.symbols("m n", integer=True)
t, s, A, B, D, q_1, q_2 = sp.symbols("t s A B D q_1 q_2", real=True)


def mean(total: sp.Expr, product: sp.Expr) -> sp.Expr:
    """E_m with two values split off, of this sum and product; A, B and D are E_m, E_(m-1) and E_(m-2) of the rest."""
    return ((n - m) * (n - m - 1) * A + m * (n - m) * total * B + m * (m - 1) * product * D) / (n * (n - 1))


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
            le(mean(q_1 + q_2, q_1 * q_2), mean(q_1 + q_2, ((q_1 + q_2) / 2) ** 2)),
            Manifest(m * (m - 1) / (n * (n - 1)) * D * (q_1 - q_2) ** 2 / 4),
            Domain(sp.Ge(m, 1), sp.Ge(n, m), sp.Ge(n, 2), sp.Ge(D, 0)),
        ),
    ),
    sibling=le((1 - t * s) ** m, sp.exp(-n * t * s)),  # S for c S
)
