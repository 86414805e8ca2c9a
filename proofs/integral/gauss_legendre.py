"""The shifted Legendre polynomials are orthogonal to all lower powers; hence m nodes are exact to degree 2m - 1.

P_m(t) = sum_k (-1)^k C(m,k) C(2m-k,m) t^(m-k). C(j,m) is 0 for j < m. So a polynomial of degree below 2m has, divided
by P_m, a quotient whose product with P_m integrates to 0 and vanishes at the nodes, and the rest is interpolated
exactly. h nodes are thus exact for the degree N - 1 of N = 2h or 2h - 1 rollouts. Hermite's interpolation leaves
f^(2m)/(2m)! Int (P_m/C(2m,m))^2 dt.
"""

import sympy as sp

from ..checking import Algebra, Antiderivative, Claim, Domain, Recurrence, Step, eq
from ..checking.calculus import WrittenOut
from ..checking.using import Inside, Reversed

j, k, m = sp.symbols("j k m", integer=True)
t = sp.Symbol("t", real=True)

coefficient = (-1) ** k * sp.binomial(m, k) * sp.binomial(2 * m - k, m)
power = sp.Integral(t ** (m - k + j), (t, 0, 1))
moment = sp.binomial(j, m) / ((j + m + 1) * sp.binomial(j + m, m))
recurrence = Recurrence(
    on=m,
    start=sp.S.Zero,
    base=WrittenOut(Algebra()),
    certificate_term=2 * (-1) ** (m + k) * sp.binomial(m, k - 1) * sp.binomial(m + k, k - 1),
    ahead=j + m + 2,
    behind=j - m,
)
integrated = Inside(
    power, 1 / (m - k + j + 1), Antiderivative(t ** (m - k + j + 1) / (m - k + j + 1)), Reversed(recurrence)
)


leading = sp.binomial(2 * m, m)
norm = 1 / (2 * m + 1)

CLAIM = Claim(
    id="gauss-legendre",
    says="Int t^j P_m(t) dt = C(j,m)/((j+m+1) C(j+m,m)), 0 for j < m: m nodes are exact to degree 2m - 1",
    domain=Domain(sp.Ge(m, 0), sp.Ge(j, 0)),
    steps=(
        Step("integrate term by term and sum", eq(sp.Sum(coefficient * power, (k, 0, m)), moment), integrated),
        Step(
            "the norm, the leading coefficient times the moment j = m", eq(leading * moment.subs(j, m), norm), Algebra()
        ),
        Step(
            "the error constant",
            eq(
                norm / leading**2 / sp.factorial(2 * m), sp.factorial(m) ** 4 / ((2 * m + 1) * sp.factorial(2 * m) ** 3)
            ),
            Algebra(),
        ),
        Step(
            "P_m is the m-th derivative of (t^2 - t)^m / m!, term by term",
            eq(sp.factorial(2 * m - k) / sp.factorial(m - k) / sp.factorial(m), sp.binomial(2 * m - k, m)),
            Algebra(),
            Domain(sp.Ge(k, 0), sp.Le(k, m)),
        ),
    ),
    sibling=eq(sp.Sum(coefficient * power, (k, 0, m)), 2 * moment),
)
