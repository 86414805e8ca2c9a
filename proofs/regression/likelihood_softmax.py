"""Within a group the best rollouts dominate: log-mean-likelihood weighs them by a softmax of -MSE / (2 sigma^2).

R is the sum of the other rollouts' likelihoods. If each of them has a squared error larger by at least d, then
R = (N - 1) l exp(-d / (2 sigma^2)) - u with some u >= 0.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Post, Step, eq, le
from ..checking.statistics import N

x, e_i, e_j = sp.symbols("x e_i e_j", real=True)  # a log-likelihood; errors y - z
R, l, sigma = sp.symbols("R l sigma", positive=True)
d, u = sp.symbols("d u", real=True)

log_mean = sp.log((sp.exp(x) + R) / N)
worse = sp.exp(-d / (2 * sigma**2))
share = l / (l + (N - 1) * l * worse - u)
least = 1 / (1 + (N - 1) * worse)


def likelihood(error: sp.Expr) -> sp.Expr:
    return sp.exp(-(error**2) / (2 * sigma**2))


CLAIM = Claim(
    id="likelihood-softmax",
    says="The derivative of log mean_j exp(x_j) by x_i is exp(x_i) / sum_j exp(x_j); likelihoods of two rollouts are "
    "exp((MSE_j - MSE_i) / (2 sigma^2)) apart, so the best one's share is at least 1 / (1 + (N-1) exp(-d / (2 sigma^2)))",
    domain=Domain(sp.Ge(N, 2), sp.Gt(R, 0), sp.Gt(sigma, 0)),
    steps=(
        Step(
            "differentiate log-mean-exp",
            eq(sp.Derivative(log_mean, x), sp.exp(x) / (sp.exp(x) + R)),
            Algebra(),
        ),
        Step(
            "compare two rollouts",
            eq(likelihood(e_i) / likelihood(e_j), sp.exp((e_j**2 - e_i**2) / (2 * sigma**2))),
            Algebra(),
        ),
        Step(
            "the others are worse by d",
            le(least, share),
            Manifest(u * least / (l + (N - 1) * l * worse - u)),
            Domain(sp.Ge(N, 2), sp.Gt(l, 0), sp.Gt(sigma, 0), sp.Ge(u, 0), sp.Le(u, (N - 1) * l * worse)),
        ),
    ),
    sibling=eq(sp.Derivative(log_mean, x), sp.exp(x) / (sp.exp(x) + R) / N),
    post=(Post.PROVED, "the most successful rollouts are upweighted, as by softmax; with Gaussian noise the best dominate"),
)
