"""Any rule for 0/1 rewards, averaged over the levels of graded ones, ascends Int F(P(l > tau)) dtau under every law.

At a level tau a rollout succeeds if l_j > tau. The rule's advantage there, a_n or b_n with n = #{l_j > tau}, is
integrated over the levels from 0 to 1. F' = W is the rule's weight on 0/1 rewards, so that W(P) grad P is grad F(P).
MaxRL's lift N Int_0^{l_i} dtau / #{l_j > tau} is TailRL. Its weight is written as a sum: levels may have P = 0.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Induction, Recurrence, Step, Via, eq
from ..checking.polynomials import Polynomial
from ..checking.rewards import m, q_i
from ..checking.statistics import OTHERS, E, M, Mean, N, S_i, grad, l_i, p
from .lifts import AffineInLevels, AtEachLevel, Levels, P, P_grad, tau

a, b = map(sp.Function, "ab")
k = sp.Symbol("k", integer=True)

chance = sp.binomial(N - 1, m) * P**m * (1 - P) ** (N - 1 - m)
weight = sp.Sum(chance * (a(m + 1) - b(m)), (m, 0, N - 2)) + P ** (N - 1) * (a(N) - b(N - 1))
lift = Levels((a(M + 1) * l_i + b(M) * q_i) * S_i)
tailrl = Levels(N / (M + 1) * l_i * S_i)
w = (1 - (1 - p) ** N) / p
binomial_theorem = Recurrence(N, sp.S.One, -sp.binomial(N, m) * p**m * (1 - p) ** (N - m) * grad)


def over_levels(f: sp.Expr) -> sp.Expr:
    """The integral over all levels."""
    return sp.Integral(f * P_grad, (tau, 0, 1))


CLAIM = Claim(
    id="level-lift",
    says=(
        "Int (a_n if l_i > tau, else b_n) dtau, n = #{l_j > tau}, has the mean Int W(P(l > tau)) grad P(l > tau) dtau "
        "under every law, W the weight of a and b on 0/1 rewards; MaxRL's is TailRL, RLOO's RLOO"
    ),
    domain=Domain(sp.Ge(N, 1)),
    steps=(
        Step(
            "at each level rewards are 0/1", eq(Mean(lift), over_levels(weight)), AtEachLevel(Polynomial(p, Algebra()))
        ),
        Step(
            "MaxRL: w_N at each level",
            eq(Mean(tailrl), over_levels(sp.Sum((1 - P) ** k, (k, 0, N - 1)))),
            AtEachLevel(Polynomial(p, Via(w * grad, binomial_theorem, Induction(N)))),
        ),
        Step(
            "RLOO: l_i less the mean of the others",
            eq(Levels(l_i - M / (N - 1)), l_i - (1 - E(1, OTHERS))),
            AffineInLevels(Algebra()),
            Domain(sp.Ge(N, 2)),
        ),
    ),
    sibling=eq(Mean(Levels((a(M) * l_i + b(M) * q_i) * S_i)), over_levels(weight)),
)
