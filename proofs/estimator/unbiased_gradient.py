"""The leave-one-out gradient is unbiased, for every law of the likelihood, every objective and every order T <= N.

Rollouts are exchangeable, so the mean of (1/N) sum_i omega_i l_i S_i is that of one summand, in which omega_i is
independent of rollout i.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Independence, Induction, Post, Step, eq
from ..checking.statistics import GROUP, OTHERS, E, Mean, N, S_i, grad, l_i, p

k, T = sp.symbols("k T", integer=True)
c = sp.Function("c")

maxrl = (1 - (1 - p) ** T) / p

CLAIM = Claim(
    id="unbiased-gradient",
    says="(1/N) sum_i omega_i l_i S_i is unbiased for w(p) grad p, for every objective of order T <= N and every law",
    domain=Domain(sp.Ge(T, 1), sp.Le(T, N), sp.Gt(p, 0), sp.Le(p, 1)),
    steps=(
        Step(
            "take the mean of one summand, for MaxRL",
            eq(Mean(sp.Sum(E(k, OTHERS), (k, 0, T - 1)) * l_i * S_i), maxrl * grad),
            Independence(Induction(T)),
        ),
        Step(
            "and for any objective",
            eq(
                Mean(sp.Sum(c(k) * E(k, OTHERS), (k, 0, T - 1)) * l_i * S_i),
                sp.Sum(c(k) * (1 - p) ** k, (k, 0, T - 1)) * grad,
            ),
            Independence(Algebra()),
        ),
    ),
    sibling=eq(Mean(sp.Sum(E(k, GROUP), (k, 0, T - 1)) * l_i * S_i), maxrl * grad),  # rollout i not left out
    post=(Post.PROVED, "the leave-one-out product is unbiased for any T <= N"),
)
