"""Averaging the scores of the successes is unbiased for J_N: of 0/1 rewards alone, K = 0 costs the rest of log p.

Given which rollouts succeed, the score of a success has mean E[S | l = 1] = E[l S] / E[l] = grad p / p, and so has
the average over any K >= 1 of them. With no success the estimate is zero.
"""

import sympy as sp

from ..checking import Claim, Domain, Induction, Post, Recurrence, Step, eq
from ..checking.polynomials import Polynomial
from ..checking.statistics import N, grad, p

k, K = sp.symbols("k K", integer=True)

chance = sp.binomial(N, K) * p**K * (1 - p) ** (N - K)
below = -sp.binomial(N, K - 1) * p**K * (1 - p) ** (N + 1 - K)
given = grad / p  # mean of the average over K >= 1 successes

CLAIM = Claim(
    id="binary-mean",
    says="The average score of the successes, zero if there is none, has mean (1 - (1-p)^N) grad p / p = w_N(p) grad p",
    domain=Domain(sp.Ge(N, 1)),
    steps=(
        Step(
            "the chance of a success: weigh the conditional mean grad p / p with it",
            eq(sp.Sum(chance, (K, 1, N)), 1 - (1 - p) ** N),
            Polynomial(p, Recurrence(N, sp.S.One, below)),
        ),
        Step(
            "the truncated series",
            eq(sp.Sum((1 - p) ** k, (k, 0, N - 1)) * grad, (1 - (1 - p) ** N) * given),
            Induction(N),
            Domain(sp.Ge(N, 1), sp.Gt(p, 0), sp.Le(p, 1)),
        ),
    ),
    sibling=eq(sp.Sum(chance, (K, 1, N)), 1 - (1 - p) ** (N - 1)),
    post=(Post.PROVED, "given K >= 1 it is unbiased for grad log p; the case K = 0 makes that grad J_T with T = N"),
)
