"""How many points of the circle leave at most 2^-54 of the weight: about 9 standard deviations of Bin(n, m/n).

The bound of circle-aliases is a/(1-a) + b/(1-b), at least a + b and at most (a+b)/(1-a-b): of a + b the certificates
give the share of what is allowed, which leaves room for 1 - a - b. Both fall as M grows, by the last four steps: so if
M - 1 points do not do, fewer do not either.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Step, eq, lt
from ..checking.enclosures import Enclosure

m, n, M = sp.symbols("m n M", integer=True)


def binomial(top: sp.Expr, bottom: sp.Expr) -> sp.Expr:
    """C(n, k) by factorials."""
    return sp.factorial(top) / (sp.factorial(bottom) * sp.factorial(top - bottom))


r = m / (n - m)
above = binomial(n, m + M) * r**M / binomial(n, m)
below = binomial(n + 1, m + 1 - M) * r**-M / binomial(n + 1, m + 1)
bound = above + below
accuracy = sp.Rational(1, 2) ** 54


def pinned(size: int, order: int, points: int) -> tuple[tuple[tuple[sp.Symbol, sp.Expr], ...], Domain]:
    """Group size N and order T with so many points, and the domain that is this place."""
    values = ((n, sp.Integer(size - 1)), (m, sp.Integer(order - 1)), (M, sp.Integer(points)))
    return values, Domain(*(side(symbol, value) for symbol, value in values for side in (sp.Ge, sp.Le)))


def enough(size: int, order: int, points: int, share: str) -> Step:
    """That so many points do, the bound being this share of what is allowed."""
    values, where = pinned(size, order, points)
    return Step(f"N = {size}, T = {order}: {points} do", lt(bound, accuracy), Enclosure(share, values), where)


def too_few(size: int, order: int, points: int, share: str) -> Step:
    """That so many points do not, what is allowed being this share of the bound."""
    values, where = pinned(size, order, points)
    return Step(f"N = {size}, T = {order}: {points} do not", lt(accuracy, bound), Enclosure(share, values), where)


CLAIM = Claim(
    id="circle-points",
    says="48, 69, 140 points leave at most 2^-54 of a weight at (N, T) = (128, 64), (256, 128), (1024, 512); no fewer",
    domain=Domain(sp.Ge(M, 1), sp.Ge(m, M), sp.Le(m + M + 1, n)),
    steps=(
        enough(128, 64, 48, "0.207"),
        too_few(128, 64, 47, "0.739"),
        enough(256, 128, 69, "0.504"),
        too_few(256, 128, 68, "0.606"),
        enough(1024, 512, 140, "0.620"),
        too_few(1024, 512, 139, "0.924"),
        Step(
            "one point more: the binomial in a",
            eq(sp.binomial(n, m + M + 1) / sp.binomial(n, m + M), (n - m - M) / (m + M + 1)),
            Algebra(),
        ),
        Step(
            "times r, less than 1",
            lt((n - m - M) * r / (m + M + 1), 1),
            Manifest((m * M + (n - m) * (M + 1)) / ((n - m) * (m + M + 1))),
        ),
        Step(
            "and that in b",
            eq(sp.binomial(n + 1, m - M) / sp.binomial(n + 1, m + 1 - M), (m + 1 - M) / (n - m + M + 1)),
            Algebra(),
        ),
        Step(
            "over r, less than 1",
            lt((m + 1 - M) / (r * (n - m + M + 1)), 1),
            Manifest((m * (M + 1) + (n - m) * (M - 1)) / (m * (n - m + M + 1))),
        ),
    ),
    sibling=lt(bound.subs(M, M / 2), accuracy),  # half as many
)
