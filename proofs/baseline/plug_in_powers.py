"""Powers of the others' mean failure are too large where U-statistics are unbiased, by the variance of the likelihood.

The square of E_1(q_-i) is a sum over pairs: by symmetry one member j of the pair may be fixed, and the other is j
itself or one of the N - 2 others. Higher powers are too large as well, by Jensen's inequality.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Independence, Step, eq
from ..checking.statistics import REST, E, Mean, N, l_j, p
from ..checking.witness import Enumeration, l, u

R = sp.Rational
q_j = 1 - l_j
square = q_j * (q_j + (N - 2) * E(1, REST)) / (N - 1)
coin = Enumeration(((R(1, 2), R(0), R(-1, 2), R(0)), (R(1, 2), R(1), R(1, 2), R(0))))
mean_failure = (3 - l[1] - l[2] - l[3]) / 3
weight = 1 + mean_failure + mean_failure**2 + mean_failure**3

CLAIM = Claim(
    id="plug-in-powers",
    says=(
        "The squared mean failure of the others has the mean (1-p)^2 + Var(l)/(N-1); at N = T = 4, p = 1/2 "
        "the gradient is 1/9 too large"
    ),
    domain=Domain(sp.Ge(N, 3)),
    steps=(
        Step(
            "the square",
            eq(Mean(square), (1 - p) ** 2 + (Mean(l_j**2) - p**2) / (N - 1)),
            Independence(Algebra()),
        ),
        Step(
            "all powers up to the third, at p = 1/2: w_4 = 15/8 becomes 10/9 of it",
            eq(Mean(weight * l[0] * u[0]), R(10, 9) * R(15, 8) * Mean(l[0] * u[0])),
            coin,
        ),
    ),
    sibling=eq(Mean(square), (1 - p) ** 2),
)
