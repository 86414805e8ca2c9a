"""Rewards less their group's mean, over a deviation of the whole batch: with two prompts the gradient of nothing.

Of the other rollouts of the first prompt m succeed, of the second's n, and K of the whole batch but these two rollouts.
A success gets (1 - C/N) s and a failure -(C/N) s, C being its own group's count and 1/s the deviation. The 4-cycle of
the claim four-cycle would vanish for a gradient. By the first step it is (m - n)/N times the second difference of s.
For the deviation of all A rewards s(K) = A/sqrt(K (A - K)), and that is convex: with S = 1/s^2, by the second step S(K)
S(K + 2) < S(K + 1)^2, and by the third s(K) + s(K + 2) is at least twice the root of s(K) s(K + 2), which is more than
2 s(K + 1). So any m and n that differ are a witness, where K is from 1 to A - 3. A constant factor, such as that of
ddof = 1, changes nothing; nor does a constant added to the deviation, as one over a concave function is convex.

Where the deviation is that of the centred rewards, s depends on the counts of each group. The fourth step has the
4-cycle for any such s. At m = N - 1, n = 0, in a batch of two prompts, it is what the last step says, for every N: the
centred rewards of a group have the sum of squares C (N - C)/N. A speed of its own does not help (claim three-prompts).
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Step, eq, le, lt
from ..checking.statistics import N

A, K, m, n = sp.symbols("A K m n", integer=True)
x, y = sp.symbols("x y", positive=True)
s = sp.Function("s")


def owed(first: int, second: int, scale: sp.Expr) -> sp.Expr:
    """What the second prompt's rollout, of this value, gets more than the first's, beside m and n successes."""
    return ((second - (n + second) / N) - (first - (m + first) / N)) * scale


def cycle(of_none: sp.Expr, of_second: sp.Expr, of_first: sp.Expr, of_both: sp.Expr) -> sp.Expr:
    """The 4-cycle, by the scale where neither of the two rollouts, one of them, or both succeed."""
    return owed(0, 0, of_none) + owed(1, 1, of_both) - owed(0, 1, of_second) - owed(1, 0, of_first)


def squares(count: sp.Expr, size: sp.Expr) -> sp.Expr:
    """What the deviation's square is proportional to."""
    return count * (size - count)


def scale(first: sp.Expr, second: sp.Expr) -> sp.Expr:
    """One over the deviation of the 2 N centred rewards of two groups with these counts."""
    return sp.sqrt(2) * N / sp.sqrt(sp.factor(squares(first, N) + squares(second, N)))


of_total = cycle(s(K), s(K + 1), s(K + 1), s(K + 2))
of_groups = cycle(s(m, n), s(m, n + 1), s(m + 1, n), s(m + 1, n + 1))
bend = s(m, n) + s(m + 1, n + 1) - s(m, n + 1) - s(m + 1, n)
convex = 2 * (K + 1) * (A - K - 2) + 2 * K + 1 + (A - 2 * K - 2) ** 2
apart = scale(N - 1, 0) + scale(N, 1) - 2 * scale(N - 1, 1)  # s(N, 0) is multiplied by 0

CLAIM = Claim(
    id="batch-deviation",
    says=(
        "Group-centred rewards over the batch's deviation 1/s have the 4-cycle (m - n)/N (s_K + s_{K+2} - 2 s_{K+1}), "
        "which is not 0, as s is convex: they are the gradient of nothing; over that of centred rewards neither"
    ),
    domain=Domain(sp.Ge(N, 2), sp.Ge(m, 0), sp.Ge(n, 0)),
    steps=(
        Step(
            "the deviation depends on the total",
            eq(of_total, (m - n) / N * (s(K) + s(K + 2) - 2 * s(K + 1))),
            Algebra(),
        ),
        Step(
            "1/s^2 of three totals in a row",
            lt(squares(K, A) * squares(K + 2, A), squares(K + 1, A) ** 2),
            Manifest(convex),
            Domain(sp.Ge(K, 1), sp.Le(K + 3, A)),
        ),
        Step("of two numbers and their geometric mean", le(2 * x * y, x**2 + y**2), Manifest((x - y) ** 2)),
        Step(
            "the deviation depends on both counts",
            eq(of_groups, (m - n) / N * bend - (N - 1) / N * (s(m, n + 1) - s(m + 1, n))),
            Algebra(),
        ),
        Step(
            "centred rewards, all others of one group successes, and of the other failures",
            eq((N - 1) / N * apart, (2 * sp.sqrt(2) - 2) * sp.sqrt(N - 1)),
            Algebra(),
        ),
    ),
    sibling=eq(of_total, sp.S.Zero),
)
