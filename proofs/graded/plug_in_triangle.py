"""N l_i / (1 + sum of the others) points along grad p on every law, and is still the gradient of nothing.

Its mean is grad p times a mean of the others that is no function of p. One prompt is climbed in the right direction at
a speed of its own; where several prompts share parameters, their speeds weigh one against the other, and no functional
of the laws has that gradient.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Step, eq, lt
from ..checking.rewards import GivenOthers, Statistic
from ..checking.statistics import OTHERS, Mean, N, S_i, grad, l_i
from .triangles import round_product, triangle, x, y, z

c = sp.Symbol("c", real=True)  # 1 and the sum of the N - 2 others
h = Statistic(sp.Symbol("h"), OTHERS)

around = triangle(lambda one, two: N * one / (c + two))
closed = N * round_product(lambda one, two: one - two) / ((c + x) * (c + y) * (c + z))
some = Domain(sp.Ge(N, 2), sp.Ge(c, 1), sp.Ge(x, 0), sp.Ge(y, 0), sp.Ge(z, 0))
form = N * (y - x) * (z - y) * (z - x) / ((c + x) * (c + y) * (c + z))

CLAIM = Claim(
    id="plug-in-triangle",
    says=(
        "N l_i/(1 + sum of the others) has round x, y, z, with c = 1 + the sum of the N - 2 others, the sum "
        "N (x-y)(y-z)(z-x) / ((c+x)(c+y)(c+z)): the gradient of nothing, though its mean is parallel to grad p"
    ),
    domain=some,
    steps=(
        Step("round the triangle", eq(around, closed), Algebra()),
        Step("it has one sign where x < y < z", lt(0, closed), Manifest(form), some.given(sp.Lt(x, y), sp.Lt(y, z))),
        Step(
            "l_i times any function of the others is parallel to grad p",
            eq(Mean(h * l_i * S_i), Mean(h) * grad),
            GivenOthers(Algebra()),
        ),
    ),
    sibling=eq(around, sp.S.Zero),
)
