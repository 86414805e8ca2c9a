"""Groups dropped from a batch whose prompts are fixed, or from a micro-batch: prompts that are kept often gain.

Here N is the number of prompts in the batch, and l_j the chance that the group of prompt j is kept, which it is by a
flip of its own. The mean is over the kept groups, so that prompt i counts 1/(1 + M) where its own is kept, M being
those of the others that are. By the first step that is the leave-one-out weight of order N, made of these chances, over
N: a factor of its own for each prompt, as in the claim coin-flips. It is an integral by the claim weight-integral, and
in that form the third step has the factor of i less that of j, which is positive where i is kept more often. By the
second step the chances of the prompts times their factors add up to the chance that any is kept.

The factor depends on the chances of the other prompts. No objective is a sum over prompts any more.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, Telescoping, Vertices, eq
from ..checking.rewards import Average, Counted, K
from ..checking.statistics import GROUP, OTHERS, REST, E, Flips, M, N, Survival, l_i, l_j

k = sp.Symbol("k", integer=True)
t = sp.Symbol("t", real=True)

weight = sp.Sum(E(k, OTHERS), (k, 0, N - 1))
others = 1 - E(1, OTHERS)  # the mean of the others' chances
by_kept = Telescoping(-(N - 1 - M - k) / (M + 1))


def factor(other: sp.Symbol) -> sp.Expr:
    """Of one of two prompts, the other one's chance being given."""
    return sp.Integral((1 - t * other) * Survival(t, REST), (t, 0, 1))


CLAIM = Claim(
    id="fixed-prompts",
    says=(
        "Of N fixed prompts, groups kept with the chances l_j, the mean over the kept multiplies prompt i's update by "
        "E[1/(1+M)] = omega_i / N, made of the others' chances: the more often it is kept, the larger"
    ),
    domain=Domain(sp.Ge(N, 1)),
    steps=(
        Step("where M others are kept", eq(weight / N, Flips(1 / (M + 1))), Vertices(by_kept, by_kept)),
        Step(
            "chances times factors add up to the chance that any is kept",
            eq(Average(weight * l_i), 1 - E(N, GROUP)),
            Counted(
                some=Telescoping(-(N - K - k) / K),
                nobody=Algebra(),
                everybody=Telescoping(k / N),
            ),
        ),
        Step(
            "the factor of i less that of j",
            eq(factor(l_j) - factor(l_i), (l_i - l_j) * sp.Integral(t * Survival(t, REST), (t, 0, 1))),
            Algebra(),
            Domain(sp.Ge(N, 2)),
        ),
    ),
    sibling=eq(weight / N, 1 / (1 + (N - 1) * others)),
)
