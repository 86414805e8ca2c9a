"""With the others' pass@T as baseline, the leave-one-out estimator is unbiased and its advantages sum to zero.

Both sides of the first step are affine in each likelihood, so it is enough that they agree at K successes, for all K.
It says that the weights c_k E_k of any objective sum to what their baseline c_k (E_k - E_{k+1}) does; for MaxRL, c_k
= 1, that telescopes.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Induction, Step, Telescoping, eq
from ..checking.rewards import Average, Counted, GivenOthers, K, q_i
from ..checking.statistics import GROUP, OTHERS, E, Mean, N, S_i, grad, l_i, p

k, T = sp.symbols("k T", integer=True)
c = sp.Function("c")

weight = sp.Sum(c(k) * E(k, OTHERS), (k, 0, T - 1))
baseline = sp.Sum(c(k) * (E(k, OTHERS) - E(k + 1, OTHERS)), (k, 0, T - 1))
of_group = sp.Sum(c(k) * (E(k, GROUP) - E(k + 1, GROUP)), (k, 0, T - 1))
w = sp.Sum(c(k) * (1 - p) ** k, (k, 0, T - 1))
algebra = Counted(Algebra(), Algebra(), Algebra())
maxrl = sp.Sum(E(k, OTHERS), (k, 0, T - 1))
passed = 1 - E(T, OTHERS)
telescoping = Telescoping(-(N - K - k) / K)

CLAIM = Claim(
    id="pass-baseline",
    says=(
        "omega_i l_i - (1 - E_T(q_-i)), T < N, sums to zero over every group and is unbiased for J_T; "
        "likewise for any objective"
    ),
    domain=Domain(sp.Ge(T, 1), sp.Le(T, N - 1), sp.Gt(p, 0), sp.Lt(p, 1)),
    steps=(
        Step(
            "the mean of the weighted likelihoods is that of their baselines, for any coefficients",
            eq(Average(weight * l_i), Average(baseline)),
            algebra,
        ),
        Step(
            "both are the group's estimate of p w(p)",
            eq(Average(baseline), of_group),
            algebra,
        ),
        Step(
            "the mean gradient: success gets omega_i less the baseline, failure minus the baseline",
            eq(Mean(((weight - baseline) * l_i - baseline * q_i) * S_i), w * grad),
            GivenOthers(Algebra()),
        ),
        Step(
            "for MaxRL the baseline is one less the last power",
            eq(sp.Sum(E(k, OTHERS) - E(k + 1, OTHERS), (k, 0, T - 1)), passed),
            Induction(T),
        ),
    ),
    sibling=eq(Average(weight * l_i), Average(sp.Sum(c(k) * E(k, OTHERS), (k, 0, T - 1)) * (1 - E(1, OTHERS)))),
)
