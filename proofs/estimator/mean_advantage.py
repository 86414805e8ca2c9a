"""The weighted likelihoods of a group average to the unbiased estimate of pass@T, the chance of a success in T tries.

Both sides are affine in each likelihood and symmetric, so K successes among N decide. For T = N the right-hand side
is one minus the product of all q.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Independence, Induction, Step, Telescoping, eq
from ..checking.rewards import Average, Counted, K
from ..checking.statistics import GROUP, OTHERS, E, Mean, N, l_i, p

k, T = sp.symbols("k T", integer=True)
c = sp.Function("c")

weight = sp.Sum(E(k, OTHERS), (k, 0, T - 1))
general = sp.Sum(c(k) * E(k, OTHERS), (k, 0, T - 1))
difference = sp.Sum(c(k) * (E(k, GROUP) - E(k + 1, GROUP)), (k, 0, T - 1))

CLAIM = Claim(
    id="mean-advantage",
    says="The mean over the group of omega_i l_i is 1 - E_T(q), the unbiased estimate of pass@T; prod_j q_j = E_N(q)",
    domain=Domain(sp.Ge(T, 1), sp.Le(T, N), sp.Gt(p, 0), sp.Le(p, 1)),
    steps=(
        Step(
            "compare at K successes",
            eq(Average(weight * l_i), 1 - E(T, GROUP)),
            Counted(
                some=Telescoping(-(N - K - k) / K),
                nobody=Algebra(),
                everybody=Telescoping(k / N),
            ),
        ),
        Step("take the mean", eq(Mean(weight * l_i), 1 - (1 - p) ** T), Independence(Induction(T))),
        Step(
            "for any objective, power by power: the estimate of p w(p)",
            eq(Average(general * l_i), difference),
            Counted(some=Algebra(), nobody=Algebra(), everybody=Algebra()),
        ),
    ),
    sibling=eq(Average(weight * l_i), 1 - E(T - 1, GROUP)),
)
