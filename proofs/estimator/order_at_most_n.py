"""No group of fewer than T rollouts has an unbiased estimate of the gradient of J_T.

Give the successes of 0/1 rewards the advantages a_K and the failures b_K, whatever they are; grad p / p and -grad p /
(1-p) are the mean scores of a success and a failure. The multiplier of grad p is then a sum of products of N - 1
factors p and 1 - p: of degree N - 1 at most. That of J_T has degree T - 1 exactly, its leading term (m = 0) being
(-p)^(T-1).
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Induction, Post, Recurrence, Step, Via, eq
from ..checking.polynomials import Polynomial
from ..checking.statistics import N, p
from ..checking.using import Using

k, K, m, M, T = sp.symbols("k K m M T", integer=True)
a, b = sp.Function("a"), sp.Function("b")

term = (-1) ** (T - 1 + m) * sp.binomial(T, m) * p ** (T - 1 - m)
below = (-1) ** (T + m + 1) * sp.binomial(T, m - 1) * p ** (T - m) / (1 - p)
closed = (1 - (1 - p) ** T) / p
to_the_end = eq(sp.Sum(term, (m, 0, T)), -((1 - p) ** T) / p)

chance = sp.binomial(N, K) / N
from_successes = sp.Sum(chance * K * a(K) * p ** (K - 1) * (1 - p) ** (N - K), (K, 1, N))
from_failures = sp.Sum(chance * (N - K) * b(K) * p**K * (1 - p) ** (N - K - 1), (K, 0, N - 1))
others = sp.binomial(N - 1, M) * p**M * (1 - p) ** (N - 1 - M)

CLAIM = Claim(
    id="order-at-most-n",
    says="T <= N is necessary: w_T has degree T - 1 in p, and the weight that N advantages give grad p only N - 1",
    domain=Domain(sp.Ge(T, 1)),
    steps=(
        Step(
            "w_T in powers of p, the highest first",
            eq(sp.Sum((1 - p) ** k, (k, 0, T - 1)), sp.Sum(term, (m, 0, T - 1))),
            Polynomial(
                p,
                Via(
                    closed,
                    left=Induction(T),
                    right=Via(
                        sp.Sum(term, (m, 0, T)) + 1 / p,
                        left=Algebra(),
                        right=Using(to_the_end, Recurrence(T, sp.S.One, below, ahead=1 / (1 - p)), Algebra()),
                    ),
                ),
            ),
        ),
        Step(
            "the multiplier of grad p, for any advantages of successes and failures",
            eq(from_successes - from_failures, sp.Sum(others * (a(M + 1) - b(M)), (M, 0, N - 1))),
            Polynomial(p, Algebra()),
            Domain(sp.Ge(N, 1)),
        ),
    ),
    sibling=eq(sp.Sum((1 - p) ** k, (k, 0, T - 1)), sp.Sum(term.subs(T, T + 1), (m, 0, T))),
    post=(Post.PROVED, "rollouts must be at least as many as the truncation order, N >= T"),
)
