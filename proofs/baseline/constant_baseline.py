"""The constant that makes the leave-one-out estimator MaxRL with its control variate is 1.

Any constant is free, 1/N too; but N/K - 1 for successes and -1 for failures, the average of the successes' scores
less the mean of all scores, takes 1 inside of the sum: 1/N there takes off 1/N of the control variate. At K = 0 there
is no success, and all have -1.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Post, Step, Telescoping, eq
from ..checking.rewards import GivenOthers, K, q_i
from ..checking.statistics import OTHERS, E, Mean, N, S_i, grad, l_i, p

k, T = sp.symbols("k T", integer=True)
beta, mean_score = sp.symbols("beta Sbar", real=True)
j = sp.Symbol("j", integer=True)
weight = sp.Sum(E(k, OTHERS), (k, 0, T - 1))
binary = sp.Sum(sp.binomial(N - K, k) / sp.binomial(N - 1, k), (k, 0, N - 1))  # the weight of a success, T = N
successes = sp.Sum(sp.Function("S")(j), (j, 1, K))  # the scores of the successes

CLAIM = Claim(
    id="constant-baseline",
    says=(
        "Any constant may be subtracted from omega_i l_i; with 1 it is N/K - 1 for a success and -1 for a "
        "failure at T = N, K = 0 included"
    ),
    domain=Domain(sp.Ge(T, 1), sp.Le(T, N), sp.Ge(p, 0), sp.Le(p, 1)),
    steps=(
        Step(
            "subtract a constant from what a success and a failure get",
            eq(Mean(((weight - beta) * l_i - beta * q_i) * S_i), sp.Sum((1 - p) ** k, (k, 0, T - 1)) * grad),
            GivenOthers(Algebra()),
        ),
        Step(
            "the weight of a success among K is N/K, so less 1 it is MaxRL's N/K - 1",
            eq(binary, N / K),
            Telescoping(-(N - K - k) / K),
            Domain(sp.Ge(K, 1), sp.Le(K, N)),
        ),
        Step(
            "in the mean over the group the constant 1 takes off the mean score, once",
            eq(((N / K - 1) * successes - (N * mean_score - successes)) / N, successes / K - mean_score),
            Algebra(),
            Domain(sp.Ge(K, 1), sp.Le(K, N)),
        ),
        Step(
            "the constant 1/N takes off only the N-th part of it",
            eq(((N / K - 1 / N) * successes - (N * mean_score - successes) / N) / N, successes / K - mean_score / N),
            Algebra(),
            Domain(sp.Ge(K, 1), sp.Le(K, N)),
        ),
    ),
    sibling=eq(Mean((weight - beta) * l_i * S_i), sp.Sum((1 - p) ** k, (k, 0, T - 1)) * grad),
    post=(Post.CORRECTED, "demeaning subtracts 1/N from omega_i l_i"),
)
