"""A rule that does not change under l -> a l + b climbs one height between any two values, and heights do not add up.

The work from x to y > x is that of E[g] along the laws with p at y and 1 - p at x, from p = 0 to 1: the integral of the
weight of the claim effective-weight, with a success for y and a failure for x. By the second step it is a mean of
a_{m+1} - b_m over m, hence of a_K - b_K over the mixed groups, for a_N and b_0 are what a group of one value gets: it
has one standardised form, so that they cancel.

By the first step the work is the same for all x < y. A gradient does as much from x to y and on to z as from x to z.
Then twice the height is the height, which must be zero. That of standardised rewards is above zero. Ranks do not
change either, and have a height above zero too.
"""

import sympy as sp

from ..checking import Algebra, Antiderivative, Claim, Domain, Manifest, Step, eq, lt
from ..checking.recurrences import IntegralRecurrence
from ..checking.rewards import K
from ..checking.statistics import N, p
from ..checking.using import Inside
from .standardised import Advantage, Standardised

m = sp.Symbol("m", integer=True)
x, y = sp.symbols("x y", real=True)
a, b = map(sp.Function, "ab")

success, failure = sp.sqrt(N - K) / sp.sqrt(K), -sp.sqrt(K) / sp.sqrt(N - K)


def mean(low: sp.Expr, high: sp.Expr) -> sp.Expr:
    """Of N - K at the lower value and K at the higher."""
    return ((N - K) * low + K * high) / N


def deviation(low: sp.Expr, high: sp.Expr) -> sp.Expr:
    """Its square is the variance, by the last step."""
    return sp.sqrt(K) * sp.sqrt(N - K) * (high - low) / N


def work(low: sp.Expr, high: sp.Expr) -> sp.Expr:
    """From all at the lower value to all at the higher: what the two differ by, over the groups in which both occur."""
    upper, lower = ((value - mean(low, high)) / deviation(low, high) for value in (high, low))
    return sp.Sum(Advantage(upper, K) - Advantage(lower, K), (K, 1, N - 1)) / N


height = sp.Sum(Advantage(success, K) - Advantage(failure, K), (K, 1, N - 1)) / N
apart = N / (sp.sqrt(K) * sp.sqrt(N - K))
chance = sp.binomial(N - 1, m) * p**m * (1 - p) ** (N - 1 - m)
by_parts = -sp.binomial(N - 1, m) / (m + 1) * p ** (m + 1) * (1 - p) ** (N - 1 - m)
weighed = sp.Sum(sp.Integral(chance, (p, 0, 1)) * (a(m + 1) - b(m)), (m, 0, N - 1))
mixed = Domain(sp.Ge(K, 1), sp.Le(K, N - 1))

CLAIM = Claim(
    id="normalised-heights",
    says=(
        "A rule that does not change under l -> a l + b, a > 0, climbs the same height between any two values, so by "
        "way of a third it climbs two: on three values (l - mean)/sd is the gradient of nothing"
    ),
    domain=Domain(sp.Ge(N, 2), sp.Lt(x, y)),
    steps=(
        Step(
            "the same height from any value to any higher one",
            eq(work(x, y), height),
            Standardised((success, failure), Algebra()),
        ),
        Step(
            "the work, the integral of the weight, is a mean over K of the differences",
            eq(weighed, sp.Sum(a(m + 1) - b(m), (m, 0, N - 1)) / N),
            Inside(
                sp.Integral(chance, (p, 0, 1)),
                1 / N,
                IntegralRecurrence(m, sp.S.Zero, by_parts, base=Antiderivative(-((1 - p) ** N) / N)),
                Algebra(),
            ),
        ),
        Step("standardised rewards climb in every mixed group", lt(failure, success), Manifest(apart), mixed),
        Step(
            "the deviation of N - K zeros and K ones",
            eq(K / N - mean(0, 1) ** 2, deviation(0, 1) ** 2),
            Algebra(),
            mixed,
        ),
    ),
    sibling=eq(work(x, y) + work(y, y + 1), work(x, y + 1)),
)
