"""Values of the objective and of its weight where nothing, or everything, succeeds.

1 - (1-p)^k vanishes at p = 0: the first two steps give w_T(0) = T and J_T(0) = -H_T. Their factors 1 - p and p - 1 make
the other two give w_T(1) = 1 and J_T(1) = 0.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Slopes, Step, eq

k, T = sp.symbols("k T", integer=True)
p = sp.Symbol("p", real=True)

J = -sp.Sum((1 - p) ** k / k, (k, 1, T))
weight = sp.Sum((1 - p) ** k, (k, 0, T - 1))
pass_at = 1 - (1 - p) ** k

CLAIM = Claim(
    id="end-points",
    says="w_T(0) = T and J_T(0) = -H_T, with a harmonic number; w_T(1) = 1 and J_T(1) = 0",
    domain=Domain(sp.Ge(p, 0), sp.Le(p, 1), sp.Ge(T, 1)),
    steps=(
        Step("the weight from 0 on", eq(weight, T - sp.Sum(pass_at, (k, 1, T - 1))), Slopes(T, 1, Algebra())),
        Step(
            "the objective from 0 on", eq(J, sp.Sum(pass_at / k, (k, 1, T)) - sp.harmonic(T)), Slopes(T, 1, Algebra())
        ),
        Step("the weight up to 1", eq(weight.subs(T, T + 1), 1 + (1 - p) * weight), Slopes(T, 1, Algebra())),
        Step("the objective up to 1", eq(J, (p - 1) * sp.Sum((1 - p) ** k / (k + 1), (k, 0, T - 1))), Algebra()),
    ),
    sibling=eq(weight, T - sp.Sum(pass_at, (k, 1, T))),
)
