"""Beta(alpha, beta) as the law of pass rates: the best guess of p from the others, for every objective.

On 0/1 rewards, with m successes among the n = N - 1 others, an advantage is W_m (1 - t) for a success and -W_m t for a
failure. Given p its square has the mean W_m^2 (p (1-t)^2 + q t^2), and p has the density p^(alpha-1) q^(beta-1) but for
a constant, so that p and m have p^(m+alpha-1) q^(n-m+beta-1) together, but for what does not depend on p. W_m does not
depend on t: whatever the objective is, each t is by itself to make its integral over p least. By the first step, at
x = 1 where its right-hand side is 0, the integral is that of s (1 - s) + (t - s)^2, which is least at t = s.

It is the mean square of the advantage, and so the noise of the gradient where the squares of scores have one mean at
right and at wrong answers, and the mean of a score is small beside it: where there are many of both.
"""

import sympy as sp

from ..checking import Algebra, Antiderivative, Claim, Domain, Step, Telescoping, eq
from ..checking.statistics import N

m, k = sp.symbols("m k", integer=True)
alpha, beta, t, p, x = sp.symbols("alpha beta t p x", real=True)

n, q = N - 1, 1 - p
counted = n + alpha + beta
best = (m + alpha) / counted
together = p ** (m + alpha - 1) * q ** (n - m + beta - 1)  # the others' successes and p, but for a constant
square = p * (1 - t) ** 2 + q * t**2
others = Domain(sp.Ge(m, 0), sp.Le(m, n))


def excess(guess: sp.Expr) -> sp.Expr:
    """The integral, from 0 to x, of the square less what its mean is said to be."""
    return sp.Integral(together * (square - guess * (1 - guess) - (t - guess) ** 2), (p, 0, x))


at_ends = (2 * t - 1) * x ** (m + alpha) * (1 - x) ** (n - m + beta) / counted  # 0 at x = 0 and at x = 1


CLAIM = Claim(
    id="prior-baseline",
    says=(
        "With m successes among the others and pass rates of the law Beta(alpha, beta), W_m (1 - t) and -W_m t have "
        "the mean square W_m^2 (s (1 - s) + (t - s)^2) with s = (m + alpha)/(N - 1 + alpha + beta), least at t = s "
        "whatever W is"
    ),
    domain=others.given(sp.Gt(alpha, 0), sp.Gt(beta, 0), sp.Ge(x, 0), sp.Le(x, 1)),
    steps=(
        Step(
            "the square, by how far t is from the best guess",
            eq(excess(best), at_ends),
            Antiderivative(at_ends.subs(x, p)),
        ),
        Step(
            "Beta(0, 0) is the mean of the others, Beta(1, 0) what makes MaxRL's N/K a success the constant 1",
            eq(best.subs({alpha: 0, beta: 0}, simultaneous=True), m / n),
            Algebra(),
            others.given(sp.Ge(N, 2)),
        ),
        Step(
            "the weight of order N times the guess of Beta(1, 0)",
            eq(
                best.subs({alpha: 1, beta: 0}, simultaneous=True)
                * sp.Sum(sp.binomial(n - m, k) / sp.binomial(n, k), (k, 0, n)),
                1,
            ),
            Telescoping(-(n - m - k) / (m + 1)),
            others,
        ),
    ),
    sibling=eq(excess((m + alpha) / (N + alpha + beta)), at_ends),
)
