"""The r-th derivative of f(t) = E_m(1 - t l) is at most (c S)^r in size, with m = T - 1 of n values and c = m/n.

In powers of t, f is sum_j (-t)^j C(m,j)/C(n,j) e_j(l) (any-order-integral). A (j+r)-subset is an r-subset R and j
others in C(j+r,r) ways, so the second step says that (-1)^r f^(r) is r! C(m,r)/C(n,r) times the sum over R of l_R times
the mean of the products of 1 - t l over the (m-r)-subsets of the n - r values outside R. That mean lies between 0 and
1, and r! e_r(l) <= S^r (derivative-bound). For r > m, f^(r) is 0. So what quadrature-nodes says holds with c S for S.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Step, eq, le
from .ratios import Ratios

j, m, n, r = sp.symbols("j m n r", integer=True)

share = sp.binomial(m, r) / sp.binomial(n, r)  # of the m-subsets that hold a given r-subset
outside = sp.binomial(m - r, j) / sp.binomial(n - r, j)

CLAIM = Claim(
    id="any-order-derivatives",
    says="|d^r/dt^r E_m(1 - t l)| <= C(m,r)/C(n,r) r! e_r(l) <= (c S)^r on [0,1], c = m/n: nodes are counted with c S",
    domain=Domain(sp.Ge(r, 0), sp.Le(r, m), sp.Ge(n, m), sp.Ge(m, 1)),
    steps=(
        Step(
            "each factor of the share is at most the first",
            le(share, (m / n) ** r),
            Ratios(r, 0, (m - r) / (n - r), m / n, Manifest(r * (n - m) / (n * (n - r)))),
        ),
        Step(
            "the coefficients of the r-th derivative are those of the means outside of r values",
            eq(
                sp.factorial(j + r) / sp.factorial(j) * sp.binomial(m, j + r) / sp.binomial(n, j + r),
                sp.factorial(r) * share * sp.binomial(j + r, r) * outside,
            ),
            Algebra(),
            Domain(sp.Ge(r, 0), sp.Ge(j, 0), sp.Le(j + r, m), sp.Ge(n, m)),
        ),
    ),
    sibling=le(share, (m / (n + 1)) ** r),  # c = (T-1)/N
)
