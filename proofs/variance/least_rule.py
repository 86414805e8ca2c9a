"""Of all unbiased rules for 0/1 rewards one has least variance at a law, and its baseline depends on the successes.

A rule gives each of K successes a_K and each failure b_K; it is unbiased if a_{m+1} - b_m = W_m for m = 0..N-1. So
b_m moves a_{m+1} by as much, and has a part in the squares of K = m and of K = m + 1 alone. By `binary-variance` the
mean square of N g is the sum over K, times the chance of K, of K a_K^2 Sigma_1 + (N-K) b_K^2 Sigma_0 and the square
of the mean, along any direction of the parameters, or summed over all. The slopes of two of them, times their
chances, are 2 N C(N-1,m) p^m (1-p)^(N-1-m) times the first step. As the squares are convex, the sum is least where
all N slopes are zero. There the factor of b_m exceeds those of b_{m-1} and b_{m+1} together by I, so that there is
one solution. With g^2 small and one Sigma for successes and failures it is b_m = -p W_m (last step): no constant, but
for one W.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Step, eq, le
from ..checking.rewards import m
from ..checking.statistics import N, grad, p
from .counts import Sigma_0, Sigma_1

before, b, after, W = sp.symbols("a_m b_m b_{m+1} W_m", real=True)
x, d = sp.symbols("x d", real=True)
s = sp.Symbol("s", positive=True)
q = 1 - p
information = p * Sigma_1 + q * Sigma_0 + grad**2 / (p * q)  # I = E S^2
of_successes = p * Sigma_1 + grad**2 / p  # L = E l S^2


def total(successes: sp.Expr, a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """The square of the mean of N g where so many succeed."""
    return (successes * a / p - (N - successes) * b / q) ** 2 * grad**2


def chance(size: sp.Expr, successes: sp.Expr) -> sp.Expr:
    return sp.binomial(size, successes) * p**successes * q ** (size - successes)


a = W + b
of_success = a * Sigma_1 + ((m + 1) * a / p - (N - 1 - m) * after / q) * grad**2 / p
of_failure = b * Sigma_0 - (m * before / p - (N - m) * b / q) * grad**2 / q
alone = information * b + of_successes * W
beside = m * grad**2 / p * (a - before) - (N - 1 - m) * grad**2 / q * (after - b)

CLAIM = Claim(
    id="least-rule",
    says="The unbiased rule of least variance has I b_m = -L W_m - (m g^2 / p) (a_{m+1} - a_m) + ((N-1-m) g^2 / (1-p)) "
    "(b_{m+1} - b_m), I = E S^2, L = E l S^2; where g^2 is small it is b_m = -p W_m",
    domain=Domain(sp.Ge(N, 1), sp.Gt(p, 0), sp.Lt(p, 1), sp.Ge(m, 0), sp.Le(m, N - 1)),
    steps=(
        Step("both slopes", eq(p * of_success + q * of_failure, alone + beside), Algebra()),
        Step(
            "of what b_m moves where K = m + 1",
            eq(sp.Derivative((m + 1) * a**2 * Sigma_1 + total(m + 1, a, after), b), 2 * (m + 1) * of_success),
            Algebra(),
        ),
        Step(
            "and where K = m",
            eq(sp.Derivative((N - m) * b**2 * Sigma_0 + total(m, before, b), b), 2 * (N - m) * of_failure),
            Algebra(),
        ),
        Step("the chance of one", eq((m + 1) * chance(N, m + 1), N * p * chance(N - 1, m)), Algebra()),
        Step("of the other", eq((N - m) * chance(N, m), N * q * chance(N - 1, m)), Algebra()),
        Step("each square is convex", le(s * x**2 + 2 * s * x * d, s * (x + d) ** 2), Manifest(s * d**2)),
        Step(
            "if scores say nothing of the reward",
            le(p * q * W**2, p * (W + b) ** 2 + q * b**2),
            Manifest((b + p * W) ** 2),
        ),
    ),
    sibling=eq(p * of_success + q * of_failure, alone),
)
