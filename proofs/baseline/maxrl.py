"""MaxRL, the average of the successes' scores, is unbiased for J_N on 0/1 rewards, also with its control variate."""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Post, Recurrence, Step, eq
from ..checking.rewards import Binary, m, q_i
from ..checking.statistics import M, Mean, N, S_i, grad, l_i, p

q = 1 - p
success = N / (M + 1)  # N/K: rollout i succeeds too
weight = (1 - q**N) / p
binomial_theorem = Recurrence(N, sp.S.One, -sp.binomial(N, m) * p**m * q ** (N - m) * grad)

CLAIM = Claim(
    id="maxrl",
    says="N/K for successes and 0 for failures has the mean w_N(p) grad p; so has N/K - 1 and -1, K = 0 included",
    domain=Domain(sp.Ge(N, 1), sp.Gt(p, 0), sp.Lt(p, 1)),
    steps=(
        Step(
            "average over the others' successes",
            eq(Mean(success * l_i * S_i), weight * grad),
            Binary(binomial_theorem),
        ),
        Step(
            "with the control variate",
            eq(Mean(((success - 1) * l_i - q_i) * S_i), weight * grad),
            Binary(binomial_theorem),
        ),
        Step(
            "the weight times grad p is the chance of a success times grad log p",
            eq(weight * grad, (1 - q**N) * grad * sp.Derivative(sp.log(p), p)),
            Algebra(),
        ),
    ),
    sibling=eq(Mean(success * l_i * S_i), (1 - q ** (N - 1)) / p * grad),
    post=(Post.PROVED, "the average over successes has mean (1 - (1-p)^N) grad log p, which is grad J_N"),
)
