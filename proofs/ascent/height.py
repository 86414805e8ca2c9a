"""The objective, from advantages alone: draws take the place of a reference value r one by one.

y_0 and Draws(j) are draws of the law mu. After n + 1 steps the mean of h has grown from h(r, ..., r) to that of n + 1
draws and N - 1 - n members r. At n = N - 1 the whole group is drawn, and that is F(mu) - F(delta_r) with F = E h: h of
one group is an unbiased estimate of what is ascended.
"""

import sympy as sp

from ..checking import Claim, Domain, Induction, Step, eq
from ..checking.statistics import Mean, N
from .groups import SHARED, Drawn, Draws, Supposing, a, h, r, y_0

j, n = sp.symbols("j n", integer=True)

others = Draws(j) + (N - 1 - j) * r
risen = Mean(h(Draws(n + 1) + (N - 1 - n) * r)) - h(N * r)


def steps(of: sp.Expr) -> sp.Expr:
    """The sum over the draws that take a place."""
    return sp.Sum(of, (j, 0, n))


by = Supposing(a, SHARED, Drawn(Induction(n)))

CLAIM = Claim(
    id="objective-from-advantages",
    says=(
        "F(mu) - F(delta_r) = (1/N) sum_{j<N} E[a(y_0; y_1..y_j, r..r) - a(r; y_1..y_j, r..r)], "
        "where a = N h + b and F = E h; a partial sum is the objective with so many draws"
    ),
    domain=Domain(sp.Ge(n, 0), sp.Le(n, N - 1)),
    steps=(Step("one draw after the other", eq(steps(Mean(a(y_0, others + y_0) - a(r, others + r))) / N, risen), by),),
    sibling=eq(steps(Mean(a(y_0, others + y_0) - a(r, others + r))), risen),
)
