"""The smaller the pass rate, the larger the weight: hard prompts count for more."""

import sympy as sp

from ..checking import Claim, Domain, Manifest, Post, Slopes, Step, le

k, T = sp.symbols("k T", integer=True)
x, y = sp.symbols("p p'", real=True)


def weight(p: sp.Expr) -> sp.Expr:
    """w_T at a pass rate."""
    return sp.Sum((1 - p) ** k, (k, 0, T - 1))


CLAIM = Claim(
    id="weight-decreases",
    says="Of two prompts, the one with the smaller pass rate p has the larger weight w_T(p), at every order T",
    domain=Domain(sp.Ge(x, 0), sp.Le(x, y), sp.Le(y, 1), sp.Ge(T, 1)),
    steps=(
        Step(
            "power by power: equal where both pass rates are, and then decreasing",
            le(weight(y), weight(x)),
            Slopes(T, 1, Slopes(y, x, Manifest(T * (1 - y) ** (T - 1)))),
        ),
    ),
    sibling=le(weight(x), weight(y)),
    post=(Post.PROVED, "across prompts, the multiplier w_T(p) increases as p gets small"),
)
