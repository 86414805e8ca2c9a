"""Binary rewards: the leave-one-out weight is MaxRL's average over successes, and truncated it has a closed form."""

import sympy as sp

from ..checking import Claim, Domain, Post, Step, Telescoping, eq
from ..checking.statistics import N

k, K, T = sp.symbols("k K T", integer=True)

term = sp.binomial(N - K, k) / sp.binomial(N - 1, k)  # E_k of the N - 1 others, of whom K - 1 succeed
weight = N / K * (1 - sp.binomial(N - K, T) / sp.binomial(N, T))

CLAIM = Claim(
    id="binary-weight",
    says="Of K successes among N binary rewards each has weight (N/K) (1 - C(N-K,T)/C(N,T)); for T = N, MaxRL's N/K",
    domain=Domain(sp.Ge(K, 1), sp.Le(K, N), sp.Ge(T, 1), sp.Le(T, N)),
    steps=(
        Step(
            "sum the weight over its powers",
            eq(sp.Sum(term, (k, 0, T - 1)), weight),
            Telescoping(-(N - K - k) / K),
        ),
        Step(
            "sum over all powers",
            eq(sp.Sum(term, (k, 0, N - 1)), N / K),
            Telescoping(-(N - K - k) / K),
        ),
    ),
    sibling=eq(sp.Sum(term, (k, 0, T - 1)), (N + 1) / K * (1 - sp.binomial(N - K, T) / sp.binomial(N, T))),
    post=(Post.PROVED, "the leave-one-out estimator generalises MaxRL's average over successes"),
)
