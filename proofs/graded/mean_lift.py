"""Any rule for 0/1 rewards, averaged over flips of graded ones, ascends F(E l) under every law.

Each likelihood is rounded to 0 or 1 by a flip b_j ~ Bernoulli(l_j), and the rule's advantage is averaged over them:
A_i = l_i E a_{1+K} + (1 - l_i) E b_K, K the others' flips that succeed. On 0/1 rewards no flip is random and it is the
rule itself. F' = W is the rule's weight on 0/1 rewards, as in the claim effective-weight.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, Telescoping, Vertices, eq
from ..checking.polynomials import Polynomial
from ..checking.rewards import m, q_i
from ..checking.statistics import OTHERS, E, Flips, M, Mean, N, S_i, grad, l_i, p
from .lifts import Rounded

a, b = map(sp.Function, "ab")
k = sp.Symbol("k", integer=True)

chance = sp.binomial(N - 1, m) * p**m * (1 - p) ** (N - 1 - m)
weight = sp.Sum(chance * (a(m + 1) - b(m)), (m, 0, N - 2)) + p ** (N - 1) * (a(N) - b(N - 1))
lift = Flips((a(M + 1) * l_i + b(M) * q_i) * S_i)
maxrl = N * l_i / (l_i + M)  # N/K for a success, as l_i + M = K
rloo = l_i - M / (N - 1)

CLAIM = Claim(
    id="mean-lift",
    says=(
        "l_i E a_{1+K} + (1 - l_i) E b_K, K the sum of independent Bernoulli(l_j) over the others, has the mean "
        "W(E l) grad E l under every law, W the weight of a and b on 0/1 rewards; MaxRL's is omega_i l_i, RLOO's RLOO"
    ),
    domain=Domain(sp.Ge(N, 1)),
    steps=(
        Step("flips are 0/1 rewards", eq(Mean(lift), weight * grad), Rounded(Polynomial(p, Algebra()))),
        Step(
            "MaxRL: the leave-one-out weights",
            eq(sp.Sum(E(k, OTHERS), (k, 0, N - 1)) * l_i, Flips(maxrl)),
            Vertices(failure=Algebra(), success=Telescoping(-(N - 1 - M - k) / (M + 1))),
        ),
        Step(
            "RLOO: l_i less the mean of the others",
            eq(Flips(rloo), l_i - (1 - E(1, OTHERS))),
            Vertices(failure=Algebra(), success=Algebra()),
            Domain(sp.Ge(N, 2)),
        ),
    ),
    sibling=eq(Mean(Flips((a(M) * l_i + b(M) * q_i) * S_i)), weight * grad),
)
