"""On 0/1 rewards every symmetric advantage ascends an objective, and its weight is a polynomial of degree below N.

The first step averages over the others' successes, given which a success gets a_{m+1} and a failure b_m. The second
counts all groups instead: K of N succeed, E[S | success] = grad p / p and E[S | failure] = -grad p / (1 - p). Every
term of the weight has degree N - 1. The last term stands apart, because beyond it C(N-1, m) is zero: a sum that goes
too far would not be noticed.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.rewards import Binary, K, m, q_i
from ..checking.statistics import M, Mean, N, S_i, grad, l_i, p

a, b = map(sp.Function, "ab")
q = 1 - p

chance = sp.binomial(N - 1, m) * p**m * q ** (N - 1 - m)
weight = sp.Sum(chance * (a(m + 1) - b(m)), (m, 0, N - 2)) + p ** (N - 1) * (a(N) - b(N - 1))
of_group = sp.binomial(N, K) * p**K * q ** (N - K)
from_successes = sp.Sum(of_group * K / N * a(K) / p, (K, 1, N - 1)) + p ** (N - 1) * a(N)
from_failures = sp.Sum(of_group * (N - K) / N * b(K) / q, (K, 0, N - 2)) + p ** (N - 1) * b(N - 1)

CLAIM = Claim(
    id="effective-weight",
    says=(
        "If successes get a_K and failures b_K, E[g] = W(p) grad p with W = sum_m C(N-1,m) p^m (1-p)^(N-1-m) "
        "(a_{m+1} - b_m)"
    ),
    domain=Domain(sp.Ge(N, 1), sp.Gt(p, 0), sp.Lt(p, 1)),
    steps=(
        Step(
            "given the others' successes, take the mean over rollout i",
            eq(Mean((a(M + 1) * l_i + b(M) * q_i) * S_i), weight * grad),
            Binary(Algebra()),
        ),
        Step(
            "or sum over the successes of the whole group",
            eq(from_successes - from_failures, weight),
            Algebra(),
        ),
    ),
    sibling=eq(Mean((a(M) * l_i + b(M) * q_i) * S_i), weight * grad),
)
