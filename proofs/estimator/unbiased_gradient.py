"""The leave-one-out gradient is unbiased, for every law of the likelihood and every T <= N."""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Independence, Induction, Post, Step, eq
from ..checking.statistics import GROUP, OTHERS, E, Mean, N, S_i, grad, l_i, p

k, T = sp.symbols("k T", integer=True)

weight = sp.Sum(E(k, OTHERS), (k, 0, T - 1))
in_sample = sp.Sum(E(k, GROUP), (k, 0, T - 1))
series = sp.Sum((1 - p) ** k, (k, 0, T - 1))

CLAIM = Claim(
    id="unbiased-gradient",
    says="(1/N) sum_i omega_i l_i S_i is unbiased for w_T(p) grad p: rollouts are exchangeable, and omega_i does not see rollout i",
    domain=Domain(sp.Ge(T, 1), sp.Le(T, N), sp.Gt(p, 0), sp.Le(p, 1)),
    steps=(
        Step(
            "take the mean of one summand",
            eq(Mean(weight * l_i * S_i), series * grad),
            Independence(Algebra()),
        ),
        Step("sum the series", eq(series, (1 - (1 - p) ** T) / p), Induction(T)),
    ),
    sibling=eq(Mean(in_sample * l_i * S_i), series * grad),
    post=(Post.PROVED, "the leave-one-out product is unbiased for any T <= N"),
)
