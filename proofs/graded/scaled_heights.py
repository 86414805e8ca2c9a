"""A rule that does not change under l -> a l climbs one height from 0 to any value: none may lie between two values.

As in the claim normalised-heights, the work from x to y is a mean over the groups in which both occur of what their
advantages differ by. Where x is 0 it is the same for all y, by the invariance, and by the second step that of J_{N-1}
on 0/1 rewards. What remains, once round 0, x and y, is the work from x to y, and it is not zero.

N l/sum(l) gives 1 where all are equal and positive, and 0 where all are 0: 1/N more from 0 to anything, twice, with
opposite signs. That a rule does not change under l -> a l does not alone forbid that it is a gradient: where l is
above zero or not ascends P(l > 0), and log l less the others' mean of it ascends E log l.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Step, eq, le
from ..checking.rewards import K
from ..checking.statistics import N

x, u = sp.symbols("x u", real=True)
y = x + u


def mean(low: sp.Expr, high: sp.Expr) -> sp.Expr:
    """Of N - K at the lower value and K at the higher."""
    return (K * high + (N - K) * low) / N


def work(low: sp.Expr, high: sp.Expr) -> sp.Expr:
    """Of (l - mean)/mean, from all at the lower value to all at the higher."""
    upper, lower = ((value - mean(low, high)) / mean(low, high) for value in (high, low))
    return sp.Sum(upper - lower, (K, 1, N - 1)) / N


around = work(0, x) + work(x, y) - work(0, y)
remains = u * sp.Sum(1 / (N * x + K * u), (K, 1, N - 1))
each = (N - K) * u / (N * y * (N * x + K * u))

CLAIM = Claim(
    id="scaled-heights",
    says=(
        "(l - mean)/mean climbs from 0 to x and on to y = x + u by u sum_{K<N} 1/(N x + K u) more than from 0 to y, at "
        "least (1 - 1/N) u/y: it is the gradient of nothing"
    ),
    domain=Domain(sp.Ge(N, 2), sp.Gt(x, 0), sp.Gt(u, 0)),
    steps=(
        Step("once round 0, x and y", eq(around, remains), Algebra()),
        Step("from 0, whatever the value", eq(work(0, y), sp.Sum(1 / K, (K, 1, N - 1))), Algebra()),
        Step(
            "each term is least at K = N",
            le(1 / (N * y), 1 / (N * x + K * u)),
            Manifest(each),
            Domain(sp.Ge(K, 1), sp.Le(K, N), sp.Gt(x, 0), sp.Gt(u, 0)),
        ),
    ),
    sibling=eq(around, sp.S.Zero),
)
