"""Where T p is small the gradient is T times that of expected likelihood: the order only scales the learning rate."""

import sympy as sp

from ..checking import Claim, Domain, Manifest, Slopes, Step, le

k, T = sp.symbols("k T", integer=True)
p = sp.Symbol("p", real=True)

weight = sp.Sum((1 - p) ** k, (k, 0, T - 1))

CLAIM = Claim(
    id="small-likelihoods",
    says="w_T(p) is from T - T (T-1) p/2 to T: prompts of p far below 1/T weigh the same, as in expected likelihood",
    domain=Domain(sp.Ge(p, 0), sp.Le(p, 1), sp.Ge(T, 1)),
    steps=(
        Step(
            "each power by Bernoulli's inequality",
            le(T - T * (T - 1) / 2 * p, weight),
            Slopes(T, 1, Slopes(T, 1, Manifest(p * (1 - (1 - p) ** T)))),
        ),
        Step("each power by 1", le(weight, T), Slopes(T, 1, Manifest(1 - (1 - p) ** T))),
    ),
    sibling=le(T - T * (T - 1) / 4 * p, weight),
)
