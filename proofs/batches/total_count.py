"""Advantages that see no more of a batch than its number of successes ascend an objective, with any number of prompts.

A success gets a(K) and a failure b(K), K of all prompts together: REINFORCE++'s mean and deviation of the batch, or
MaxRL with one mean for all. Take one prompt with N rollouts, a success having weight x and a failure u, while n
rollouts elsewhere succeed. The mean of a function h(K) is the sum over c of C(N,c) x^c u^(N-c) h(c + n). In the first
step c = 0 is left out where x is not in it, and c = N where u is not. Tangent vectors change x and u by opposite
amounts, so that the slope along them is the difference of the two derivatives: N times the mean of h(K) with rollout i
a success less h(K) with it a failure. By the second step h, a sum over the counts below K, makes that a(K) - b(K - 1),
the weight of the prompt. Both sides are linear in the chances of n, which do not depend on this prompt, and what was
said of it holds of each: h, over the number of all rollouts, is an unbiased estimate from one batch of the one function
of all pass rates that is ascended.

It is no sum over prompts, unless h is linear. Rules that also see a prompt's own count are another matter (claim
batch-deviation), and so are rewards of three values (claim triangle).
"""

import sympy as sp

from ..ascent.curl import Weights
from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.statistics import N

K, c, j, m, n = sp.symbols("K c j m n", integer=True)
x, u = sp.symbols("x u", real=True)
a, b, h = map(sp.Function, "abh")

of_count = sp.binomial(N, c) * x**c * u ** (N - c) * h(c + n)
by_success = sp.Derivative(sp.Sum(of_count, (c, 1, N)), x)
one_failure = N * x ** (N - 1) * u * h(N - 1 + n)  # stands apart: beyond it u has the exponent 0
by_failure = sp.Derivative(sp.Sum(of_count, (c, 0, N - 2)) + one_failure, u)
slope = by_success - by_failure
others = sp.binomial(N - 1, m) * x**m * u ** (N - 1 - m)


def summed(of: sp.Expr) -> sp.Expr:
    """N times the mean over the other N - 1 rollouts of the prompt, m of which succeed."""
    return N * sp.Sum(others * of, (m, 0, N - 1))


def below(count: sp.Expr) -> sp.Expr:
    """The objective's estimate from so many successes, times the number of all rollouts."""
    return sp.Sum(a(j + 1) - b(j), (j, 0, count - 1))


CLAIM = Claim(
    id="total-count",
    says=(
        "If a success gets a_K and a failure b_K, K the successes of all prompts together, the batch's mean update is "
        "the gradient of E sum_{j<K} (a_{j+1} - b_j), over the number of rollouts"
    ),
    domain=Domain(sp.Ge(N, 1), sp.Ge(n, 0), sp.Gt(x, 0), sp.Gt(u, 0)),
    steps=(
        Step(
            "the slope of E h(K) by one prompt's chances names one of its rollouts",
            eq(slope, summed(h(m + n + 1) - h(m + n))),
            Weights(Algebra()),
        ),
        Step(
            "with one success more h grows by the prompt's weight",
            eq(below(K + 1) - below(K), a(K + 1) - b(K)),
            Algebra(),
            Domain(sp.Ge(K, 0)),
        ),
    ),
    sibling=eq(slope, summed(h(m + 1) - h(m))),
)
