"""Multiplying likelihoods by a constant changes the gradient at every finite order, and only at infinite order not.

The integrand of the last step is positive where s p < 1, so the multiplier grows with kappa while kappa p <= 1.
As T grows, (1 - kappa p)^T vanishes, and with it the dependence on kappa.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Post, Slopes, Step, eq

k, T = sp.symbols("k T", integer=True)
p, s, kappa = sp.symbols("p s kappa", real=True)

J = -sp.Sum((1 - p) ** k / k, (k, 1, T))
scaled = J.subs(p, kappa * p)
weight = (1 - (1 - kappa * p) ** T) / p

CLAIM = Claim(
    id="likelihood-scale",
    says="J_T(kappa p) multiplies grad p by (1 - (1-kappa p)^T)/p, so the scale matters; only log(kappa p) has 1/p",
    domain=Domain(sp.Gt(p, 0), sp.Gt(kappa, 0), sp.Ge(T, 1)),
    steps=(
        Step("the multiplier of grad p", eq(sp.Derivative(scaled, p), weight), Slopes(T, 1, Algebra())),
        Step("the logarithm's", eq(sp.Derivative(sp.log(kappa * p), p), 1 / p), Algebra()),
        Step(
            "it depends on kappa",
            eq(weight, sp.Integral(T * (1 - s * p) ** (T - 1), (s, 0, kappa))),
            Slopes(kappa, 0, Algebra()),
            Domain(sp.Gt(p, 0), sp.Ge(kappa, 0), sp.Ge(T, 1)),
        ),
    ),
    sibling=eq(sp.Derivative(scaled, p), weight.subs(kappa, 1)),
    post=(Post.CORRECTED, "multiplying l by a constant adds a constant to log p and does not change the gradient"),
)
