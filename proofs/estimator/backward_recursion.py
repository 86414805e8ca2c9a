"""What the values after rollout j contribute to the weights before it: a recursion from the last value to the first.

A k-subset of the others of j takes a values before and b = k - a after it, so omega_j = sum_a E_a(before) D_j[a] with
D_j[a] = C(j-1,a) sum_b d_{a+b} e_b(after) and d_k = c_k / C(N-1,k), where d_k = 0 beyond the order. At the last
rollout D_N[a] = c_a. One value q_j more in front of those after it turns e_b into e_b + q_j e_{b-1}, which shifts the
second sum by one.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.statistics import N

a, b, j = sp.symbols("a b j", integer=True)
q = sp.Symbol("q_j", real=True)
d, e = sp.Function("d"), sp.Function("e")  # c_k / C(N-1,k); sums over subsets of the values after j


def after(taken: sp.Expr) -> sp.Expr:
    """What the values after rollout j contribute where some are taken before it."""
    return sp.Sum(d(taken + b) * e(b), (b, 0, N - j))


CLAIM = Claim(
    id="backward-recursion",
    says="D_{j-1}[a] = ((j-1-a) D_j[a] + (a+1) q_j D_j[a+1]) / (j-1), where omega_j = sum_a E_a(q_1..q_{j-1}) D_j[a]",
    domain=Domain(sp.Ge(j, 2), sp.Le(j, N), sp.Ge(a, 0), sp.Le(a, j - 2)),
    steps=(
        Step(
            "put q_j in front of the values after it",
            eq(
                sp.binomial(j - 2, a) * (after(a) + q * after(a + 1)),
                (j - 1 - a) / (j - 1) * sp.binomial(j - 1, a) * after(a)
                + (a + 1) / (j - 1) * q * sp.binomial(j - 1, a + 1) * after(a + 1),
            ),
            Algebra(),
        ),
        Step(
            "c_{a+b} E_a(before) E_b(after) counts by the chance that of a + b others a come before j",
            eq(
                sp.binomial(j - 1, a) * sp.binomial(N - j, b) / sp.binomial(N - 1, a + b),
                sp.binomial(a + b, a) * sp.binomial(N - 1 - a - b, j - 1 - a) / sp.binomial(N - 1, j - 1),
            ),
            Algebra(),
            Domain(sp.Ge(j, 1), sp.Ge(a, 0), sp.Le(a, j - 1), sp.Ge(b, 0), sp.Le(b, N - j)),
        ),
    ),
    sibling=eq(
        sp.binomial(j - 2, a) * (after(a) + q * after(a + 1)),
        (j - 1 - a) / (j - 1) * sp.binomial(j - 1, a) * after(a)
        + a / (j - 1) * q * sp.binomial(j - 1, a + 1) * after(a + 1),
    ),
)
