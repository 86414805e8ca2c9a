"""What common slips in the weight cost: one order less, the constant dropped, the group's sum divided by N - 1."""

import sympy as sp

from ..checking import Claim, Domain, Independence, Induction, Step, eq
from ..checking.statistics import OTHERS, E, Mean, N, S_i, grad, l_i, p

k, T = sp.symbols("k T", integer=True)
w = (1 - (1 - p) ** T) / p
probability = (sp.Gt(p, 0), sp.Lt(p, 1))


def mean(first: sp.Expr, last: sp.Expr) -> sp.Expr:
    """The mean of one summand with the powers first..last."""
    return Mean(sp.Sum(E(k, OTHERS), (k, first, last)) * l_i * S_i)


CLAIM = Claim(
    id="wrong-weights",
    says=(
        "Order T - 1 loses (1-p)^(T-1) of w_T, without the constant term 1 is lost, and division by N - 1 "
        "gives N/(N-1) of it"
    ),
    domain=Domain(sp.Ge(T, 2), sp.Le(T, N), *probability),
    steps=(
        Step(
            "order T - 1",
            eq(mean(sp.S.Zero, T - 2), (w - (1 - p) ** (T - 1)) * grad),
            Independence(Induction(T)),
        ),
        Step("no constant term", eq(mean(sp.S.One, T - 1), (w - 1) * grad), Independence(Induction(T))),
        Step(
            "division by N - 1",
            eq(N / (N - 1) * mean(sp.S.Zero, T - 1), N / (N - 1) * w * grad),
            Independence(Induction(T)),
            Domain(sp.Ge(T, 1), sp.Le(T, N), sp.Ge(N, 2), *probability),
        ),
    ),
    sibling=eq(mean(sp.S.Zero, T - 2), w * grad),
)
