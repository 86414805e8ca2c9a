"""A weight that is estimated from all rollouts, rollout i included, is biased: leaving one out is needed.

E_k of the group holds q_i with chance k/N, and q_i l_i S_i has the mean grad p - E[l^2 S]. On 0/1 rewards that is
zero, and what is left is a factor 1 - k/N of every power, as if C(N, k) were divided by where C(N-1, k) is due.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Independence, Induction, Post, Step, eq
from ..checking.statistics import GROUP, E, Mean, N, S_i, grad, l_i, p

k, T = sp.symbols("k T", integer=True)
q = 1 - p
in_sample = sp.Sum(E(k, GROUP), (k, 0, T - 1))
square = Mean(l_i**2 * S_i)
mean = sp.Sum((1 - k / N) * q**k * grad + k / N * q ** (k - 1) * (grad - square), (k, 0, T - 1))
lost = q * (1 - T * q ** (T - 1) + (T - 1) * q**T) / (N * p**2)

CLAIM = Claim(
    id="in-sample-weight",
    says=(
        "Without leaving one out the weight is sum_k (1 - k/N) (1-p)^k on 0/1 rewards, too small by (1/N) "
        "sum_k k (1-p)^k"
    ),
    domain=Domain(sp.Ge(T, 1), sp.Le(T, N), sp.Gt(p, 0), sp.Lt(p, 1)),
    steps=(
        Step("for any law", eq(Mean(in_sample * l_i * S_i), mean), Independence(Algebra())),
        Step(
            "on 0/1 rewards, where E[l^2 S] = grad p, in closed form",
            eq(sp.Sum((1 - k / N) * q**k, (k, 0, T - 1)), (1 - q**T) / p - lost),
            Induction(T),
        ),
    ),
    sibling=eq(Mean(in_sample * l_i * S_i), sp.Sum(q**k * grad, (k, 0, T - 1))),
    post=(Post.PROVED, "plugging in estimates makes bias, because the factors are correlated; leave one out"),
)
