"""A batch's gradient over its number of tokens: a ratio of means, which tends to grad p / E L and is not it.

a is what a rollout adds, l S, and L >= 1 its length, of n independent rollouts; means over the batch are A and B, and
r = E a / E L. By the first step A/B is off r by d = (A - r B)/E L, whose mean is 0, less d (B - E L)/B. By the second,
averaged, and as B >= 1, twice that is at most (t V + Var(L)/t) / (n E L) for every t > 0, V = Var(a - r L): the bias is
at most sd(a - r L) sd(L) / (n E L), of order 1/n, in every direction of the parameters.

At any n the mean is not along grad p. A rollout's coefficient is n l / (L + R), R the sum of the others' lengths: of
two successes the shorter has the larger one, by the last step but one, and a failure has none. So where successes have
two lengths and something fails, the coefficients are no multiple of l on a softmax over whole rollouts. From n = 2 on
it is the gradient of nothing either: the triangle of two failures and a success is not 0, by the last step.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Step, eq, le, lt
from ..checking.statistics import Mean
from ..graded.triangles import triangle, x, y, z
from .draws import IndependentDraws

n = sp.Symbol("n", integer=True)
A, B, E_a, E_L, R, D, m_dd, t = sp.symbols("A B a_0 L_0 R D m_dd t", real=True)
d_i, d_j, one, two = sp.symbols("d_i d_j x y", real=True)
L_x, L_y, L_z, W = sp.symbols("L_x L_y L_z W", real=True)  # W: the sum of the other lengths
L = {x: L_x, y: L_y, z: L_z}

r = E_a / E_L
off = (A - r * B) / E_L
square = t * one**2 + two**2 / t
around = triangle(lambda one, two: n * one / (L[one] + L[two] + W)).subs({x: 0, y: 0, z: 1})

CLAIM = Claim(
    id="token-mean",
    says=(
        "sum l_i S_i / sum L_i has the mean grad p / E L up to sd(l S - r L) sd(L)/(n E L), r = grad p / E L; at any n "
        "the shorter of two successes has the larger coefficient, and for n >= 2 it is no gradient"
    ),
    domain=Domain(sp.Ge(B, 1), sp.Ge(E_L, 1)),
    steps=(
        Step(
            "a ratio of means, less the ratio of what they are means of",
            eq(A / B - r, off - off * (B - E_L) / B),
            Algebra(),
        ),
        Step(
            "twice a product over B",
            le(2 * one * two / B, square),
            Manifest((t * (one - two / t) ** 2 + (B - 1) * square) / B),
            Domain(sp.Ge(B, 1), sp.Gt(t, 0)),
        ),
        Step(
            "the variance of a mean of n",
            eq(Mean(d_i * (d_i + (n - 1) * d_j) / n) - D**2, (m_dd - D**2) / n),
            IndependentDraws((((d_i, D), (d_i**2, m_dd)), ((d_j, D),)), Algebra()),
            Domain(sp.Ge(n, 1)),
        ),
        Step(
            "of two successes the shorter",
            lt(n / (L_y + R), n / (L_x + R)),
            Manifest(n * (L_y - L_x) / ((L_x + R) * (L_y + R))),
            Domain(sp.Ge(n, 1), sp.Ge(L_x, 1), sp.Ge(R, 0), sp.Gt(L_y, L_x)),
        ),
        Step(
            "two failures and a success, beside others",
            eq(around, n * (L_y - L_x) / ((L_x + L_z + W) * (L_y + L_z + W))),
            Algebra(),
            Domain(sp.Ge(n, 2), sp.Ge(L_x, 1), sp.Ge(L_y, 1), sp.Ge(L_z, 1), sp.Ge(W, 0)),
        ),
    ),
    sibling=eq(A / B - r, off),
)
