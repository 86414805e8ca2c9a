"""Within a group the best rollouts dominate: log-mean-likelihood weighs them by a softmax of -MSE / (2 sigma^2).

R is the sum of the likelihoods of the n other rollouts. Where each of them has a squared error larger by at least d,
R exp(d / (2 sigma^2)) <= n l.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Post, Step, eq, le

n = sp.Symbol("n", integer=True)
x, e_i, e_j, d = sp.symbols("x e_i e_j d", real=True)  # a log-likelihood, errors y - z, a gap
R, l, sigma = sp.symbols("R l sigma", positive=True)

log_sum = sp.log(sp.exp(x) + R)
better = sp.exp(d / (2 * sigma**2))


def likelihood(error: sp.Expr) -> sp.Expr:
    return sp.exp(-(error**2) / (2 * sigma**2))


CLAIM = Claim(
    id="likelihood-softmax",
    says="The derivative of log sum_j exp(x_j) by x_i is exp(x_i) / sum_j exp(x_j); likelihoods of two rollouts are "
    "exp((MSE_j - MSE_i) / (2 sigma^2)) apart, so the best one's share is at least 1 / (1 + n exp(-d / (2 sigma^2)))",
    domain=Domain(sp.Gt(R, 0), sp.Gt(sigma, 0)),
    steps=(
        Step("differentiate", eq(sp.Derivative(log_sum, x), sp.exp(x) / (sp.exp(x) + R)), Algebra()),
        Step(
            "compare two rollouts",
            eq(likelihood(e_i) / likelihood(e_j), sp.exp((e_j**2 - e_i**2) / (2 * sigma**2))),
            Algebra(),
        ),
        Step(
            "all others are worse by d",
            le(better / (better + n), l / (l + R)),
            Manifest((n * l - R * better) / ((better + n) * (l + R))),
            Domain(sp.Ge(n, 1), sp.Gt(l, 0), sp.Gt(sigma, 0), sp.Gt(R, 0), sp.Le(R * better, n * l)),
        ),
    ),
    sibling=eq(sp.Derivative(log_sum, x), sp.exp(x) / R),
    post=(
        Post.PROVED,
        "the most successful rollouts are upweighted, as by softmax; with Gaussian noise the best dominate",
    ),
)
