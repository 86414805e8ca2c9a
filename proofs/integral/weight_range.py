"""Every weight of order T lies between 1, where all others are certain to succeed, and T, where all others failed."""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Induction, Manifest, Step, eq, le
from ..checking.statistics import OTHERS, E, N

k, T = sp.symbols("k T", integer=True)

weight = sp.Sum(E(k, OTHERS), (k, 0, T - 1))
backwards = sp.Sum(E(T - 1 - k, OTHERS), (k, 0, T - 1))
ones = sp.Sum(sp.S.One, (k, 0, T - 1))

CLAIM = Claim(
    id="weight-range",
    says="1 <= omega_i <= T, with equality where all other likelihoods are 1, and where they are 0",
    domain=Domain(sp.Ge(T, 1), sp.Le(T, N)),
    steps=(
        Step("each of the T powers is at most 1", le(weight, ones), Manifest(sp.Sum(1 - E(k, OTHERS), (k, 0, T - 1)))),
        Step("which makes T", eq(ones, T), Induction(T)),
        Step(
            "the powers after the first are not negative",
            le(1, backwards),
            Manifest(sp.Sum(E(T - 1 - k, OTHERS), (k, 0, T - 2))),
        ),
        Step(
            "the weight at no success among the others",
            eq(N * (1 - sp.binomial(N - 1, T) / sp.binomial(N, T)), T),
            Algebra(),
        ),
    ),
    sibling=le(weight, ones - 1),
)
