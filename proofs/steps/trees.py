"""Trees: B branches, each with M leaves that carry on from one prefix of their own.

S is the score of the prefix and s that of what leaf i adds to it; l_k is the likelihood of another leaf of its branch
and l_j that of a leaf of another branch, each of which stands for all of its kind. Given the prefix its leaves are
independent and each has the mean score 0: E[S l_k] = E[S l_i], the prefix's part g of the gradient, while E[s l_k] = 0.
Leaving out one leaf leaves the others of its branch in the baseline, which the prefix has an effect on.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.rewards import q_i
from ..checking.statistics import Mean, S_i, grad, l_i, l_j, p
from .draws import IndependentDraws

B, M = sp.symbols("B M", integer=True)
l_k, s_i, g_s = sp.symbols("l_k s_i g_s", real=True)
branch = ((l_i, p), (l_k, p), (S_i, sp.S.Zero), (s_i, sp.S.Zero))
branch += ((l_i * S_i, grad), (l_k * S_i, grad), (l_i * s_i, g_s), (l_k * s_i, sp.S.Zero))
by = IndependentDraws((branch, ((l_j, p),)), Algebra())


def mean(baseline: sp.Expr) -> sp.Expr:
    """Of leaf i: what it has more than the baseline, times the scores of its prefix and of what it adds."""
    return Mean(((1 - baseline) * l_i - baseline * q_i) * (S_i + s_i))


one_leaf_out = ((M - 1) * l_k + (B - 1) * M * l_j) / (B * M - 1)
factor = 1 - (M - 1) / (B * M - 1)

CLAIM = Claim(
    id="trees",
    says=(
        "Of B branches of M leaves, l_i less the mean of all other leaves multiplies the prefix's gradient by "
        "1 - (M-1)/(BM-1) and leaves that of what follows; less the mean of the other branches it keeps both"
    ),
    domain=Domain(sp.Ge(B, 2), sp.Ge(M, 1), sp.Ge(B * M, 2)),
    steps=(
        Step("one leaf left out", eq(mean(one_leaf_out), factor * grad + g_s), by),
        Step("its whole branch left out", eq(mean(l_j), grad + g_s), by),
        Step("what is left of the prefix", eq(factor, (B - 1) * M / (B * M - 1)), Algebra()),
    ),
    sibling=eq(mean(one_leaf_out), grad + g_s),
)
