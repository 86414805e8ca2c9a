"""The coefficients of Tsallis' objective are those of p^-q about p = 1, between expected likelihood and MaxRL."""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.calculus import Orders, WrittenOut

k = sp.Symbol("k", integer=True)
p, q = sp.symbols("p q", real=True)

coefficient = sp.binomial(q + k - 1, k)
derivative = (-1) ** k * sp.factorial(k) * coefficient * p ** (-q - k)

CLAIM = Claim(
    id="tsallis-coefficients",
    says="p^-q expands in powers of 1-p with coefficients C(q+k-1,k): all 1 for q = 1, 0 from k = 1 on for q = 0",
    domain=Domain(sp.Ge(k, 0), sp.Gt(q, 0), sp.Gt(p, 0)),
    steps=(
        Step("differentiate k times", eq(sp.Derivative(p ** (-q), (p, k)), derivative), Orders(k, 0)),
        Step("from one to the next", eq((k + 1) * coefficient.subs(k, k + 1), (q + k) * coefficient), Algebra()),
        Step("q = 1", eq(sp.Subs(coefficient, q, 1), 1), WrittenOut(Algebra())),
        Step(
            "the factor q, which is 0 for expected likelihood",
            eq(coefficient, q / k * sp.binomial(q + k - 1, k - 1)),
            Algebra(),
            Domain(sp.Ge(k, 1), sp.Ge(q, 0)),
        ),
    ),
    sibling=eq(sp.Derivative(p ** (-q), (p, k)), derivative.subs(q, q + 1)),
)
