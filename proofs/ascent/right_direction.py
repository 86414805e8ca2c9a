"""An update in the right direction at a speed of its own, for one prompt, and what keeps it from being so.

In coordinates u_1, u_2, u_3 of the laws the update is the form w_1 du_1 + w_2 du_2 + w_3 du_3. If it is a gradient
when a function s, nowhere 0, multiplies it, then the left side of the first step is 0, and so is the twist of w itself.
Conversely a form without twist is, near any law where it is not 0, a gradient at some speed (Frobenius).

On the laws of three values there are two directions, and three vectors that add up to 0 have no volume: every advantage
has the right direction. With four values v_1, ..., v_4 the twist is one number, in groups of two
b_1 T_23 + b_2 T_31 + b_3 T_12, where b_i = E[a(v_i; l) - a(v_4; l)] and T_ij, the curl of b, is minus the triangle of
v_i, v_j and v_4. One law where it is not 0 shows that an advantage is right at no speed. In a group of two
(l - mean)/sd is the sign of the difference.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.statistics import Mean
from ..checking.witness import Enumeration, bandit, l
from .curl import area, s_x, s_y, t_x, t_y

R = sp.Rational
u = sp.symbols("u_1:4", real=True)
w = tuple(sp.Function(f"w_{i}")(*u) for i in (1, 2, 3))
s = sp.Function("s")(*u)
s_z, t_z, r_x, r_y, r_z = sp.symbols("s_z t_z r_x r_y r_z", real=True)


def curl(first: sp.Expr, one: sp.Symbol, second: sp.Expr, two: sp.Symbol) -> sp.Expr:
    """Of first d(one) + second d(two)."""
    return sp.Derivative(second, one) - sp.Derivative(first, two)


def twist(form: tuple[sp.Expr, ...], speed: sp.Expr = sp.S.One) -> sp.Expr:
    """The form against its own curl, at a speed."""
    pairs = ((0, 1, 2), (1, 2, 0), (2, 0, 1))
    return sp.Add(*(form[i] * curl(speed * form[j], u[j], speed * form[k], u[k]) for i, j, k in pairs))


values = (R(1), R(1, 2), R(1, 3), R(1, 4))
arms = Enumeration(bandit(dict(zip((R(1, 2), R(1, 4), R(1, 6), R(1, 12)), values, strict=True))))


def witness(a: sp.Lambda) -> sp.Expr:
    """The twist of an advantage a(own value, other's value) at one law."""

    def triangle(i: int, j: int) -> sp.Expr:
        corners = (values[i], values[j], values[3])
        return sum(a(x, y) - a(y, x) for x, y in zip(corners, corners[1:] + corners[:1], strict=True))

    pairs = ((0, 1, 2), (1, 2, 0), (2, 0, 1))
    return sp.Add(*(-triangle(j, k) * Mean(a(values[i], l[0]) - a(values[3], l[0])) for i, j, k in pairs))


x, y = sp.symbols("x y", real=True)
shipped, standardised = sp.Lambda((x, y), (x - y) / (x + y)), sp.Lambda((x, y), sp.sign(x - y))

CLAIM = Claim(
    id="right-direction",
    says=(
        "A gradient at a speed of its own has no twist, update times curl; with three values nothing has one, "
        "with four (l - mean)/mean and (l - mean)/sd do, here in groups of two"
    ),
    domain=Domain(*(sp.Gt(weight, 0) for weight in u), sp.Lt(sum(u), 1)),
    steps=(
        Step("a speed multiplies the twist", eq(twist(w, s), s * twist(w)), Algebra()),
        Step(
            "three values: three vectors that add up to 0 each have no volume",
            eq(
                s_z * area(t_x, r_x, t_y, r_y) - t_z * area(s_x, r_x, s_y, r_y) + r_z * area(s_x, t_x, s_y, t_y),
                (s_x + s_y + s_z) * area(t_x, r_x, t_y, r_y)
                - (t_x + t_y + t_z) * area(s_x, r_x, s_y, r_y)
                + (r_x + r_y + r_z) * area(s_x, t_x, s_y, t_y),
            ),
            Algebra(),
        ),
        Step("(l - mean)/mean in groups of two", eq(witness(shipped), R(-1, 525)), arms),
        Step("(l - mean)/sd in groups of two", eq(witness(standardised), R(-2)), arms),
    ),
    sibling=eq(curl(s * w[0], u[0], s * w[1], u[1]), s * curl(w[0], u[0], w[1], u[1])),
)
