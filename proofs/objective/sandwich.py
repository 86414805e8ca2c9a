"""All truncations lie between the logarithm, below, and expected likelihood less one, above.

That J_T is sharper than expected likelihood is a statement about slopes, w_T >= 1, and not about values.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Post, Slopes, Step, le

k, T = sp.symbols("k T", integer=True)
p = sp.Symbol("p", real=True)

J = -sp.Sum((1 - p) ** k / k, (k, 1, T))

CLAIM = Claim(
    id="sandwich",
    says="log p <= J_T(p) <= p - 1: direct RL less one bounds maximum likelihood from above, not from below",
    domain=Domain(sp.Gt(p, 0), sp.Le(p, 1), sp.Ge(T, 1)),
    steps=(
        Step(
            "equal at p = 1, below which the logarithm falls faster",
            le(sp.log(p), J),
            Slopes(p, 1, Manifest((1 - p) ** T / p, Slopes(T, 1, Algebra()))),
        ),
        Step(
            "equal at T = 1, and each order subtracts",
            le(J, p - 1),
            Slopes(T, 1, Manifest((1 - p) ** (T + 1) / (T + 1))),
            Domain(sp.Ge(p, 0), sp.Le(p, 1), sp.Ge(T, 1)),
        ),
    ),
    sibling=le(J, sp.log(p)),
    post=(Post.CORRECTED, "MaxRL is sharper than direct objectives, and lower-bounded by them"),
)
