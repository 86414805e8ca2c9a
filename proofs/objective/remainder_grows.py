"""The smaller the likelihood, the further a truncation is above the logarithm, without bound.

T = 1 compares expected likelihood with the logarithm. As p -> 0 the logarithm tends to minus infinity; J_T does not.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Post, Slopes, Step, eq, le

k, T = sp.symbols("k T", integer=True)
p, larger = sp.symbols("p p'", real=True)


def J(p: sp.Expr) -> sp.Expr:
    """The objective of order T."""
    return -sp.Sum((1 - p) ** k / k, (k, 1, T))


CLAIM = Claim(
    id="remainder-grows",
    says="J_T(p) - log p grows as p falls, with slope -(1-p)^T/p, and without bound, for J_T(p) stays above -H_T",
    domain=Domain(sp.Gt(p, 0), sp.Le(p, larger), sp.Le(larger, 1), sp.Ge(T, 1)),
    steps=(
        Step(
            "it is smaller at a larger pass rate",
            le(J(larger) - sp.log(larger), J(p) - sp.log(p)),
            Slopes(larger, p, Manifest((1 - larger) ** T / larger, Slopes(T, 1, Algebra()))),
        ),
        Step(
            "its slope",
            eq(sp.Derivative(J(p) - sp.log(p), p), -((1 - p) ** T) / p),
            Slopes(T, 1, Algebra()),
        ),
        Step(
            "the truncated objective is bounded",
            le(-sp.harmonic(T), J(p)),
            Slopes(T, 0, Manifest((1 - (1 - p) ** (T + 1)) / (T + 1))),
            Domain(sp.Ge(p, 0), sp.Le(p, 1), sp.Ge(T, 0)),
        ),
    ),
    sibling=le(J(p) - sp.log(p), J(larger) - sp.log(larger)),
    post=(Post.PROVED, "the smaller p, the greater the deviation between first and full order"),
)
