"""K steps of plain ascent on one batch: what they add up to, and how far that is from what fresh batches would give.

Near the start theta_0 the batch's gradient is g + h d after a move d, h being its matrix of second derivatives: exact
for a quadratic surrogate, and else up to d^2, which is of order eta^2 and counts eta^3 in a step. Powers of one matrix
commute, so that h may be computed with as a number. By the second step K steps make the sum on the left of the first.
On average that is K eta G + eta^2 K(K-1)/2 E[h g] + O(eta^3), G = E g.

K fresh batches have E[h] G in the place of E[h g]. Of N independent rollouts both h and g are means. By symmetry one
of the first may be fixed, and of the second it is itself or one of N - 1 others: the two differ by Cov(h_i, g_i)/N.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Induction, Recurrence, Step, Telescoping, eq
from ..checking.polynomials import Polynomial
from ..checking.statistics import Mean, N
from ..checking.using import Inside
from .draws import IndependentDraws

j, k, K = sp.symbols("j k K", integer=True)
eta, g, h = sp.symbols("eta g h", real=True)
g_i, g_j, h_i, G, H, m_hg = sp.symbols("g_i g_j h_i G H m_hg", real=True)

x = eta * h
walked = sp.Sum(eta * g * (1 + x) ** k, (k, 0, K - 1))
beyond = sp.Sum(sp.binomial(K, j) * eta**j * h ** (j - 1) * g, (j, 3, K))  # of order eta^3
whole = ((1 + x) ** K - 1) * g / h
closed = whole - (K * x + K * (K - 1) / 2 * x**2) * g / h
binomial_theorem = Recurrence(K, sp.Integer(3), -sp.binomial(K, j - 1) * eta**j * h ** (j - 1) * g, behind=1 + x)
by = Polynomial(h, Inside(walked, whole, Telescoping((1 + x) / x), Inside(beyond, closed, binomial_theorem, Algebra())))


def expanded(pairs: sp.Expr) -> sp.Expr:
    """In powers of the step size, with this many pairs of steps."""
    return K * eta * g + pairs * eta**2 * h * g + beyond


CLAIM = Claim(
    id="reused-batch",
    says=(
        "K steps of size eta on one batch move by K eta g + eta^2 K(K-1)/2 h g + O(eta^3), h the batch's second "
        "derivatives; E[h g] is Cov(h_i, g_i)/N more than fresh batches have"
    ),
    domain=Domain(sp.Ge(K, 3), sp.Gt(eta, 0)),
    steps=(
        Step("in powers of the step size", eq(walked, expanded(K * (K - 1) / 2)), by),
        Step(
            "the gradient after K steps is what the next one adds",
            eq(h * walked, g * (1 + x) ** K - g),
            Induction(K),
            Domain(sp.Ge(K, 1), sp.Gt(eta, 0)),
        ),
        Step(
            "one batch twice, of N rollouts",
            eq(Mean(h_i * (g_i + (N - 1) * g_j) / N), H * G + (m_hg - H * G) / N),
            IndependentDraws((((h_i, H), (h_i * g_i, m_hg)), ((g_j, G),)), Algebra()),
            Domain(sp.Ge(N, 1)),
        ),
    ),
    sibling=eq(walked, expanded(K**2 / 2)),
)
