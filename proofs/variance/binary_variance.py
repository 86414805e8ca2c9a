"""The variance of any estimate with 0/1 rewards, by the law of total variance given how many succeed.

A success gets the advantage a_K and a failure b_K when K succeed. Given the rewards, the scores of the successes are
independent with mean mu_1 and variance Sigma_1, those of the failures with mu_0 and Sigma_0, along any direction of the
parameters. The formula holds for the distance from every c; at c = E g it is the variance: what scores vary given
the rewards, and what their mean varies with the rewards.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Independence, Step, eq
from ..checking.statistics import Mean, N, S_i, S_j, grad, l_i, l_j, p
from .counts import Counts, K, Sigma_0, Sigma_1, mu_0, mu_1

a, b = (sp.Function(name, real=True)(K) for name in "ab")
c = sp.Symbol("c", real=True)

X_i, X_j = ((a * l + b * (1 - l)) * S for l, S in ((l_i, S_i), (l_j, S_j)))
squared = Mean((X_i - c) ** 2) / N + (N - 1) / N * Mean((X_i - c) * (X_j - c))  # E (g - c)^2, g the mean of N such X
within = Mean(K * a**2 * Sigma_1 + (N - K) * b**2 * Sigma_0) / N**2
between = Mean(((K * a * mu_1 + (N - K) * b * mu_0) / N - c) ** 2)

CLAIM = Claim(
    id="binary-variance",
    says="Var g = E[K a_K^2 Sigma_1 + (N-K) b_K^2 Sigma_0] / N^2 + Var[(K a_K mu_1 + (N-K) b_K mu_0) / N], "
    "with mu_1 = grad p / p and mu_0 = -grad p / (1-p)",
    domain=Domain(sp.Ge(N, 2), sp.Gt(p, 0), sp.Lt(p, 1)),
    steps=(
        Step("given K successes, then over K", eq(squared, within + between), Counts(Algebra())),
        Step(
            "the mean of g",
            eq(Mean(X_i), Mean(K * a * mu_1 + (N - K) * b * mu_0) / N),
            Counts(Algebra()),
        ),
        Step(
            "mean score of a success, less c",
            eq(Mean(l_i * (S_i - c)) / Mean(l_i), grad / p - c),
            Independence(Algebra()),
        ),
        Step(
            "mean score of a failure, less c",
            eq(Mean((1 - l_i) * (S_i - c)) / Mean(1 - l_i), -grad / (1 - p) - c),
            Independence(Algebra()),
        ),
    ),
    sibling=eq(squared, within),
)
