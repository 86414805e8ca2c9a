"""The second moment of the leave-one-out weight is a double integral in the first two moments of l, for T = N.

omega_i = N Int prod_{j != i} (1 - t l_j) dt. Its square is the same in two variables, and the other rollouts are
independent: each contributes the mean of (1 - s l)(1 - t l).
"""

import sympy as sp

from ..checking import Algebra, Antiderivative, Claim, Domain, Independence, Step, eq
from ..checking.statistics import OTHERS, Mean, N, Survival, m_ll, p

s, t = sp.symbols("s t", real=True)


def double(integrand: sp.Expr) -> sp.Expr:
    return sp.Integral(integrand, (s, 0, 1), (t, 0, 1))


weight = N * sp.Integral(Survival(t, OTHERS), (t, 0, 1))
square = N**2 * double(Survival(s, OTHERS) * Survival(t, OTHERS))
each = 1 - (s + t) * p + s * t * m_ll
mean = N * sp.Integral((1 - t * p) ** (N - 1), (t, 0, 1))

CLAIM = Claim(
    id="weight-second-moment",
    says="E omega_i^2 = N^2 Int Int (1 - (s+t) p + s t E[l^2])^(N-1) ds dt for T = N, and E omega_i = w_N(p)",
    domain=Domain(sp.Ge(N, 1), sp.Gt(p, 0), sp.Le(p, 1)),
    steps=(
        Step(
            "take the mean of the square, a double integral",
            eq(Mean(square), N**2 * double(each ** (N - 1))),
            Independence(Algebra()),
        ),
        Step("take the mean of the weight", eq(Mean(weight), mean), Independence(Algebra())),
        Step("which is w_N(p)", eq(mean, (1 - (1 - p) ** N) / p), Antiderivative(-((1 - t * p) ** N) / p)),
    ),
    sibling=eq(Mean(square), N**2 * double(((1 - s * p) * (1 - t * p)) ** (N - 1))),
)
