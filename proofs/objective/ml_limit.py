"""With growing order the weight tends to that of maximum likelihood, at an explicit rate."""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Post, Slopes, Step, eq, le
from ..checking.calculus import Times

k, T = sp.symbols("k T", integer=True)
p = sp.Symbol("p", real=True)

weight = sp.Sum((1 - p) ** k, (k, 0, T - 1))

CLAIM = Claim(
    id="ml-limit",
    says="w_T(p) falls short of 1/p by (1-p)^T/p <= 1/(p (1+Tp)): for every p > 0 it tends to maximum likelihood's",
    domain=Domain(sp.Gt(p, 0), sp.Le(p, 1), sp.Ge(T, 1)),
    steps=(
        Step("what is missing at order T", eq(1 / p - weight, (1 - p) ** T / p), Slopes(T, 1, Algebra())),
        Step(
            "Bernoulli's inequality for 1-p",
            le((1 - p) ** T / p, 1 / (p * (1 + T * p))),
            Times(p * (1 + T * p), Slopes(T, 0, Manifest((T + 1) * p**2 * (1 - p) ** T))),
            Domain(sp.Gt(p, 0), sp.Le(p, 1), sp.Ge(T, 0)),
        ),
    ),
    sibling=eq(1 / p - weight, (1 - p) ** (T - 1) / p),
    post=(Post.PROVED, "as T grows, w_T(p) tends to 1/p, and exact maximum likelihood is recovered"),
)
