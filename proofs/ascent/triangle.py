"""What is the gradient of anything adds up: differences of two members' advantages, round a triangle.

D(x, y | w) is what a member of value x gets more than one of value y in the group of both and w. An objective F = E h
of N draws has the gradient E[N h(w + x) S], and baselines, functions of the others, change nothing in the mean: N h + b
is what an advantage that ascends F may be. The claim rebuilt is the converse, and the claim curl says that no
other advantage has a gradient for its mean. (For games: Monderer and Shapley 1996, Sandholm 2001.)
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.statistics import N
from .groups import SHARED, Supposing, a, b, w, x, y, z


def more(one: sp.Symbol, other: sp.Symbol) -> sp.Expr:
    """D(one, other | w): by how much the first's advantage is larger than the second's in the group of both and w."""
    return a(one, w + one + other) - a(other, w + one + other)


def both(one: sp.Symbol, other: sp.Symbol) -> sp.Expr:
    """The two advantages added up instead."""
    return a(one, w + one + other) + a(other, w + one + other)


by = Supposing(a, SHARED, Algebra())

CLAIM = Claim(
    id="triangle",
    says=(
        "Where a member's advantage is N times a number that its group shares and a function of the others, "
        "D(x,y|w) + D(y,z|w) = D(x,z|w), D(x,y|w) being what x has more than y in the group of both and w"
    ),
    domain=Domain(sp.Ge(N, 2)),
    steps=(
        Step("differences add up", eq(more(x, y) + more(y, z), more(x, z)), by),
        Step("for each is that of two functions of the others", eq(more(x, y), b(w + y) - b(w + x)), by),
    ),
    sibling=eq(both(x, y) + both(y, z), both(x, z)),
)
