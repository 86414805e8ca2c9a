"""Standardised rewards on three values x < y < z, where n = N - 2 members are at y: the gradient of nothing.

With one member apart from N - 1 that are equal, the two advantages differ by N/sqrt(N-1), however far apart they are:
so from x to y, and from y to z. From x to z they differ by what the third step bounds. The distances are u = y - x
and v = z - y, and the standard deviation is that of the whole group (ddof = 0); with ddof = 1 everything is multiplied
by sqrt((N-1)/N).
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Step, eq, le, lt

n = sp.Symbol("n", integer=True)
u, v = sp.symbols("u v", positive=True)

root = sp.sqrt
N = n + 2
spread = root((u + v) ** 2 + n * (u**2 + v**2))  # N times the deviation of -u, v and n zeros
one_apart = u * root(n + 1) / N  # the deviation of -u and n + 1 zeros
most = root(2) / root(N)


def variance(*values: sp.Expr) -> sp.Expr:
    """Of these values, and of zeros up to N."""
    return sp.Add(*(value**2 for value in values)) / N - (sp.Add(*values) / N) ** 2


around = u / one_apart + v / one_apart.subs(u, v) - (u + v) / (spread / N)
closed = 2 * N / root(n + 1) - N * (u + v) / spread
below = n * (u - v) ** 2 / (root(N) * spread * (root(2) * spread + root(N) * (u + v)))
least = (2 * n + 6) / (root(n + 1) * root(N) * (2 * root(N) + root(2) * root(n + 1)))

CLAIM = Claim(
    id="grpo-triangle",
    says=(
        "(l - mean)/sd from x to y and to z counts for more than from x to z, beside N - 2 others at y, by at least "
        "N (2/sqrt(N-1) - sqrt(2/N)) > 0, whatever the distances: on three values it is the gradient of nothing"
    ),
    domain=Domain(sp.Ge(n, 0)),
    steps=(
        Step("the differences of advantages, by u, v and n", eq(around, closed), Algebra()),
        Step("the part from x to z is largest at u = v", le((u + v) / spread, most), Manifest(below)),
        Step("and smaller than the other two at every size", lt(most, 2 / root(n + 1)), Manifest(least)),
        Step("the variance of one apart", eq(variance(-u), one_apart**2), Algebra()),
        Step("the variance of all three values", eq(variance(-u, v), (spread / N) ** 2), Algebra()),
    ),
    sibling=eq(around, sp.S.Zero),
)
