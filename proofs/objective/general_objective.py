"""Any objective whose weight is a polynomial in 1-p is given by its coefficients, and one antiderivative serves all."""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Slopes, Step, eq

k, T = sp.symbols("k T", integer=True)
p, u = sp.symbols("p u", real=True)
c = sp.Function("c", real=True)


def weight(p: sp.Expr) -> sp.Expr:
    """w(p), for arbitrary coefficients c(0), c(1), ..., c(T-1)."""
    return sp.Sum(c(k) * (1 - p) ** k, (k, 0, T - 1))


def objective(p: sp.Expr) -> sp.Expr:
    """The antiderivative of w."""
    return -sp.Sum(c(k - 1) * (1 - p) ** k / k, (k, 1, T))


CLAIM = Claim(
    id="general-objective",
    says="For any c, -sum_k c_{k-1} (1-p)^k/k is 0 at p = 1 and has the derivative sum_k c_k (1-p)^k",
    domain=Domain(sp.Ge(p, 0), sp.Le(p, 1), sp.Ge(T, 1)),
    steps=(
        Step("differentiate term by term", eq(sp.Derivative(objective(p), p), weight(p)), Algebra()),
        Step("from p to 1", eq(-sp.Integral(weight(u), (u, p, 1)), objective(p)), Slopes(p, 1, Algebra())),
    ),
    sibling=eq(sp.Derivative(-sp.Sum(c(k) * (1 - p) ** k / k, (k, 1, T)), p), weight(p)),
)
