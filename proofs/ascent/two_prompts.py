"""With two prompts the right direction at a speed of its own is not enough: each update must be a gradient as it is.

Prompts that do not see each other have the update f(u) du + e_1(v) dv_1 + e_2(v) dv_2, where u is a coordinate of the
first prompt's laws, and v_1 and v_2 are any two of the second's. Suppose that it becomes a gradient where a function
s(u, v), nowhere 0, multiplies it. Then all three curls on the left vanish, and with them f(u) times the curl of the
second prompt's update, which does not depend on u. So if the first prompt is moved at all, f not being 0 somewhere, the
second's update is a gradient. By the same argument so is the first's.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from .right_direction import curl

u, v_1, v_2 = sp.symbols("u v_1 v_2", real=True)
f, e_1, e_2 = sp.Function("f")(u), sp.Function("e_1")(v_1, v_2), sp.Function("e_2")(v_1, v_2)
s = sp.Function("s")(u, v_1, v_2)

at_its_speed = (
    f * curl(s * e_1, v_1, s * e_2, v_2) + e_1 * curl(s * e_2, v_2, s * f, u) + e_2 * curl(s * f, u, s * e_1, v_1)
)

CLAIM = Claim(
    id="two-prompts",
    says=(
        "Two prompts that do not see each other are updated by a gradient, at any speed 1/s, only if each is by one "
        "at speed 1: what remains is s f(u) times the second's curl, where f(u) du moves the first"
    ),
    domain=Domain(sp.Gt(u, 0), sp.Lt(u, 1), sp.Gt(v_1, 0), sp.Gt(v_2, 0), sp.Lt(v_1 + v_2, 1)),
    steps=(
        Step("the other prompt's curl alone remains", eq(at_its_speed, s * f * curl(e_1, v_1, e_2, v_2)), Algebra()),
    ),
    sibling=eq(f * curl(s * e_1, v_1, s * e_2, v_2), s * f * curl(e_1, v_1, e_2, v_2)),
)
