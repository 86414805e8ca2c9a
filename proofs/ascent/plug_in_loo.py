"""A likelihood over one plus the others' has the direction of grad p under every law, and is the gradient of nothing.

N l_i / (1 + sum of the others) is l_i times a function c of the others. By independence its mean is E c grad p, the
right direction at the speed E c, which no function of p is. With C = 1 + W, where W is the sum of N - 2 others, its
triangles do not vanish where three likelihoods differ; nor do those of N l_i / (sum of all), and of (l - mean)/mean,
which is 1 less.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.rewards import GivenOthers, Statistic
from ..checking.statistics import GROUP, OTHERS, Mean, N, S_i, grad, l_i

x, y, z, W, C = sp.symbols("x y z W C", positive=True)
c = sp.Symbol("c")


def triangle(more: sp.Lambda) -> sp.Expr:
    """D(x, y) + D(y, z) + D(z, x)."""
    return more(x, y) + more(y, z) + more(z, x)


plug_in = sp.Lambda((x, y), N * x / (C + y) - N * y / (C + x))
normalised = sp.Lambda((x, y), N * (x - y) / (x + y + W))
apart = N * (x - y) * (y - z) * (z - x)
alone = (C + x) * (C + y) * (C + z)
in_pairs = (x + y + W) * (y + z + W) * (z + x + W)

CLAIM = Claim(
    id="plug-in-direction",
    says=(
        "l_i times any function c of the others has the mean E c grad p: the direction of grad p under every law; "
        "N l_i / (1 + sum of the others) is one, and has triangles that are not 0"
    ),
    domain=Domain(sp.Ge(N, 2)),
    steps=(
        Step(
            "independence",
            eq(Mean(Statistic(c, OTHERS) * l_i * S_i), Mean(Statistic(c, OTHERS)) * grad),
            GivenOthers(Algebra()),
        ),
        Step("the triangle of N l_i / (1 + the others')", eq(triangle(plug_in), apart / alone), Algebra()),
        Step("the triangle of N l_i / (all)", eq(triangle(normalised), -apart / in_pairs), Algebra()),
    ),
    sibling=eq(Mean(Statistic(c, GROUP) * l_i * S_i), Mean(Statistic(c, GROUP)) * grad),
)
