"""Three values x, y, z and a group's N - 2 others: what the advantages of two members differ by, once round.

E[g] is sum_x a(x) grad mu_x, a(x) the mean advantage of a rollout of value x and mu the law. If it is the gradient of a
functional of mu, the slopes of a(x) by mu_y less those of a(y) by mu_x add up to zero round x, y and z: not each alone,
as chances have the sum one. Each is N - 1 times a mean over the others' law, and two polynomials in mu are equal only
if their coefficients are. So the differences of two members' advantages add up to zero beside any others. Two values
have no triangle.
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
