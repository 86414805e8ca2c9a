"""The logarithm of a mean is at least the mean of logarithms.

Stated for two values with weights 1-b and b; for more values, by taking one at a time into the mean.
"""

import sympy as sp

from ..checking import Claim, Domain, Manifest, Slopes, Step, le

b, d, x = sp.symbols("b d x", real=True)

CLAIM = Claim(
    id="jensen",
    says="The log of a mean is at least the mean of logs, here of likelihoods x and x + d with weights 1-b and b",
    domain=Domain(sp.Gt(x, 0), sp.Ge(d, 0), sp.Ge(b, 0), sp.Le(b, 1)),
    steps=(
        Step(
            "equal at d = 0, from where the left side grows more slowly",
            le((1 - b) * sp.log(x) + b * sp.log(x + d), sp.log(x + b * d)),
            Slopes(d, 0, Manifest(b * (1 - b) * d / ((x + b * d) * (x + d)))),
        ),
    ),
    sibling=le(sp.log(x + b * d), (1 - b) * sp.log(x) + b * sp.log(x + d)),
)
