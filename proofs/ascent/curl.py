"""The expected update as a 1-form on the simplex of laws, and what keeps it from being a gradient.

E[g] = sum_x a(x; mu) grad mu_x, where a(x; mu) is the mean of the advantage a(x, w + x) over N - 1 others w. Let u be
the weight of x, and k the number of those others of a member of value y that have another value than x. Then
a(y; mu) = sum_k C(N-1,k) u^(N-1-k) R(N-1-k, k), where R(i, k) is a sum over k others, their weights multiplied, of the
advantage of y among them and i members of value x. Likewise for a(x; mu), by the weight v of y and with Q. By the
first step the exterior derivative has for its (x, y) entry c_xy

    d_x a(y; mu) - d_y a(x; mu) = (N-1) E[a(y, w + x + y) - a(x, w + x + y)] = -(N-1) E D(x,y|w),

over N - 2 others w. As weights add up to 1, tangent vectors s and t add up to 0. Those with three coordinates span the
tangent planes, and on them the derivative is the sum of c round a triangle, times an area. So it vanishes if and only
if E[D(x,y|w) + D(y,z|w) + D(z,x|w)] does for every law. That is a polynomial in the weights, homogeneous of degree
N - 2, hence zero on all rays if on the simplex; its coefficients are multiples of the triangles at each w, which all
vanish. A closed form on a simplex is a gradient. A pair is no triangle: with two values there is no area, by the third
step, and any advantage is a gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from ..checking import Algebra, Claim, Domain, Refuted, Rule, Step, eq
from ..checking.statistics import N

k = sp.Symbol("k", integer=True)
u, v, s_x, s_y, t_x, t_y, c_xy, c_yz, c_zx = sp.symbols("u v s_x s_y t_x t_y c_xy c_yz c_zx", real=True)
R, Q = sp.Function("R"), sp.Function("Q")


@dataclass(frozen=True)
class Weights(Rule):
    """The exponent of a weight is a number of members, in all terms of a sum at least 0; then the rule is applied."""

    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Look at the exponents over the ranges of the sums, and apply the rule."""
        for total in relation.atoms(sp.Sum):
            ((index, low, high),) = total.limits
            inside = domain.given(sp.Ge(index, low), sp.Le(index, high))
            for power in total.function.atoms(sp.Pow):
                if not inside.nonnegative(power.exp):
                    raise Refuted(f"{power} may be the weight of less than no members")
        self.then.check(relation, domain)


def mean(of: sp.Function, named: sp.Expr, n: sp.Expr, weight: sp.Symbol) -> sp.Expr:
    """The mean over n others, k of them of other values, with so many more named that have the value itself."""
    return sp.Sum(sp.binomial(n, k) * weight ** (n - k) * of(n - k + named, k), (k, 0, n))


def area(s: sp.Expr, t: sp.Expr, s_next: sp.Expr, t_next: sp.Expr) -> sp.Expr:
    """What two vectors span in the plane of two coordinates."""
    return s * t_next - s_next * t


s_z, t_z = -s_x - s_y, -t_x - t_y
of_y, of_x = (mean(of, 0, N - 1, weight) for of, weight in ((R, u), (Q, v)))
met = mean(R, 1, N - 2, u) - mean(Q, 1, N - 2, v)
entry = sp.Derivative(of_y, u) - sp.Derivative(of_x, v)

CLAIM = Claim(
    id="curl",
    says=(
        "The exterior derivative of E[g] on the simplex of laws has the entries -(N-1) E D(x,y|w), of which tangent "
        "vectors see sums round triangles: E[g] is a gradient if and only if all triangles vanish"
    ),
    domain=Domain(sp.Ge(N, 2), sp.Gt(u, 0), sp.Gt(v, 0)),
    steps=(
        Step("a derivative by a weight names one of the N - 1 others", eq(entry, (N - 1) * met), Weights(Algebra())),
        Step(
            "vectors that add up to 0 see the sum round a triangle",
            eq(
                c_xy * area(s_x, t_x, s_y, t_y) + c_yz * area(s_y, t_y, s_z, t_z) + c_zx * area(s_z, t_z, s_x, t_x),
                (c_xy + c_yz + c_zx) * area(s_x, t_x, s_y, t_y),
            ),
            Algebra(),
        ),
        Step(
            "two values: the area is 0 where s_x + s_y and t_x + t_y are",
            eq(area(s_x, t_x, s_y, t_y), (s_x + s_y) * t_y - s_y * (t_x + t_y)),
            Algebra(),
        ),
    ),
    sibling=eq(entry, N * met),
)
