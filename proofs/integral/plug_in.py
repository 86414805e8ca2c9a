"""The two bounds of the weight differ by less than 30%, so N/(1+L) is within 30% of the unbiased weight."""

import sympy as sp

from ..checking import Claim, Domain, Manifest, Slopes, Step, le, lt
from ..checking.enclosures import Enclosure
from .subdivision import Cases, Subdivision

L = sp.Symbol("L", real=True)
above, below = sp.exp(-L), 1 - sp.exp(-L)
few, many = sp.Rational(3, 10), sp.Rational(10, 3)
worst = sp.Rational(89, 50)

# The gap is 3 L/10 - 1 + (1 + L) exp(-L): it grows from 0 up to L = 3/10, and both its parts are positive beyond 10/3.
half = sp.exp(-L / 2)
small = Slopes(L, sp.S.Zero, Manifest((few - L) * above + few * (1 - half) * (1 + half)))
middle = Subdivision(L, few, many, worst, sp.Rational(1, 300))
large = Manifest((few * L - 1) + (1 + L) * above)

CLAIM = Claim(
    id="plug-in-within-30-percent",
    says="The upper bound of the weight, hence the weight, exceeds N/(1+L) by less than 30%; by 29.8% where L = 1.78",
    domain=Domain(sp.Ge(L, 0)),
    steps=(
        Step(
            "the bounds' ratio is at most 13/10",
            le((1 + L) * below, sp.Rational(13, 10) * L),
            Cases(L, few, small, Cases(L, many, middle, large)),
        ),
        Step(
            "it reaches 1.298",
            lt(sp.Rational(1298, 1000) * L, (1 + L) * below),
            Enclosure("0.99968", ((L, worst),)),
            Domain(sp.Ge(L, worst), sp.Le(L, worst)),
        ),
    ),
    sibling=le((1 + L) * below, sp.Rational(129, 100) * L),
)
