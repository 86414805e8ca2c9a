"""Dropping the groups without a success costs an advantage what it gives to their failures, b_0.

In the mean over all groups, a dropped one counting 0, the weight W grows by b_0 (1-p)^(N-1): N - 1 others fail, and
what a failure got is gone. RLOO, GRPO, the mean and the pass rate of the others give 0 to it, and lose nothing. MaxRL
less a constant gives -beta. At beta = 1, N/K - 1 and -1, one order is lost, J_N becomes J_{N-1}, which is what the
claim maxrl-shipped says of dividing by the mean. At beta = 0 nothing is lost. Between them it is no J_T of any order:
by the last step all of the loss is in the last of the powers of 1-p of w_N.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Induction, Recurrence, Step, eq
from ..checking.rewards import Binary, m, q_i
from ..checking.statistics import M, Mean, N, S_i, grad, l_i, p

k = sp.Symbol("k", integer=True)
beta = sp.Symbol("beta", real=True)
a, b = map(sp.Function, "ab")
q = 1 - p

nobody = sp.KroneckerDelta(M, 0)
kept = (1 - nobody) * q_i  # a failure beside M successes
chance = sp.binomial(N - 1, m) * p**m * q ** (N - 1 - m)
weight = sp.Sum(chance * (a(m + 1) - b(m)), (m, 0, N - 2)) + p ** (N - 1) * (a(N) - b(N - 1))
any_advantage = Mean((a(M + 1) * l_i + b(M) * kept) * S_i)
binomial_theorem = Recurrence(N, sp.S.One, -sp.binomial(N, m) * p**m * q ** (N - m) * grad)
left = (1 - q**N) / p - beta * q ** (N - 1)

CLAIM = Claim(
    id="dropped-failures",
    says=(
        "Dropping all-failed groups adds b_0 (1-p)^(N-1) to the weight of any advantage: nothing where b_0 = 0, and to "
        "MaxRL less a constant beta -beta (1-p)^(N-1), an order at beta = 1"
    ),
    domain=Domain(sp.Ge(N, 1), sp.Gt(p, 0), sp.Lt(p, 1)),
    steps=(
        Step("any advantage", eq(any_advantage, (weight + b(0) * q ** (N - 1)) * grad), Binary(Algebra())),
        Step(
            "MaxRL less a constant",
            eq(Mean(((N / (M + 1) - beta) * l_i - beta * kept) * S_i), left * grad),
            Binary(binomial_theorem),
        ),
        Step(
            "by powers: the last one keeps the share 1 - beta",
            eq(sp.Sum(q**k, (k, 0, N - 2)), left - (1 - beta) * q ** (N - 1)),
            Induction(N),
            Domain(sp.Ge(N, 2), sp.Gt(p, 0), sp.Lt(p, 1)),
        ),
    ),
    sibling=eq(any_advantage, weight * grad),
)
