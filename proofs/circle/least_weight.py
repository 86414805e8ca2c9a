"""At order T the weight is at least T/(1 + c S), with S the sum of the n others' likelihoods, m = T - 1, c = m/n.

omega_i/T is the mean over m-subsets of Int prod (1 - t l) dt, which is at least 1/(1+x) for the subset's sum x (weight-
bounds). The mean of x is c S, by the second step. The first compares with the tangent at c S, whose mean is its value
there. Cut at a, with u = t/a, the likelihoods are a l and the integral is at least a/(1 + a c S).
"""

import sympy as sp

from ..checking import Algebra, Antiderivative, Claim, Domain, Manifest, Step, eq, le

m, n = sp.symbols("m n", integer=True)
S, a, u, x = sp.symbols("S a u x", real=True)

mean = m / n * S
of_subset = 1 / (1 + x)

CLAIM = Claim(
    id="any-order-least-weight",
    says="omega_i >= T/(1 + c S), c = (T-1)/(N-1), and of the integral up to a at least T a/(1 + a c S)",
    domain=Domain(sp.Ge(m, 0), sp.Ge(n, m), sp.Ge(n, 1), sp.Ge(S, 0), sp.Ge(x, 0)),
    steps=(
        Step(
            "a convex function of a subset's sum x lies above its tangent at the mean",
            le(1 / (1 + mean), of_subset + (x - mean) / (1 + mean) ** 2),
            Manifest((x - mean) ** 2 / ((1 + x) * (1 + mean) ** 2)),
        ),
        Step(
            "each value lies in the share c of the m-subsets",
            eq(sp.binomial(n - 1, m - 1) / sp.binomial(n, m), m / n),
            Algebra(),
            Domain(sp.Ge(m, 1), sp.Ge(n, m)),
        ),
        Step(
            "the integral up to a",
            eq(a * sp.Integral((1 - u) ** (a * x), (u, 0, 1)), a / (1 + a * x)),
            Antiderivative(-a * (1 - u) ** (a * x + 1) / (1 + a * x)),
            Domain(sp.Ge(a, 0), sp.Le(a, 1), sp.Ge(x, 0)),
        ),
    ),
    sibling=le(1 / (1 + m / n * mean), of_subset + (x - mean) / (1 + mean) ** 2),  # c^2 S
)
