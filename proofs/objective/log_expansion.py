"""The logarithm is the truncated objective less an integral that vanishes with growing order.

The bounds of the second and third step enclose the integral, and both tend to zero: so J_T(p) -> log p for 0 < p <= 1.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Post, Slopes, Step, eq, le

k, T = sp.symbols("k T", integer=True)
p, s = sp.symbols("p s", real=True)

J = -sp.Sum((1 - p) ** k / k, (k, 1, T))
next_term = (1 - p) ** (T + 1) / (T + 1)
geometric = Slopes(T, 1, Algebra())  # by induction on T

CLAIM = Claim(
    id="log-expansion",
    says="log p = J_T(p) - Int_0^(1-p) s^T/(1-s) ds, an integral from 1 to 1/p times the next term of the series",
    domain=Domain(sp.Gt(p, 0), sp.Le(p, 1), sp.Ge(T, 1)),
    steps=(
        Step(
            "equal at p = 1, and of equal derivative",
            eq(sp.log(p), J - sp.Integral(s**T / (1 - s), (s, 0, 1 - p))),
            Slopes(p, 1, geometric),
        ),
        Step(
            "the remainder is at least the next term",
            le(sp.log(p), J - next_term),
            Slopes(p, 1, Manifest((1 - p) ** (T + 1) / p, geometric)),
        ),
        Step(
            "and at most 1/p times it",
            le(J - next_term / p, sp.log(p)),
            Slopes(p, 1, Manifest((1 - p) ** (T + 1) / ((T + 1) * p**2), geometric)),
        ),
    ),
    sibling=eq(sp.log(p), J + sp.Integral(s**T / (1 - s), (s, 0, 1 - p))),
    post=(Post.PROVED, "log p expands about p = 1 as -sum (1-p)^k/k for 0 < p <= 1, and J_T tends to log p"),
)
