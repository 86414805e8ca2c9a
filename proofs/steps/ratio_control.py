"""A ratio has the mean 1, so that any multiple of rho - 1 may be added where a failure mass stands.

1 - rho l is the case c = 0 and rho (1 - l), which is never negative, c = 1. c may be anything that does not depend on
rollout j. The best one is Cov(rho l, rho) / Var(rho), for a single product.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.statistics import Mean, N, S_i, grad, l_i, l_j, p
from .draws import IndependentDraws, Subsets
from .ratios import T, c, k, rho_i, rho_j, rollout, w

b, m_rr, m_rrl, m_rrll = sp.symbols("b m_rr m_rrl m_rrll", real=True)  # E[rho^2], E[rho^2 l], E[rho^2 l^2]
squares = ((rho_j**2, m_rr), (rho_j**2 * l_j, m_rrl), (rho_j**2 * l_j**2, m_rrll))
by = IndependentDraws((rollout, ((rho_j, sp.S.One), (rho_j * l_j, p), *squares)), Algebra())

failure = 1 - rho_j * l_j + b * rho_j - b
spread, together = m_rr - 1, m_rrl - p  # Var(rho), Cov(rho l, rho)


def mean(failure: sp.Expr) -> sp.Expr:
    """The mean gradient with this in the place of the others' failure masses."""
    return Mean(sp.Sum(c(k) * Subsets(k, failure), (k, 0, T - 1)) * rho_i * l_i * S_i)


CLAIM = Claim(
    id="ratio-control",
    says=(
        "1 - rho_j l_j + b (rho_j - 1) keeps E[g] = w(p) grad p for any constant b; the variance of one is least at "
        "b = Cov(rho l, rho)/Var(rho), and b = 1 makes it rho_j (1 - l_j)"
    ),
    domain=Domain(sp.Ge(T, 1), sp.Le(T, N)),
    steps=(
        Step("any multiple of what has the mean 0", eq(mean(failure), w(p) * grad), by),
        Step("b = 1", eq(failure.subs(b, 1), rho_j * (1 - l_j)), Algebra()),
        Step(
            "the square, by how far b is from the best",
            eq(
                Mean(failure**2),
                1 - 2 * p + m_rrll - together**2 / spread + spread * (b - together / spread) ** 2,
            ),
            by,
            Domain(sp.Gt(m_rr, 1)),
        ),
    ),
    sibling=eq(mean(1 - rho_j * l_j + b * rho_j), w(p) * grad),
)
