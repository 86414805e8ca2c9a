"""At 0/1 rewards the estimate of J_N is a difference of harmonic numbers.

With K successes E_k is C(N-K,k) / C(N,k). Without a success all E_k are 1 and the sum is -H_N; one success more adds
the weight of a success over N, which is 1/(K+1).
"""

import sympy as sp

from ..checking import Claim, Domain, Induction, Recurrence, Step, Telescoping, eq
from ..checking.statistics import N

k, K = sp.symbols("k K", integer=True)

estimate = -sp.Sum(sp.binomial(N - K, k) / (k * sp.binomial(N, k)), (k, 1, N))
one_more = sp.binomial(N - K - 1, k) / (N * sp.binomial(N - 1, k))
below = -sp.binomial(N - K - 1, k - 1) / ((K + 1) * sp.binomial(N, k - 1))

CLAIM = Claim(
    id="binary-objective",
    says="With K successes among N binary rewards the unbiased estimate of J_N is H_K - H_N",
    domain=Domain(sp.Ge(K, 0), sp.Le(K, N), sp.Ge(N, 1)),
    steps=(
        Step(
            "one success more at a time",
            eq(estimate, sp.harmonic(K) - sp.harmonic(N)),
            Recurrence(K, sp.S.Zero, below, base=Induction(N)),
        ),
        Step(
            "which adds the weight of a success among K + 1, over N",
            eq(sp.Sum(one_more, (k, 0, N - 1)), sp.harmonic(K + 1) - sp.harmonic(K)),
            Telescoping(-(N - K - 1 - k) / (K + 1)),
            Domain(sp.Ge(K, 0), sp.Le(K, N - 1)),
        ),
    ),
    sibling=eq(estimate, sp.log(K) - sp.log(N)),  # the plug-in estimate of log p
)
