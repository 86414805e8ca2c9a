"""GRPO's standardised rewards ascend a multiple of J_1 in groups of two and three, and of no J_T in larger ones.

With K of N rewards 1 the standard deviation (ddof = 0) is sqrt(K (N-K)) / N; where it is zero, so are the advantages.
The weight W is thus symmetric, W(p) = W(1-p), and W(0) = W(1) = sqrt(N-1), but w_T(0) = T w_T(1): T = 1 only. Then W
is constant, hence all its Bernstein coefficients are equal, but the first two are not, from N = 4 on. At N = 2 and 3
they are, by symmetry and the third step, hence all: W = sqrt(N-1). With ddof = 1 everything is multiplied by
sqrt((N-1)/N).
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Step, eq, lt
from ..checking.rewards import Binary, K, m, q_i
from ..checking.statistics import M, Mean, N, S_i, grad, l_i, p

root = sp.sqrt
success = root(N - 1 - M) / root(M + 1)  # K = M + 1
failure = -root(M) / root(N - M)  # K = M
coefficient = root(N - 1 - m) / root(m + 1) + root(m) / root(N - m)
chance = sp.binomial(N - 1, m) * p**m * (1 - p) ** (N - 1 - m)
weight = sp.Sum(chance * coefficient, (m, 0, N - 2)) + root(N - 1) * p ** (N - 1)
deviation = root(K) * root(N - K) / N
second = root(N - 2) / root(2) + 1 / root(N - 1)  # the coefficient at m = 1
larger_by = root(N - 2) * (N - 3) / (root(2) * root(N - 1) * (root(2) * root(N - 2) + root(N - 1)))

mixed = Domain(sp.Ge(K, 1), sp.Le(K, N - 1))
mean = (success * l_i + failure * q_i) * S_i

CLAIM = Claim(
    id="grpo",
    says="On 0/1 rewards (r - mean)/sd ascends sqrt(N-1) J_1 for N = 2 and 3, and for N >= 4 a multiple of no J_T",
    domain=Domain(sp.Ge(N, 2), sp.Gt(p, 0), sp.Lt(p, 1)),
    steps=(
        Step("average over the others' successes", eq(Mean(mean), weight * grad), Binary(Algebra())),
        Step(
            "the coefficients are symmetric",
            eq(coefficient, coefficient.subs(m, N - 1 - m)),
            Algebra(),
            Domain(sp.Ge(m, 0), sp.Le(m, N - 1)),
        ),
        Step(
            "the first less the second: zero at N = 3",
            eq(root(N - 1) - second, larger_by),
            Algebra(),
            Domain(sp.Ge(N, 3)),
        ),
        Step("and positive beyond", lt(second, root(N - 1)), Manifest(larger_by), Domain(sp.Ge(N, 4))),
        Step("the variance of K ones", eq(K / N - (K / N) ** 2, deviation**2), Algebra(), mixed),
        Step("a success", eq((1 - K / N) / deviation, root(N - K) / root(K)), Algebra(), mixed),
        Step("a failure", eq(-K / N / deviation, -root(K) / root(N - K)), Algebra(), mixed),
    ),
    sibling=eq(Mean(mean), root(N - 1) * grad),
)
