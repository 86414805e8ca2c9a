"""A baseline may be subtracted from what multiplies the score, and from nothing else.

Subtracting b from the coefficient of S costs b times the derivative of the total probability, which is 1. Subtracting b
from that of grad l costs b E[grad l]; where l depends on theta alone, E[grad l] is all of grad p.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq

n, z = sp.symbols("n z", integer=True)
theta, w, b_l, b_S = sp.symbols("theta w b_l b_S", real=True)
l, m = (sp.Function(name, real=True)(z, theta) for name in "lm")
f = sp.Function("f", real=True)(theta)


def over(summand: sp.Expr) -> sp.Expr:
    return sp.Sum(summand, (z, 1, n))


score = sp.Derivative(sp.log(m), theta)
mean = over(m * ((w - b_l) * sp.Derivative(l, theta) + (w * l - b_S) * score))
grad_p = sp.Derivative(over(m * l), theta)
of_one = sp.Derivative(over(m), theta)  # zero: the probabilities sum to one

CLAIM = Claim(
    id="pathwise-baseline",
    says="E[(w - b_l) grad l + (w l - b_S) S] = w grad p - b_l E[grad l]: a baseline on S is free, one on "
    "grad l is a bias",
    domain=Domain(sp.Ge(n, 1), sp.Gt(m, 0)),
    steps=(
        Step(
            "sum over n outcomes",
            eq(mean, w * grad_p - b_l * over(m * sp.Derivative(l, theta)) - b_S * of_one),
            Algebra(),
        ),
        Step(
            "the bias is all of it where l = f(theta) for every outcome",
            eq(over(m * sp.Derivative(f, theta)), sp.Derivative(f, theta) * over(m)),
            Algebra(),
        ),
    ),
    sibling=eq(mean, w * grad_p - b_S * of_one),
)
