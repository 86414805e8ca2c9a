"""The weight is between 1 and T, and never above that of maximum likelihood."""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Slopes, Step, le

k, T = sp.symbols("k T", integer=True)
p = sp.Symbol("p", real=True)

weight = sp.Sum((1 - p) ** k, (k, 0, T - 1))

CLAIM = Claim(
    id="objective-weight-bounds",
    says="1 <= w_T(p) <= T, with equality at p = 1 and p = 0, and w_T(p) <= 1/p, with equality at p = 1",
    domain=Domain(sp.Ge(p, 0), sp.Le(p, 1), sp.Ge(T, 1)),
    steps=(
        Step("every power adds at most 1", le(weight, T), Slopes(T, 1, Manifest(1 - (1 - p) ** T))),
        Step("and at least 0", le(1, weight), Slopes(T, 1, Manifest((1 - p) ** T))),
        Step(
            "the rest of the series is missing",
            le(weight, 1 / p),
            Manifest((1 - p) ** T / p, Slopes(T, 1, Algebra())),
            Domain(sp.Gt(p, 0), sp.Le(p, 1), sp.Ge(T, 1)),
        ),
    ),
    sibling=le(weight, T - 1),
)
