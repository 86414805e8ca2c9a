"""Weighting the likelihood less the mean of the others' likelihoods is unbiased too.

l_i - x is 1 - x at a success and -x at a failure. The others enter by the weight and by x together, and cancel
whatever x is.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.rewards import GivenOthers, Statistic, q_i
from ..checking.statistics import GROUP, OTHERS, E, Mean, N, S_i, grad, l_i, p

k, T = sp.symbols("k T", integer=True)
x = Statistic(sp.Symbol("x"), OTHERS)
weight = sp.Sum(E(k, OTHERS), (k, 0, T - 1))
w = sp.Sum((1 - p) ** k, (k, 0, T - 1))
others_fail = E(1, OTHERS)  # their mean failure mass; their mean likelihood is 1 less it
where = Domain(sp.Ge(T, 1), sp.Le(T, N), sp.Gt(p, 0), sp.Lt(p, 1))

CLAIM = Claim(
    id="mean-baseline",
    says=(
        "omega_i (l_i - x) is unbiased for J_T with any function x of the others, such as their mean "
        "likelihood, for all T <= N"
    ),
    domain=where,
    steps=(
        Step(
            "any function of the others",
            eq(Mean(weight * ((1 - x) * l_i - x * q_i) * S_i), w * grad),
            GivenOthers(Algebra()),
        ),
        Step(
            "their mean likelihood: a success gets 1 less it, their mean failure mass, and a failure minus it",
            eq(Mean(weight * (others_fail * l_i - (1 - others_fail) * q_i) * S_i), w * grad),
            GivenOthers(Algebra()),
            where.given(sp.Ge(N, 2)),
        ),
    ),
    sibling=eq(Mean(weight * (E(1, GROUP) - q_i) * S_i), w * grad),
)
