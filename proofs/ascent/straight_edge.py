"""The work of an advantage along the edge of laws from all at x to all at y, whether it has an objective or not.

The law has weight t at y and 1 - t at x; the work is the integral over t of what y gets more than x. Of N - 1 others m
have value y with the chance C(N-1,m) t^m (1-t)^(N-1-m). The sum over m is finite, so each of its terms is integrated by
itself. By the second step at n = N - 1 the work of an advantage with an objective is what that grows by, and adds up
along x, y and z. A standardised advantage does the same work for all x < y: with an objective it would be its double.
"""

import sympy as sp

from ..checking import Algebra, Antiderivative, Claim, Domain, Induction, Step, eq
from ..checking.recurrences import IntegralRecurrence
from ..checking.statistics import N
from ..checking.using import Inside
from .groups import SHARED, Supposing, a, h, x, y

m, n = sp.symbols("m n", integer=True)
t = sp.Symbol("t", real=True)

chance = sp.binomial(N - 1, m) * t**m * (1 - t) ** (N - 1 - m)
mean_chance = sp.Integral(chance, (t, 0, 1))
others = m * y + (N - 1 - m) * x
more = a(y, others + y) - a(x, others + x)
work = sp.Sum(mean_chance * more, (m, 0, N - 1))
by_parts = IntegralRecurrence(
    on=m,
    start=sp.S.Zero,
    base=Antiderivative(-((1 - t) ** N) / N),
    certificate_term=-sp.binomial(N - 1, m) / (m + 1) * t ** (m + 1) * (1 - t) ** (N - 1 - m),
)

CLAIM = Claim(
    id="straight-edge",
    says=(
        "From all at x to all at y the work of any advantage is the mean over m < N of a(y) - a(x), "
        "m others being y and the rest x; an objective's is F(delta_y) - F(delta_x)"
    ),
    domain=Domain(sp.Ge(N, 1)),
    steps=(
        Step(
            "each number of others at y is as likely as any other, over the whole edge",
            eq(work, sp.Sum(more, (m, 0, N - 1)) / N),
            Inside(mean_chance, 1 / N, by_parts, Algebra()),
        ),
        Step(
            "where a = N h + b, n + 1 members moved from x to y raise h by as much",
            eq(sp.Sum(more, (m, 0, n)) / N, h((n + 1) * y + (N - 1 - n) * x) - h(N * x)),
            Supposing(a, SHARED, Induction(n)),
            Domain(sp.Ge(n, 0), sp.Le(n, N - 1)),
        ),
    ),
    sibling=eq(work, sp.Sum(more, (m, 0, N - 1))),
)
