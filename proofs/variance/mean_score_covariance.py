"""The covariance of the gradient estimate with the mean score, which decides what a constant baseline does (T = N).

The mean score has mean zero, so the covariance is the mean of the product, over a rollout and over a pair of them.
"""

import sympy as sp

from ..checking import Algebra, Antiderivative, Claim, Domain, Independence, Step, eq
from ..checking.statistics import Mean, N, S_i, S_j, grad, l_i, m_lSS, p
from ..checking.using import Using
from .pairs import Pairs
from .weight_second_moment import mean, t, weight

w = (1 - (1 - p) ** N) / p
slope = N * (N - 1) * sp.Integral(t * (1 - t * p) ** (N - 2), (t, 0, 1))
covariance = Mean(weight * l_i * S_i * S_i) / N + (N - 1) / N * Mean(weight * l_i * S_i * S_j)
own = eq(Mean(weight * l_i * S_i * S_i), w * m_lSS)
by_independence = Independence(Antiderivative(-((1 - t * p) ** N) / p * m_lSS))

CLAIM = Claim(
    id="mean-score-covariance",
    says="Cov(g, mean S) = (w_N(p) E[l S^2] - N (N-1) Int t (1 - t p)^(N-2) dt (grad p)^2) / N, and the "
    "integral with its "
    "factor is -w_N'(p)",
    domain=Domain(sp.Ge(N, 2), sp.Gt(p, 0), sp.Le(p, 1)),
    steps=(
        Step(
            "a rollout with itself, and with another",
            eq(covariance, (w * m_lSS - slope * grad**2) / N),
            Using(own, by_independence, Pairs(Algebra())),
        ),
        Step("a rollout with itself", own, by_independence),
        Step(
            "that is how fast w_N(p), here as an integral, falls",
            eq(slope, -sp.Derivative(mean, p)),
            Algebra(),
        ),
    ),
    sibling=eq(covariance, w * m_lSS / N),
)
