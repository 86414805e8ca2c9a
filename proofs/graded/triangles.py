"""Three values x, y, z and a group's N - 2 others: what the advantages of two members differ by, once round.

If E[g] is the gradient of some functional of the law, the sum round every triangle is zero, the others as they are:
the exterior derivative of a gradient vanishes, and its (x, y) entry is a sum over the others of such differences,
less those of (x, z) and (z, y), since chances add up to one. Two values have no triangle.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

x, y, z = sp.symbols("x y z", real=True)
Advantage = Callable[[sp.Expr, sp.Expr], sp.Expr]  # of a member and one other, beside the N - 2 that stay


def triangle(advantage: Advantage) -> sp.Expr:
    """The differences of two members' advantages in one group, for x and y, y and z, z and x."""
    return sp.Add(*(advantage(one, two) - advantage(two, one) for one, two in ((x, y), (y, z), (z, x))))


def round_product(factor: Callable[[sp.Expr, sp.Expr], sp.Expr]) -> sp.Expr:
    """The product of a factor for x and y, one for y and z, one for z and x."""
    return sp.Mul(factor(x, y), factor(y, z), factor(z, x))
