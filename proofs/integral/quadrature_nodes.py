"""How many Gauss-Legendre nodes leave at most 2^-54 of the weight: 28 for every group, fewer for small sums.

On [0,a] the error of m nodes is the constant of gauss-legendre times a^(2m+1) and a derivative of at most S^(2m)
(derivative-bound). The whole is at least a/(1 + a S), so with x = a S the relative error is at most (1 + x) x^(2m)
(m!)^4 / ((2m+1) ((2m)!)^3). It is 1 + x for m = 0, and goes up and then down with m, as the ratio of neighbours falls:
so if m - 1 do not do, fewer do not either. a S is at most 37 + a max l, hence 38 (see tail).
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Slopes, Step, eq, le, lt
from ..checking.enclosures import Enclosure

m = sp.Symbol("m", integer=True)
x, y = sp.symbols("x y", real=True)

bound = (1 + x) * x ** (2 * m) * sp.factorial(m) ** 4 / ((2 * m + 1) * sp.factorial(2 * m) ** 3)
before = bound.subs(m, m - 1)
ratio = m * x**2 / (8 * (2 * m + 1) * (2 * m - 1) ** 2)
accuracy = sp.Rational(1, 2) ** 54


def pinned(nodes: int, total: sp.Rational) -> tuple[tuple[tuple[sp.Symbol, sp.Expr], ...], Domain]:
    """The bound at one place, and the domain that is that place."""
    values = ((m, sp.Integer(nodes)), (x, total))
    return values, Domain(
        *(constraint for symbol, value in values for constraint in (sp.Ge(symbol, value), sp.Le(symbol, value)))
    )


def enough(nodes: int, total: sp.Rational, share: str) -> Step:
    """That so many nodes do, the bound being this share of what is allowed."""
    values, where = pinned(nodes, total)
    return Step(f"x = {total}: {nodes} nodes do", lt(bound, accuracy), Enclosure(share, values), where)


def too_few(nodes: int, total: sp.Rational, share: str) -> Step:
    """That so many nodes do not, what is allowed being this share of the bound."""
    values, where = pinned(nodes, total)
    return Step(f"x = {total}: {nodes} do not", lt(accuracy, bound), Enclosure(share, values), where)


CLAIM = Claim(
    id="quadrature-nodes",
    says="28 nodes leave at most 2^-54 of omega_i for x <= 41; 3, 7, 11, 15, 19, 24, 27 at 1/100, 1, 5, 12, 20, 30, 37",
    domain=Domain(sp.Ge(m, 1), sp.Gt(x, 0), sp.Ge(y, x)),
    steps=(
        enough(28, sp.Integer(41), "0.660"),
        too_few(28, sp.Integer(42), "0.384"),
        enough(3, sp.Rational(1, 100), "0.00903"),
        too_few(2, sp.Rational(1, 100), "0.0000237"),
        enough(7, sp.Rational(11, 10), "0.00933"),
        too_few(6, sp.Rational(9, 10), "0.550"),
        enough(11, sp.Integer(5), "0.0200"),
        too_few(10, sp.Integer(5), "0.169"),
        enough(15, sp.Integer(12), "0.281"),
        too_few(14, sp.Integer(12), "0.0369"),
        enough(19, sp.Integer(20), "0.408"),
        too_few(18, sp.Integer(20), "0.0436"),
        enough(24, sp.Integer(30), "0.0704"),
        too_few(23, sp.Integer(30), "0.354"),
        enough(27, sp.Integer(37), "0.0685"),
        too_few(26, sp.Integer(37), "0.436"),
        Step(
            "the bound grows with x",
            le((1 + x) * x ** (2 * m), (1 + y) * y ** (2 * m)),
            Slopes(y, x, Manifest(y ** (2 * m) + 2 * m * (1 + y) * y ** (2 * m - 1))),
        ),
        Step("one node more multiplies it by", eq(bound, before * ratio), Algebra()),
        Step(
            "which falls with m",
            lt(ratio.subs(m, m + 1), ratio),
            Manifest(x**2 * (8 * m**2 + 6 * m - 1) / (8 * (2 * m - 1) ** 2 * (2 * m + 1) ** 2 * (2 * m + 3))),
        ),
    ),
    sibling=lt(bound, accuracy / 128),
)
