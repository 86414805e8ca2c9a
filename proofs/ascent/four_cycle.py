"""Advantages that see several prompts at once: what two prompts owe each other.

a(x, c, d) is the advantage of a member of value x in the first prompt's group c while the second's group is d, and
e(X, d, c) that of a member of value X in the second's. As in the claim curl a derivative by the weight of a value names
a member: the exterior derivative has N times the mean of M(x, X) below for its (x, X) entry, over N - 1 others of each
prompt and all of any other groups. Tangent vectors add up to 0 in each prompt by itself. So besides the triangles
within each prompt the sum of M round the four corners x, X, y, Y with signs must vanish on average over every law, and
hence, being a polynomial in the weights, for all others: with two values, too. On a product of simplices that is all.

An objective E h(c, d) makes both advantages N h and a baseline, a function of all but the member itself. Where neither
prompt sees the other, M is a function of X less one of x, and the sum is 0.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.statistics import N
from .groups import Supposing, a, b, h, w, x, y

W, X, Y, d = sp.symbols("W X Y d")  # the second prompt's members; any group of it
e, g = sp.Function("e"), sp.Function("g")
s, t = sp.symbols("s t", real=True)


def owed(one: sp.Symbol, other: sp.Symbol) -> sp.Expr:
    """M: the second prompt's advantage less the first's, in groups that contain these two values."""
    return e(other, W + other, w + one) - a(one, w + one, W + other)


def together(one: sp.Symbol, other: sp.Symbol) -> sp.Expr:
    """The two advantages added up instead."""
    return e(other, W + other, w + one) + a(one, w + one, W + other)


objective = sp.Lambda((x, w, d), N * h(w, d) + b(w - x, d)), sp.Lambda((x, d, w), N * h(w, d) + g(w, d - x))
by = Supposing(a, objective[0], Supposing(e, objective[1], Algebra()))
M_xX, M_xY, M_yX, M_yY = sp.symbols("M_xX M_xY M_yX M_yY", real=True)

CLAIM = Claim(
    id="four-cycle",
    says=(
        "Advantages that see two prompts are a gradient if and only if their triangles vanish within each and "
        "M(x,X) + M(y,Y) = M(x,Y) + M(y,X), M(x,X) being that of X in the second group less that of x in the first"
    ),
    domain=Domain(sp.Ge(N, 1)),
    steps=(
        Step("N h(both groups) and baselines", eq(owed(x, X) + owed(y, Y), owed(x, Y) + owed(y, X)), by),
        Step(
            "the entry between prompts, on (s, -s) in the first and (t, -t) in the second",
            eq(
                M_xX * s * t + M_xY * s * (-t) + M_yX * (-s) * t + M_yY * (-s) * (-t),
                (M_xX + M_yY - M_xY - M_yX) * s * t,
            ),
            Algebra(),
        ),
    ),
    sibling=eq(together(x, X) + together(y, Y), together(x, Y) + together(y, X)),
)
