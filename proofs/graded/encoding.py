"""The weight of a rule for two rewards depends on what they are called: shipped MaxRL turns round on -1 and +1.

Of two rewards let a success be the higher. Whatever the two are, successes get some a_K and failures some b_K, and by
the claim effective-weight E[g] = W(p) grad p, p the chance of the higher one. A rule that does not change under
l -> a l + b has the same a and b for all pairs, as in the claim normalised-heights.

(r - mean)/mean does not change if all rewards change sign. On -1 and +1 a failure beside m successes then gets what a
success beside m failures gets: b_m = a_{N-m}, and by the first step W(1-p) = -W(p). By the last two steps W is a sum
over m < (N-1)/2 of C(N-1,m) (p^m (1-p)^(N-1-m) - p^(N-1-m) (1-p)^m) times a number below zero, if N >= 3: negative for
p < 1/2. The mean is zero at K = N/2, and all advantages are zero then; at N = 2 they are so in every group.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Step, eq, lt
from ..checking.polynomials import Polynomial
from ..checking.rewards import Binary, m, q_i
from ..checking.statistics import M, Mean, N, S_i, grad, l_i, p
from ..checking.using import Reversed

a = sp.Function("a")
half = sp.Symbol("n", integer=True)  # N / 2


def weight(p: sp.Expr) -> sp.Expr:
    """W at a pass rate."""
    chance = sp.binomial(N - 1, m) * p**m * (1 - p) ** (N - 1 - m)
    return sp.Sum(chance * (a(m + 1) - a(N - m)), (m, 0, N - 1))


def shipped(reward: sp.Expr, K: sp.Expr, N: sp.Expr = N) -> sp.Expr:
    """(r - mean)/mean, where K of N rewards are +1 and the others -1."""
    mean = (2 * K - N) / N
    return (reward - mean) / mean


CLAIM = Claim(
    id="encoding",
    says=(
        "On rewards -1 and +1 (r - mean)/mean, 0 where the mean is, has W(1-p) = -W(p), and W < 0 for p < 1/2 and "
        "N >= 3: it unlearns what seldom succeeds"
    ),
    domain=Domain(sp.Ge(N, 1)),
    steps=(
        Step(
            "signs turn, and the weight with them",
            eq(weight(1 - p), -weight(p)),
            Polynomial(p, Reversed(Algebra())),
        ),
        Step(
            "average over the others' successes",
            eq(Mean((a(M + 1) * l_i + a(N - M) * q_i) * S_i), weight(p) * grad),
            Binary(Polynomial(p, Algebra())),
        ),
        Step(
            "a failure beside m successes is a success beside m failures",
            eq(shipped(-1, m), shipped(1, N - m)),
            Algebra(),
            Domain(sp.Ge(m, 0), sp.Ge(N, 2 * m + 1)),
        ),
        Step(
            "where few succeed a success gets less than a failure",
            lt(shipped(1, m + 1), shipped(1, N - m)),
            Manifest(N / (N - 2 * m - 2) + N / (N - 2 * m)),
            Domain(sp.Ge(m, 0), sp.Ge(N, 2 * m + 3)),
        ),
        Step(
            "where it makes half of all, it gets 0 and not this, which is above 0 for N = 2n > 2",
            eq(shipped(1, half + 1, 2 * half), half - 1),
            Algebra(),
            Domain(sp.Ge(half, 1)),
        ),
    ),
    sibling=eq(weight(1 - p), weight(p)),
)
