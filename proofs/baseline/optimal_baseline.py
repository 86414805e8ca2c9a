"""The constant baseline of least variance is Cov(g, S) / Var(S), with S the mean score, and no other does as well.

g - beta S has the variance V_0 - 2 beta C + beta^2 V: V_0 of g, V of the mean score, C their covariance (traces, for
vectors).
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Step, eq, le

beta, plain, covariance, of_score = sp.symbols("beta V_0 C V", real=True)
variance = plain - 2 * beta * covariance + beta**2 * of_score
best = covariance / of_score

CLAIM = Claim(
    id="optimal-baseline",
    says=(
        "A constant baseline beta has variance V_0 - C^2/V + V (beta - C/V)^2: least at C/V, and lower than "
        "V_0 between 0 and 2 C/V only"
    ),
    domain=Domain(sp.Gt(of_score, 0)),
    steps=(
        Step(
            "complete the square",
            eq(variance, plain - covariance**2 / of_score + of_score * (beta - best) ** 2),
            Algebra(),
        ),
        Step(
            "no constant does better",
            le(plain - covariance**2 / of_score, variance),
            Manifest(of_score * (beta - best) ** 2),
        ),
        Step("what a constant gains", eq(plain - variance, beta * of_score * (2 * best - beta)), Algebra()),
    ),
    sibling=eq(variance, plain - 2 * covariance**2 / of_score + of_score * (beta - 2 * best) ** 2),
)
