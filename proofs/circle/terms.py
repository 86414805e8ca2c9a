"""How much a term of the circle's sum can be, so that those below rounding are left out.

A term is W_b prod_j (1 - t phi_b l_j) = prod_j (1 + z q_j) z^(-m)/(M C(n,m)) with q = 1 - t l in [0,1]. With w = |1+z|
and Re z = (w^2 - 1 - r^2)/2, the first step is |1 + z q| <= 1 - q + q w, squared; w differs from 1 by r at most. So the
term is at most max(1, w)^n r^(-m)/(M C(n,m)) in size, by the next two steps. Relative to the weight there is more to
say: with u = max(0, w - 1) the product is at most prod (1 + u q_j) = sum_k C(n,k) u^k E_k, and the integral of E_k at
most max(1, (m+1)/(k+1)) times that of E_m (circle-aliases). So the share is at most

    sum_k C(n,k) u^k max(1, (m+1)/(k+1)) r^(-m)/(M C(n,m)),

where the sum is m + 1 at u = 0, else by the fourth step at most (1+u)^n + (m+1) ((1+u)^(n+1) - 1)/((n+1) u). Without
the 0 in u the sum would alternate for w < 1. By the last step w falls with the angle of z, whose cosine is C, as the
characteristic function of a Bernoulli variable of mean c = r/(1+r).
"""

import sympy as sp

from ..checking import Algebra, Antiderivative, Claim, Domain, Manifest, Step, eq, le

n = sp.Symbol("n", integer=True)
q, r, u, w, y, C = sp.symbols("q r u w y C", real=True)

x = (w**2 - 1 - r**2) / 2
size = (1 + q * x) ** 2 + q**2 * (r**2 - x**2)  # |1 + z q|^2

CLAIM = Claim(
    id="circle-terms",
    says="|term b| <= max(1, |1+z_b|)^n r^-m/(M C(n,m)); its share of the weight by max(0, |1+z|-1)",
    domain=Domain(sp.Ge(q, 0), sp.Le(q, 1), sp.Ge(w, 0), sp.Le(w - 1, r), sp.Le(1 - w, r)),
    steps=(
        Step(
            "a chord above a convex function",
            le(size, (1 - q + q * w) ** 2),
            Manifest(q * (1 - q) * (r - w + 1) * (r + w - 1)),
        ),
        Step(
            "at most w where w >= 1",
            le(1 - q + q * w, w),
            Manifest((1 - q) * (w - 1)),
            Domain(sp.Le(q, 1), sp.Ge(w, 1)),
        ),
        Step("at most 1 where w <= 1", le(1 - q + q * w, 1), Manifest(q * (1 - w)), Domain(sp.Ge(q, 0), sp.Le(w, 1))),
        Step(
            "sum_k C(n,k) u^k/(k+1)",
            eq(sp.Integral((1 + u * y) ** n, (y, 0, 1)), ((1 + u) ** (n + 1) - 1) / ((n + 1) * u)),
            Antiderivative((1 + u * y) ** (n + 1) / ((n + 1) * u)),
            Domain(sp.Ge(n, 0), sp.Gt(u, 0)),
        ),
        Step(
            "w^2 relative to that of z = r",
            eq((1 + 2 * r * C + r**2) / (1 + r) ** 2, 1 - 2 * (r / (1 + r)) * (1 / (1 + r)) * (1 - C)),
            Algebra(),
            Domain(sp.Gt(r, 0)),
        ),
    ),
    sibling=le(size, w**2),  # without the maximum
)
