"""MaxRL's formulas on three values: no gradient of anything, for any group size.

What the whole group shares moves no difference of two members. Where x < y < z the sum is negative: to go from x to y
and on to z counts for more than to go from x to z.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Step, eq, lt
from ..checking.statistics import N
from .triangles import round_product, triangle, x, y, z

W = sp.Symbol("W", real=True)  # the sum of the others


def mean(one: sp.Expr, two: sp.Expr) -> sp.Expr:
    """The mean of a group."""
    return (one + two + W) / N


def weighted(one: sp.Expr, two: sp.Expr) -> sp.Expr:
    """N l / sum(l), of the first."""
    return N * one / (one + two + W)


around = triangle(weighted)
closed = -N * round_product(lambda one, two: one - two) / round_product(lambda one, two: one + two + W)
some = Domain(sp.Ge(N, 2), sp.Gt(x + y + W, 0), sp.Gt(y + z + W, 0), sp.Gt(z + x + W, 0))

CLAIM = Claim(
    id="maxrl-triangle",
    says=(
        "(l - mean)/mean and N l/sum(l) have round x, y, z, beside others that sum to W, the sum "
        "-N (x-y)(y-z)(z-x) / ((x+y+W)(y+z+W)(z+x+W)): on three values they are the gradient of nothing"
    ),
    domain=some,
    steps=(
        Step("N l/sum(l), which is MaxRL's N/K on 0/1 rewards", eq(around, closed), Algebra()),
        Step(
            "(l - mean)/mean, as shipped, is 1 less for every member",
            eq((x - mean(x, y)) / mean(x, y), weighted(x, y) - 1),
            Algebra(),
        ),
        Step(
            "it has one sign where x < y < z",
            lt(closed, 0),
            Manifest(N * (y - x) * (z - y) * (z - x) / round_product(lambda one, two: one + two + W)),
            some.given(sp.Lt(x, y), sp.Lt(y, z)),
        ),
    ),
    sibling=eq(around, sp.S.Zero),
)
