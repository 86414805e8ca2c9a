"""To first order the objective is expected likelihood less one.

At T = 1 the sums of the two steps are empty: J_1(p) = p - 1 and w_1(p) = 1.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Post, Slopes, Step, eq

k, T = sp.symbols("k T", integer=True)
p = sp.Symbol("p", real=True)

J = -sp.Sum((1 - p) ** k / k, (k, 1, T))
weight = sp.Sum((1 - p) ** k, (k, 0, T - 1))

CLAIM = Claim(
    id="order-one",
    says="J_1(p) = p - 1, expected likelihood up to a constant, and higher orders add powers of 1-p from the second on",
    domain=Domain(sp.Ge(p, 0), sp.Le(p, 1), sp.Ge(T, 1)),
    steps=(
        Step("objective", eq(J, p - 1 - sp.Sum((1 - p) ** k / k, (k, 2, T))), Slopes(T, 1, Algebra())),
        Step("weight", eq(weight, 1 + sp.Sum((1 - p) ** k, (k, 1, T - 1))), Slopes(T, 1, Algebra())),
    ),
    sibling=eq(J, p - sp.Sum((1 - p) ** k / k, (k, 2, T))),
    post=(Post.PROVED, "T = 1 is training on the pass rate, up to an additive constant"),
)
