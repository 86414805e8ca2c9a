"""The least variance of any unbiased estimate of w(p) grad p, whatever it makes of scores: scores regressed out.

That scores have mean zero is known. So the sums of phi(the others) S_i have mean zero at every law, for any functions
phi; and the unbiased estimates are the U-statistic of the likelihoods plus such sums. (A symmetric statistic that has
mean zero at every law of mean score zero is of this kind: a polynomial in the law that vanishes where linear forms do
is a sum of multiples of them.) At one law the estimate of least variance is the one that is uncorrelated with all of
them.

It is the U-statistic with x = l - beta S in the place of l and v = l S - B S in that of l S. Seen from rollout i that
is affine in x_i and v_i, with statistics of the others as coefficients. The first step, at c = 0, is zero for every
phi if beta = E[l S] / E[S^2] and B = E[l S^2] / E[S^2]; c, any number, has the means of x and v: those of l and l S,
so the estimate is unbiased at that law, and by its difference from the U-statistic at every law. In more directions
of the parameters E[S S'] has its place, or any solution of its equations where it is singular: two of them differ by
what no score sees.

The variance is that of any U-statistic, by the last step, for every N, order K and law. There z stands for p - x, S for
v less its mean mu, g for -E[z S], and t_h for sum_k c_k C(k,h) (1-p)^(k-h) / C(N-1,h), as in `uncorrelated-parts`: N
times the estimate is sum_i (mu + S_i) sum_h t_h e_h(z_{-i}), and its mean square the sum over sets of rollouts of that
of their own part. The empty set adds (t_0 mu)^2, the square of the mean, and the others the variance.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Independence, Step, eq
from ..checking.rewards import GivenOthers, Statistic
from ..checking.statistics import (
    OTHERS,
    REST,
    Mean,
    N,
    S_i,
    S_j,
    grad,
    l_i,
    m_ll,
    m_llS,
    m_llSS,
    m_lSS,
    m_SS,
    p,
)
from .centred import Uncorrelated, e, z_i, z_j
from .centred import v as spread

phi, f, f_x, f_v = (Statistic(sp.Symbol(name), OTHERS) for name in ("phi", "f", "f_x", "f_v"))
beta, B, c = sp.symbols("beta B c", real=True)

x, v = l_i - beta * S_i, l_i * S_i - B * S_i
product = Mean(phi * (S_i - c) * (f + f_x * x + f_v * v))
means = Mean(phi * f) + Mean(phi * f_x) * p + Mean(phi * f_v) * grad

h, m, K = sp.symbols("h m K", integer=True)
mu, t = sp.Symbol("mu", real=True), sp.Function("t", real=True)


def summed(others: sp.Expr) -> sp.Expr:
    """The weight of a rollout, by e_h of the others' z."""
    return sp.Sum(t(h) * others, (h, 0, K - 1))


alone = Mean(summed(e(h, OTHERS)) ** 2 * (mu + S_i) ** 2)
seeing_j, seeing_i = (summed(e(h, REST) + z * e(h - 1, REST)) for z in (z_j, z_i))
square = alone / N + (N - 1) / N * Mean(seeing_j * (mu + S_i) * seeing_i * (mu + S_j))
sets, left_out = sp.binomial(N, m) / N**2, (N - m) * t(m) * mu
of_sets = (
    sp.Sum(sets * m * spread ** (m - 1) * t(m - 1) ** 2 * m_SS, (m, 1, K))
    + sp.Sum(sets * m * (m - 1) * spread ** (m - 2) * t(m - 1) ** 2 * grad**2, (m, 2, K))
    - 2 * sp.Sum(sets * m * spread ** (m - 1) * t(m - 1) * grad * left_out, (m, 1, K - 1))
    + sp.Sum(sets * spread**m * left_out**2, (m, 0, K - 1))
)

CLAIM = Claim(
    id="scores-regressed-out",
    says="Of all unbiased estimates of w(p) grad p, any functions of likelihoods and scores, the U-statistic of "
    "l - beta S and l S - B S has least variance at a law, beta = E[l S] / E[S^2], B = E[l S^2] / E[S^2]",
    domain=Domain(sp.Gt(m_SS, 0)),
    steps=(
        Step(
            "its product with an estimate of zero",
            eq(
                product,
                Mean(phi * f_x) * (grad - beta * m_SS) + Mean(phi * f_v) * (m_lSS - B * m_SS) - c * means,
            ),
            GivenOthers(Algebra()),
        ),
        Step("E x^2", eq(Mean(x**2), m_ll - 2 * beta * grad + beta**2 * m_SS), Independence(Algebra())),
        Step(
            "E x v",
            eq(Mean(x * v), m_llS - B * grad - beta * m_lSS + beta * B * m_SS),
            Independence(Algebra()),
        ),
        Step("E v^2", eq(Mean(v**2), m_llSS - 2 * B * m_lSS + B**2 * m_SS), Independence(Algebra())),
        Step(
            "its mean square, over sets of rollouts",
            eq(square, of_sets),
            Uncorrelated(Algebra()),
            Domain(sp.Ge(N, 2), sp.Ge(K, 1), sp.Le(K, N)),
        ),
    ),
    sibling=eq(product, Mean(phi * f_x) * grad + Mean(phi * f_v) * (m_lSS - B * m_SS) - c * means),
)
