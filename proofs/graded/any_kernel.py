"""Any functional E h(l_1, ..., l_m) has an unbiased gradient in groups of N >= m, made of h alone.

Let c of m members be at one atom of the law, of weight x, and let r(c) be the sum over what the m - c members elsewhere
may be, of their weights times h. Then E h = sum_c C(m,c) x^c r(c). By the first step its slope by x is m times the mean
of h with one member at that atom, so that grad E h = m E[h(l_1, ..., l_m) S_1]. Any m - 1 of the others are such draws,
and the mean over all (m-1)-subsets of theirs has the same mean, at less variance. What depends on the others alone
adds nothing, by the claim free-baseline.

The other steps are two kernels: the chance that m rollouts all fail, and the variance, whose kernel is (l_1 - l_2)^2/2.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Independence, Step, eq
from ..checking.rewards import GivenOthers, q_i
from ..checking.statistics import OTHERS, E, Mean, N, S_i, grad, l_i, l_j, m_ll, m_llS, p

c, m = sp.symbols("c m", integer=True)
x = sp.Symbol("x", real=True)
r = sp.Function("r")

functional = sp.Sum(sp.binomial(m, c) * x**c * r(c), (c, 1, m - 1)) + x**m * r(m)  # less r(0), which is constant
one_there = sp.Sum(sp.binomial(m - 1, c) * x**c * r(c + 1), (c, 0, m - 2)) + x ** (m - 1) * r(m)
variance = m_ll - p**2
variance_grad = m_llS - sp.Derivative(p**2, p) * grad  # E[l^2 S] is the gradient of E l^2

CLAIM = Claim(
    id="any-kernel",
    says=(
        "m times the mean of h(l_i, others) over the (m-1)-subsets of the others, less any function of the others, "
        "has the mean grad E h(l_1..l_m), for every symmetric h of m <= N arguments and every law"
    ),
    domain=Domain(sp.Ge(m, 1), sp.Le(m, N), sp.Ge(x, 0), sp.Le(x, 1)),
    steps=(
        Step("the slope by the weight of one atom", eq(sp.Derivative(functional, x), m * one_there), Algebra()),
        Step(
            "all of m fail",
            eq(Mean(m * q_i * E(m - 1, OTHERS) * S_i), sp.Derivative((1 - p) ** m, p) * grad),
            GivenOthers(Algebra()),
        ),
        Step(
            "the variance",
            eq(Mean((l_i - l_j) ** 2 * S_i), variance_grad),
            Independence(Algebra()),
            Domain(sp.Ge(N, 2)),
        ),
        Step(
            "and less the others' square",
            eq(Mean((l_i**2 - 2 * l_i * l_j) * S_i), variance_grad),
            Independence(Algebra()),
            Domain(sp.Ge(N, 2)),
        ),
        Step("it is the mean of its kernel", eq(Mean((l_i - l_j) ** 2) / 2, variance), Independence(Algebra())),
    ),
    sibling=eq(sp.Derivative(functional, x), N * one_there),
)
