"""A baseline that rollout i does not enter leaves the mean gradient as it is; one that l_i enters does not.

An advantage that is affine in l_i is b at a failure and a at a success, a l_i + b q_i. Only E a - E b matters, and a
baseline, any function of the other rollouts, cancels there; the second step is that for a = omega - c, b = -c.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Post, Step, eq
from ..checking.rewards import GivenOthers, Statistic, q_i
from ..checking.statistics import OTHERS, Mean, S_i, grad, l_i, p

a, b, c = (Statistic(sp.Symbol(name), OTHERS) for name in "abc")

CLAIM = Claim(
    id="free-baseline",
    says=(
        "An advantage that is a at a success and b at a failure has mean gradient (E a - E b) grad p, for any "
        "functions a, b of the others"
    ),
    domain=Domain(sp.Ge(p, 0), sp.Le(p, 1)),
    steps=(
        Step(
            "only the difference between success and failure counts",
            eq(Mean((a * l_i + b * q_i) * S_i), (Mean(a) - Mean(b)) * grad),
            GivenOthers(Algebra()),
        ),
        Step(
            "subtract a function c of the others from both",
            eq(Mean(((a - c) * l_i - c * q_i) * S_i), Mean(a) * grad),
            GivenOthers(Algebra()),
        ),
        Step(
            "a baseline that is a function of l_i has a mean: l_i itself takes E a - 1",
            eq(Mean((a * l_i - l_i) * S_i), (Mean(a) - 1) * grad),
            GivenOthers(Algebra()),
        ),
    ),
    sibling=eq(Mean((a * l_i + b * q_i) * S_i), (Mean(a) + Mean(b)) * grad),
    post=(Post.PROVED, "E[S] = 0, so a constant may be subtracted from the coefficients of the scores"),
)
