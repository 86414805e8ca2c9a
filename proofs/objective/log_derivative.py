"""Maximum likelihood divides the gradient of expected likelihood by the likelihood; order T multiplies it by w_T.

Along any direction theta of the parameters, E p has the gradient of p, and E log p that gradient divided by p.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Post, Step, eq

k, T = sp.symbols("k T", integer=True)
theta = sp.Symbol("theta", real=True)
p = sp.Function("p", real=True)(theta)

J = -sp.Sum((1 - p) ** k / k, (k, 1, T))
weight = sp.Sum((1 - p) ** k, (k, 0, T - 1))

CLAIM = Claim(
    id="log-derivative",
    says="grad log p = (grad p)/p and grad J_T(p) = w_T(p) grad p: objectives differ in what multiplies grad p",
    domain=Domain(sp.Gt(p, 0), sp.Le(p, 1), sp.Ge(T, 1)),
    steps=(
        Step("chain rule", eq(sp.Derivative(sp.log(p), theta), sp.Derivative(p, theta) / p), Algebra()),
        Step("the same for J_T", eq(sp.Derivative(J, theta), weight * sp.Derivative(p, theta)), Algebra()),
    ),
    sibling=eq(sp.Derivative(sp.log(p), theta), sp.Derivative(p, theta)),
    post=(Post.PROVED, "RL maximises E p and ML E log p, whose gradient weighs inputs by 1/p"),
)
