"""Of all unbiased estimates of (1-p)^k that are functions of the likelihoods, E_k has the least variance.

Rollouts are exchangeable: a statistic h has the same law in every order of them, so that averaging it over the orders
keeps its mean and does not raise its mean square (the first step, one more order at a time). The average is
symmetric, and the symmetric unbiased statistic is unique. Scores are more than the likelihoods, and E S = 0 is known:
the estimate of the gradient made of E_k can be improved, by a baseline.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Independence, Manifest, Post, Step, eq, le
from ..checking.statistics import Mean, S_i, l_i, m_lSS, m_SS

a, h = sp.symbols("a h", real=True)  # the average over r orders; the value in one more
r = sp.Symbol("r", integer=True)

baseline = m_lSS / m_SS

CLAIM = Claim(
    id="least-variance",
    says="E_k has least variance of unbiased statistics of likelihoods; a baseline can improve gradients, as E S = 0",
    domain=Domain(sp.Ge(r, 1)),
    steps=(
        Step(
            "averaging over one more order does not raise the square",
            le(((r * a + h) / (r + 1)) ** 2, (r * a**2 + h**2) / (r + 1)),
            Manifest(r * (a - h) ** 2 / (r + 1) ** 2),
        ),
        Step(
            "one rollout: a constant baseline keeps the mean of the gradient and lowers its mean square",
            eq(Mean((l_i * S_i) ** 2) - Mean(((l_i - baseline) * S_i) ** 2), m_lSS**2 / m_SS),
            Independence(Algebra()),
            Domain(sp.Gt(m_SS, 0)),
        ),
    ),
    sibling=le((r * a**2 + h**2) / (r + 1), ((r * a + h) / (r + 1)) ** 2),
    post=(Post.CORRECTED, "the U-statistic is the minimum-variance unbiased estimator"),
)
