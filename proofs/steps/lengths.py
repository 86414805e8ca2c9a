"""Each rollout's gradient over its length: with a leave-one-out baseline the update is the gradient of nothing.

u is any function of a rollout, such as 1/L for its length L, that does not depend on the parameters: E[u S] is the
gradient of E u, as E[l S] is that of E l. Rollout j stands for the mean of the others, which has the same mean.

Values are pairs (l, u) here. By the second step their triangle, as in the claim curl, is 2/(N-1) of the signed area of
the three points: it vanishes for all groups only if all values lie on one line. With 0/1 rewards two
failures of different length are off any line with a success. A baseline for l u instead of one for l has a triangle of
0: u l - mean of the others' u l ascends E[l u].
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.statistics import Mean, N, S_i, grad, l_i, l_j, p
from ..graded.triangles import triangle, x, y, z
from .draws import IndependentDraws

u_i, g_u, g_lu = sp.symbols("u_i g_u g_lu", real=True)  # and the gradients of E u and of E[l u]
u_x, u_y, u_z, W, theta = sp.symbols("u_x u_y u_z W theta", real=True)  # W: the sum of the N - 2 others
u = {x: u_x, y: u_y, z: u_z}
rollout = ((l_i, p), (S_i, sp.S.Zero), (l_i * S_i, grad), (u_i * S_i, g_u), (u_i * l_i * S_i, g_lu))
by = IndependentDraws((rollout, ((l_j, p),)), Algebra())

mean = Mean(u_i * (l_i - l_j) * S_i)
around = triangle(lambda one, two: u[one] * (one - (two + W) / (N - 1)))
area = ((y - x) * (u_z - u_x) - (z - x) * (u_y - u_x)) / 2
p_of, u_of = (sp.Function(name)(theta) for name in "pu")

CLAIM = Claim(
    id="lengths",
    says=(
        "u_i (l_i - mean of the others), u = 1/length, has the mean grad E[l u] - E[l] grad E[u] and round three "
        "rollouts 2/(N-1) times the area of the points (l, u): no gradient, even of 0/1 rewards"
    ),
    domain=Domain(sp.Ge(N, 2)),
    steps=(
        Step("the baseline is multiplied by u, and is not free", eq(mean, g_lu - p * g_u), by),
        Step("round three values (l, u), beside others", eq(around, 2 * area / (N - 1)), Algebra()),
        Step(
            "two failures and a success",
            eq(around.subs({x: 0, y: 0, z: 1}), (u_x - u_y) / (N - 1)),
            Algebra(),
        ),
        Step(
            "where likelihood and length are independent for all parameters it is E[u] grad p",
            eq(
                sp.Derivative(p_of * u_of, theta) - p_of * sp.Derivative(u_of, theta), u_of * sp.Derivative(p_of, theta)
            ),
            Algebra(),
        ),
    ),
    sibling=eq(mean, g_lu),
)
