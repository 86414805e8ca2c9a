"""The formulas of MaxRL are biased for every weight on graded rewards: their mean does not even point along grad p.

Two vectors are parallel if u-component times v-component of one and the other agree crosswise. Likelihoods are
positive, so nothing depends on what is done where all are zero.
"""

import sympy as sp

from ..checking import Claim, Domain, Step, eq
from ..checking.statistics import Mean, N
from ..checking.witness import Enumeration, bandit, l, u, v

R = sp.Rational
arms = Enumeration(bandit({R(1, 2): R(1, 4), R(1, 3): R(1, 2), R(1, 6): R(1)}))
shipped = (l[0] - l[1]) / (l[0] + l[1])  # (l - mean) / mean in a group of two
normalised = 3 * l[0] / (l[0] + l[1] + l[2])


def wedge(advantage: sp.Expr) -> sp.Expr:
    """E[g] against grad p: zero if they are parallel."""
    along_u, along_v = (Mean(advantage * score[0]) for score in (u, v))
    return along_u * Mean(l[0] * v[0]) - along_v * Mean(l[0] * u[0])


CLAIM = Claim(
    id="graded-rewards",
    says=(
        "For likelihoods 1/4, 1/2 and 1 neither (l - mean)/mean nor N l/sum(l) has a mean parallel to grad p, "
        "whatever the weight"
    ),
    domain=Domain(sp.Ge(N, 2), sp.Le(N, 3)),
    steps=(
        Step("(l - mean)/mean in groups of two", eq(wedge(shipped), R(31, 12960)), arms),
        Step("N l/sum(l) in groups of three", eq(wedge(normalised), R(2659, 1088640)), arms),
    ),
    sibling=eq(wedge(shipped), sp.S.Zero),
)
