"""At a point of the circle with Re z >= 0, leaving rollout i out by division is safe: 1 - c <= |1 - t phi l| <= 1.

With q = 1 - t l, 1 - t phi l is (1 + z q)/(1 + z) (circle-rule). In size, with x = Re z between 0 and r = |z|, squared:
the second step bounds it above, the first below, by 1/(1+r) = 1 - c.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Step, eq, le

m, n = sp.symbols("m n", integer=True)
q, r, x = sp.symbols("q r x", real=True)

whole = 1 + 2 * x + r**2  # |1 + z|^2
size = 1 + 2 * q * x + q**2 * r**2  # |1 + z q|^2

CLAIM = Claim(
    id="circle-division",
    says="1 - c <= |1 - t phi_b l| <= 1 where Re z_b >= 0, |z_b| = m/(n-m), c = m/n: a factor may be divided by",
    domain=Domain(sp.Ge(q, 0), sp.Le(q, 1), sp.Ge(x, 0), sp.Le(x, r)),
    steps=(
        Step(
            "the least is at q = 0 and z = r",
            le(1 / (1 + r) ** 2, size / whole),
            Manifest((q * (2 * x + q * r**2) * (1 + r) ** 2 + 2 * (r - x)) / (whole * (1 + r) ** 2)),
        ),
        Step("the largest at q = 1", le(size, whole), Manifest((1 - q) * (2 * x + (1 + q) * r**2))),
        Step(
            "1/(1+r) at r = m/(n-m)",
            eq(1 / (1 + m / (n - m)), 1 - m / n),
            Algebra(),
            Domain(sp.Ge(m, 1), sp.Gt(n, m)),
        ),
    ),
    sibling=le(1 / (1 + r), size / whole),
)
