"""The nodes and weights of the Gauss-Legendre rules on [0,1], correctly rounded to double precision.

The nodes are the roots of P_m(2t - 1); by the three-term recurrence P_m = 0 is the first equation. For the weights,
apply the rule to P P'/(t - t_k) and to (P/(t - t_k))^2, for both of which it is exact: w P'^2 = Int P P'/(t - t_k) dt,
by parts 1/(2 t_k (1 - t_k)) + w P'^2/2. So w P'^2 = 1/(t_k (1 - t_k)), and P' is m P_{m-1}/(2 t (1-t)) at a root, by
the recurrence of the derivative.
"""

import math
from fractions import Fraction
from itertools import pairwise

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from .rounding import NodeTable, RoundedRoots, RoundedWeights, coefficients, root

COUNTS = (1, 2, 3, 4, 8, 12, 16, 20, 24, 28)

k, m = sp.symbols("k m", integer=True)
t, w = sp.symbols("t w", real=True)


def derived(count: int) -> NodeTable:
    """Nodes and weights from enclosures of the roots, which lie between the midpoints of their well-known estimates."""
    estimates = [(1 - math.cos(math.pi * (4 * k - 1) / (4 * count + 2))) / 2 for k in range(1, count + 1)]
    ends = [Fraction(0), *(Fraction(a + b) / 2 for a, b in pairwise(estimates)), Fraction(1)]
    roots = [root(coefficients(count), low, high, 80).low for low, high in pairwise(ends)]
    before = [sum(c * t**k for k, c in enumerate(coefficients(count - 1))) for t in roots]
    weights = [4 * t * (1 - t) / (count * value) ** 2 for t, value in zip(roots, before, strict=True)]
    return NodeTable(count, tuple(map(float, roots)), tuple(map(float, weights)))


TABLES = tuple(map(derived, COUNTS))


def c(m: sp.Expr, k: sp.Expr) -> sp.Expr:
    """The coefficient of t^k in P_m(2t - 1)."""
    return (-1) ** (m + k) * sp.binomial(m, k) * sp.binomial(m + k, k)


CLAIM = Claim(
    id="node-table",
    says="The tables of 1, 2, 3, 4, 8, 12, 16, 20, 24 and 28 nodes and weights on [0,1] are correctly rounded",
    domain=Domain(sp.Ge(m, 1), sp.Ge(k, 1), sp.Le(k, m - 1)),
    steps=(
        Step(
            "the nodes are the roots",
            eq((2 * m - 1) * (2 * t - 1) * sp.legendre(m - 1, 2 * t - 1), (m - 1) * sp.legendre(m - 2, 2 * t - 1)),
            RoundedRoots(t, m, TABLES),
        ),
        Step(
            "the weights at the roots",
            eq(w, 4 * t * (1 - t) / (m * sp.legendre(m - 1, 2 * t - 1)) ** 2),
            RoundedWeights(t, w, m, TABLES),
        ),
        Step(
            "the three-term recurrence, coefficient by coefficient",
            eq((m + 1) * c(m + 1, k), (2 * m + 1) * (2 * c(m, k - 1) - c(m, k)) - m * c(m - 1, k)),
            Algebra(),
        ),
        Step(
            "that of the derivative",
            eq(2 * k * c(m, k) - 2 * (k - 1) * c(m, k - 1), m * (c(m - 1, k) - 2 * c(m, k - 1) + c(m, k))),
            Algebra(),
        ),
    ),
    sibling=eq(2 * m * (2 * t - 1) * sp.legendre(m - 1, 2 * t - 1), (m - 1) * sp.legendre(m - 2, 2 * t - 1)),
)
