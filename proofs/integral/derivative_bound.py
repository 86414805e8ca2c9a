"""The r-th derivative of prod_j (1 - t l_j) is at most S^r in size on [0,1], where S is the sum of the l_j.

By induction on the number of factors. If h is the (r-1)-th derivative of P, the second step says by induction on r that
the r-th derivative of P (1 - t l) is h' (1 - t l) - r l h. With |h| <= S^(r-1), |h'| <= S^r and 0 <= 1 - t l <= 1 that
is at most S^r + r l S^(r-1), hence, by the first step, at most (S + l)^r (for r = 1 both are S + l). At t = 0 the
derivatives are (-1)^r r! e_r: the same induction bounds r! e_r by S^r.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Slopes, Step, eq, le

r = sp.Symbol("r", integer=True)
t, l, S = sp.symbols("t l S", real=True)
h = sp.Function("h", real=True)(t)

CLAIM = Claim(
    id="derivative-bound",
    says="|d^r/dt^r prod_j (1 - t l_j)| <= S^r on [0,1], and r! e_r(l) <= S^r: one factor more adds its l to S",
    domain=Domain(sp.Ge(r, 2), sp.Ge(S, 0), sp.Ge(l, 0)),
    steps=(
        Step(
            "one value more",
            le(S**r + r * l * S ** (r - 1), (S + l) ** r),
            Slopes(l, sp.S.Zero, Slopes(l, sp.S.Zero, Manifest(r * (r - 1) * (S + l) ** (r - 2)))),
        ),
        Step(
            "the derivatives of a product with a linear factor",
            eq(
                sp.Derivative(h.diff(t) * (1 - t * l) - r * l * h, t),
                h.diff(t, 2) * (1 - t * l) - (r + 1) * l * h.diff(t),
            ),
            Algebra(),
        ),
        Step(
            "r! e_r takes part in the same induction",
            eq(sp.factorial(r) * l / sp.factorial(r - 1), r * l),
            Algebra(),
        ),
    ),
    sibling=le(S**r + r * l * S ** (r - 1), S**r + l**r),
)
