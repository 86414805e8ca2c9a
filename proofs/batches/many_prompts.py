"""Batches of more and more prompts: a deviation of the whole batch tends to a constant, and so to an objective or none.

Prompts are drawn from a population, with mean pass rate P, and groups are independent: deviations tend to their values
in the population, by the law of large numbers. (No advantage exceeds the root of the number of rollouts, and the chance
of a deviation below half its limit falls exponentially.) Rewards less their group's mean have the weight (N-1)/N (claim
expected-reward), so that E[g] tends to that times grad P, over the deviation.

All rewards have the variance P (1-P). By the first step E[g] then tends to a gradient, though with finitely many
prompts it is none (claim batch-deviation). Less the mean of the batch the factor (N-1)/N is missing, and nothing else
changes.

Centred rewards have the variance E[K (N-K)]/N^2, by the second step (N-1)/N times V, the mean of p (1-p) over prompts.
E[g] tends to sqrt((N-1)/N) grad P / sqrt(V): the direction of expected reward, at a speed that the pass rates change
where P is the same. Take two prompts of equal weight, at x and y. What is a multiple of grad P is a gradient only if
the multiple does not change along (1, -1), for its curl is half that slope. By the last step V changes unless x = y. So
no function of the policy is ascended.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Recurrence, Step, eq
from ..checking.polynomials import Polynomial
from ..checking.rewards import K
from ..checking.statistics import N, p

P, x, y = sp.symbols("P x y", real=True)

ascended = (N - 1) / N * 2 * sp.asin(sp.sqrt(P))
update = (N - 1) / N / (sp.sqrt(P) * sp.sqrt(1 - P))
chance = sp.binomial(N, K) * p**K * (1 - p) ** (N - K)
below = -sp.binomial(N - 2, K - 2) * p**K * (1 - p) ** (N + 1 - K)

CLAIM = Claim(
    id="many-prompts",
    says=(
        "With many prompts group-centred rewards over the batch's deviation ascend (N-1)/N 2 arcsin sqrt(P), P being "
        "the mean pass rate; over that of centred rewards they tend to a multiple of grad P / sqrt(E pq), no gradient"
    ),
    domain=Domain(sp.Ge(N, 1), sp.Gt(P, 0), sp.Lt(P, 1)),
    steps=(
        Step("the deviation of all rewards", eq(sp.Derivative(ascended, P), update), Algebra()),
        Step(
            "N^2 times the variance of centred rewards",
            eq(sp.Sum(chance * K * (N - K), (K, 1, N)), N * (N - 1) * p * (1 - p)),
            Polynomial(p, Recurrence(N, sp.Integer(2), below, 1 / (N * (N + 1)), 1 / (N * (N - 1)))),
            Domain(sp.Ge(N, 2)),
        ),
        Step(
            "two prompts at x and y: the slope of 2 V along (1, -1), which does not change P",
            eq(sp.Derivative(x * (1 - x), x) - sp.Derivative(y * (1 - y), y), 2 * (y - x)),
            Algebra(),
        ),
    ),
    sibling=eq(sp.Derivative(2 * sp.asin(sp.sqrt(P)), P), update),
)
