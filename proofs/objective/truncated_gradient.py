"""The derivative of the truncated objective is a geometric series, and has a closed form."""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Induction, Post, Step, eq

k, T = sp.symbols("k T", integer=True)
p = sp.Symbol("p", real=True)

J = -sp.Sum((1 - p) ** k / k, (k, 1, T))
weight = sp.Sum((1 - p) ** k, (k, 0, T - 1))

CLAIM = Claim(
    id="truncated-gradient",
    says="w_T(p), the derivative of J_T(p), is the sum of the powers 0 to T-1 of 1-p, which is (1 - (1-p)^T)/p",
    domain=Domain(sp.Gt(p, 0), sp.Le(p, 1), sp.Ge(T, 1)),
    steps=(
        Step(
            "differentiate term by term",
            eq(sp.Derivative(J, p), weight),
            Algebra(),
            Domain(sp.Ge(p, 0), sp.Le(p, 1), sp.Ge(T, 1)),
        ),
        Step("sum the series", eq(weight, (1 - (1 - p) ** T) / p), Induction(T)),
    ),
    sibling=eq(sp.Derivative(J, p), sp.Sum((1 - p) ** k, (k, 1, T))),
    post=(Post.PROVED, "the gradient of J_T is w_T(p) grad p with w_T(p) = (1 - (1-p)^T)/p"),
)
