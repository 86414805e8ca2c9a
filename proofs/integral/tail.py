"""Cutting the integral at a = 37/s, where s is at most the others' sum L, loses less than 2^-53 of the weight.

The tail is at most Int_a^1 exp(-t L) dt and the whole at least 1/(1+L), by integrand-bounds. Their ratio decreases in
L, thus L = s is the worst; for s it is s = c, below which nothing is cut off.
"""

import sympy as sp

from ..checking import Antiderivative, Claim, Domain, Manifest, Slopes, Step, eq, le, lt
from ..checking.enclosures import Enclosure

t, a, L, s, c = sp.symbols("t a L s c", real=True)


def worst(cut: sp.Expr) -> sp.Expr:
    """The largest share of the integral that lies beyond a = cut/s."""
    return sp.exp(-cut) * (1 + cut) / cut


pinned = {cut: Domain(sp.Ge(c, cut), sp.Le(c, cut)) for cut in (36, 37)}

CLAIM = Claim(
    id="tail",
    says="Beyond a = min(1, 37/s), s <= L, less than 2^-53 is left; no lesser integer, no more bits will do",
    domain=Domain(sp.Ge(c, 1), sp.Ge(s, c), sp.Ge(L, s), sp.Ge(a, 0), sp.Le(a, 1)),
    steps=(
        Step(
            "c = 37 leaves less than 2^-53",
            lt(worst(c), sp.Rational(1, 2) ** 53),
            Enclosure("0.7894", ((c, 37),)),
            pinned[37],
        ),
        Step("but more than 2^-54", lt(sp.Rational(1, 2) ** 54, worst(c)), Enclosure("0.6334", ((c, 37),)), pinned[37]),
        Step(
            "c = 36 leaves more than 2^-53",
            lt(sp.Rational(1, 2) ** 53, worst(c)),
            Enclosure("0.4657", ((c, 36),)),
            pinned[36],
        ),
        Step(
            "the tail",
            eq(sp.Integral(sp.exp(-t * L), (t, a, 1)), (sp.exp(-a * L) - sp.exp(-L)) / L),
            Antiderivative(-sp.exp(-t * L) / L),
        ),
        Step(
            "is, with a = c/s, largest at L = s",
            le(sp.exp(-c * L / s), sp.exp(-c)),
            Slopes(L, s, Manifest(c / s * sp.exp(-c * L / s))),
        ),
        Step("as is what it is divided by", le((1 + L) / L, (1 + s) / s), Manifest((L - s) / (L * s))),
        Step("and worst at s = c", le((1 + s) / s, (1 + c) / c), Manifest((s - c) / (s * c))),
    ),
    sibling=lt(worst(c), sp.Rational(1, 2) ** 54),
)
