"""The weight at full order lies between N/(1+L) and N (1 - exp(-L))/L, where L is the sum of the others' likelihoods.

The integrand of omega_i/N lies between (1-t)^L and exp(-t L) on [0,1] (integrand-bounds); these are the two integrals.
At 0/1 likelihoods L is the number M of successes among the others and the weight is the lower bound.
"""

import sympy as sp

from ..checking import Antiderivative, Claim, Domain, Step, Telescoping, eq
from ..checking.statistics import M, N

k = sp.Symbol("k", integer=True)
t, L = sp.symbols("t L", real=True)
binary = sp.Sum(sp.binomial(N - 1 - M, k) / sp.binomial(N - 1, k), (k, 0, N - 1))
positive = Domain(sp.Gt(L, 0))

CLAIM = Claim(
    id="weight-bounds",
    says="N/(1+L) <= omega_i <= N (1 - exp(-L))/L for T = N, with equality on the left at 0/1 likelihoods",
    domain=Domain(sp.Ge(L, 0)),
    steps=(
        Step(
            "below",
            eq(N * sp.Integral((1 - t) ** L, (t, 0, 1)), N / (1 + L)),
            Antiderivative(-N * (1 - t) ** (L + 1) / (L + 1)),
        ),
        Step(
            "above",
            eq(N * sp.Integral(sp.exp(-t * L), (t, 0, 1)), N * (1 - sp.exp(-L)) / L),
            Antiderivative(-N * sp.exp(-t * L) / L),
            positive,
        ),
        Step(
            "the lower bound is the weight at M successes",
            eq(binary, N / (1 + M)),
            Telescoping(-(N - 1 - M - k) / (M + 1)),
            Domain(sp.Ge(M, 0), sp.Le(M, N - 1)),
        ),
    ),
    sibling=eq(N * sp.Integral((1 - t) ** L, (t, 0, 1)), N / L),
)
