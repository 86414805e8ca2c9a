"""REINFORCE and RLOO ascend the pass rate, Dr. GRPO (N-1)/N of it, for any likelihood.

E_1 is the mean failure mass, so l_i less the mean of the others is E_1(q_-i) - q_i: a success gets E_1(q_-i), a
failure E_1(q_-i) - 1.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Independence, SplitOff, Step, eq
from ..checking.rewards import GivenOthers, q_i
from ..checking.statistics import GROUP, OTHERS, E, Mean, N, S_i, grad, l_i

others_fail, group_fails = E(1, OTHERS), E(1, GROUP)

CLAIM = Claim(
    id="expected-reward",
    says="l_i and l_i - mean of the others have the mean grad p, and l_i - mean of the group has (1 - 1/N) grad p",
    domain=Domain(sp.Ge(N, 2)),
    steps=(
        Step(
            "the mean of the group contains l_i (Dr. GRPO)",
            eq(Mean((group_fails - q_i) * S_i), (1 - 1 / N) * grad),
            GivenOthers(Algebra()),
        ),
        Step(
            "that of the others does not (RLOO)",
            eq(Mean((others_fail * l_i - (1 - others_fail) * q_i) * S_i), grad),
            GivenOthers(Algebra()),
        ),
        Step(
            "the two advantages are proportional in every group",
            eq(others_fail - (1 - l_i), N / (N - 1) * (group_fails - (1 - l_i))),
            SplitOff(),
        ),
        Step("no baseline (REINFORCE)", eq(Mean(l_i * S_i), grad), Independence(Algebra())),
    ),
    sibling=eq(Mean((group_fails - q_i) * S_i), grad),
)
