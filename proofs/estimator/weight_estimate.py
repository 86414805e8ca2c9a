"""All N values together estimate the weight of any objective of order T <= N + 1 without bias.

An objective is its coefficients c: its weight is the sum over k of c_k (1-p)^k, and MaxRL of order T has c_k = 1 for
k < T.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Independence, Induction, Step, eq
from ..checking.statistics import GROUP, E, Mean, N, p

k, T = sp.symbols("k T", integer=True)
c = sp.Function("c")

estimate = sp.Sum(c(k) * E(k, GROUP), (k, 0, T - 1))
weight = sp.Sum(c(k) * (1 - p) ** k, (k, 0, T - 1))

CLAIM = Claim(
    id="unbiased-weight",
    says="sum_k c_k E_k(q) is unbiased for the weight w(p) = sum_k c_k (1-p)^k of any objective of order T <= N + 1",
    domain=Domain(sp.Ge(N, 1), sp.Ge(T, 1), sp.Le(T, N + 1), sp.Gt(p, 0), sp.Lt(p, 1)),
    steps=(
        Step("take the mean of every power", eq(Mean(estimate), weight), Independence(Algebra())),
        Step(
            "which for MaxRL is a geometric series",
            eq(sp.Sum((1 - p) ** k, (k, 0, T - 1)), (1 - (1 - p) ** T) / p),
            Induction(T),
        ),
    ),
    sibling=eq(Mean(sp.Sum(c(k) * E(k, GROUP), (k, 1, T - 1))), weight),  # the power 0 counts too
)
