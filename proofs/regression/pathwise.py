"""A likelihood that depends on the parameters itself adds a second term to the gradient: grad p = E[grad l + l S].

For any number n of outcomes z with probabilities m(z), and likewise under an integral over z. The weight of a rollout
does not see that rollout, so (1/N) sum_i omega_i (grad l_i + l_i S_i) is unbiased for the gradient of J_T.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Independence, Post, Step, eq
from ..checking.statistics import OTHERS, E, Mean, N, p

k, T, n, z = sp.symbols("k T n z", integer=True)
theta = sp.Symbol("theta", real=True)
l, m = (sp.Function(name, real=True)(z, theta) for name in "lm")
p_of = sp.Function("p", real=True)(theta)

total = sp.Derivative(sp.Sum(m * l, (z, 1, n)), theta)
score = sp.Derivative(sp.log(m), theta)
weight = sp.Sum(E(k, OTHERS), (k, 0, T - 1))

CLAIM = Claim(
    id="pathwise-gradient",
    says="Where l depends on theta, grad J_T = w_T(p) E[grad l + l S], estimated by (1/N) sum_i omega_i (grad "
    "l_i + l_i S_i)",
    domain=Domain(sp.Ge(n, 1), sp.Ge(T, 1), sp.Le(T, N), sp.Gt(m, 0)),
    steps=(
        Step(
            "differentiate the mean over n outcomes",
            eq(total, sp.Sum(m * (sp.Derivative(l, theta) + l * score), (z, 1, n))),
            Algebra(),
        ),
        Step(
            "chain rule",
            eq(
                sp.Derivative(-sp.Sum((1 - p_of) ** k / k, (k, 1, T)), theta),
                sp.Sum((1 - p_of) ** k, (k, 0, T - 1)) * sp.Derivative(p_of, theta),
            ),
            Algebra(),
        ),
        Step(
            "the factor that does not see rollout i",
            eq(Mean(weight), sp.Sum((1 - p) ** k, (k, 0, T - 1))),
            Independence(Algebra()),
        ),
    ),
    sibling=eq(total, sp.Sum(m * l * score, (z, 1, n))),
    post=(Post.CORRECTED, "grad p = E[l S], though the likelihood of a rollout may depend on the parameters too"),
)
