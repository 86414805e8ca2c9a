"""The leave-one-out weights are MaxRL's for binary rewards, averaged over coin flips.

Round each likelihood to 0 or 1 by a flip b_j ~ Bernoulli(l_j) of its own. Weights are affine in each likelihood, so
they are the mean over the flips of the weights at 0/1 rewards; M is the number of the others that succeed, and a flip
that fails contributes nothing.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, Telescoping, Vertices, eq
from ..checking.statistics import OTHERS, E, Flips, M, N, l_i

k, T = sp.symbols("k T", integer=True)

binary = l_i / (l_i + M)  # 1/K for a success, as l_i + M = K
truncated = 1 - sp.binomial(N - M - l_i, T) / sp.binomial(N, T)
by_successes = Vertices(failure=Algebra(), success=Telescoping(-(N - 1 - M - k) / (M + 1)))

CLAIM = Claim(
    id="coin-flips",
    says="For T = N, omega_i l_i / N is the mean of b_i / sum_j b_j over independent b_j ~ Bernoulli(l_j), 0/0 being 0",
    domain=Domain(sp.Ge(T, 1), sp.Le(T, N)),
    steps=(
        Step(
            "compare at 0/1 likelihoods",
            eq(sp.Sum(E(k, OTHERS), (k, 0, N - 1)) * l_i / N, Flips(binary)),
            by_successes,
        ),
        Step(
            "and for any order",
            eq(sp.Sum(E(k, OTHERS), (k, 0, T - 1)) * l_i / N, Flips(binary * truncated)),
            by_successes,
        ),
    ),
    sibling=eq(sp.Sum(E(k, OTHERS), (k, 0, N - 1)) * l_i / N, Flips(l_i / (1 + l_i + M))),
)
