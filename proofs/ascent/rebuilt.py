"""Where all triangles vanish, an advantage is N h + b, and h is found by replacing one member after the other by r.

h is 0 where all N members have the reference value r, and
h(c) = h(c - x + r) + (a(x, c) - a(r, c - x + r)) / N for any member x of c. By the first step two members x and y that
are replaced in either order give h(c) up to the triangle x, y, r with the other N - 2, over N. Where these vanish,
h does not depend on the order (by induction on the members that are not r), and by the second step a = N h + b. So
triangles with one vertex at r imply all others, by the claim triangle, and the converse of it holds.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.statistics import N
from .groups import a, h, r, w, x, y
from .triangle import more


def climbed(value: sp.Symbol, others: sp.Expr) -> sp.Expr:
    """By how much h grows where a member r becomes one of this value."""
    return (a(value, others + value) - a(r, others + r)) / N


def route(first: sp.Symbol, second: sp.Symbol) -> sp.Expr:
    """h at w + x + y less h at w + 2 r, where `first` is replaced first."""
    return climbed(first, w + second) + climbed(second, w + r)


triangle = more(x, y) + more(y, r) + more(r, x)
baseline = a(r, w + r) - N * h(w + r)

CLAIM = Claim(
    id="rebuilt",
    says=(
        "Replacing members x and y of a group by r in one order gives (D(x,y|w) + D(y,r|w) + D(r,x|w)) / N more than "
        "in the other; where that is 0, what they give is h, and a = N h + b"
    ),
    domain=Domain(sp.Ge(N, 2)),
    steps=(
        Step("the two routes differ by the triangle over N", eq(route(x, y), route(y, x) + triangle / N), Algebra()),
        Step(
            "a = N h + b, where b is a function of the others: what r would have in x's place, less N h there",
            eq(a(x, w + x), N * (h(w + r) + climbed(x, w)) + baseline),
            Algebra(),
        ),
    ),
    sibling=eq(route(x, y), route(y, x) + triangle),
)
