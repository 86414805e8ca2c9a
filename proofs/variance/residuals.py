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
what no score sees. The variance follows from second moments of x and v as that of any U-statistic.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Independence, Step, eq
from ..checking.rewards import GivenOthers, Statistic
from ..checking.statistics import OTHERS, Mean, S_i, grad, l_i, m_ll, m_llS, m_llSS, m_lSS, m_SS, p

phi, f, f_x, f_v = (Statistic(sp.Symbol(name), OTHERS) for name in ("phi", "f", "f_x", "f_v"))
beta, B, c = sp.symbols("beta B c", real=True)

x, v = l_i - beta * S_i, l_i * S_i - B * S_i
product = Mean(phi * (S_i - c) * (f + f_x * x + f_v * v))
means = Mean(phi * f) + Mean(phi * f_x) * p + Mean(phi * f_v) * grad

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
    ),
    sibling=eq(product, Mean(phi * f_x) * grad + Mean(phi * f_v) * (m_lSS - B * m_SS) - c * means),
)
