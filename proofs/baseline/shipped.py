"""MaxRL as trainers ship it, (r - mean)/mean with zero where no reward is, ascends J_{N-1} and not J_N.

Where none of the others succeeds a failure gets 0 and not -1, which costs (1-p)^(N-1). A group of one learns nothing.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Recurrence, Step, eq
from ..checking.rewards import Binary, m, q_i
from ..checking.statistics import M, Mean, N, S_i, grad, l_i, p

q = 1 - p
nobody = sp.KroneckerDelta(M, 0)
success, failure = N / (M + 1) - 1, nobody - 1  # (1 - K/N) / (K/N) at K = M + 1, and (0 - K/N) / (K/N) at K = M > 0
binomial_theorem = Recurrence(N, sp.S.One, -sp.binomial(N, m) * p**m * q ** (N - m) * grad)

CLAIM = Claim(
    id="maxrl-shipped",
    says="On 0/1 rewards (r - mean)/mean, 0 where the mean is, has the mean w_{N-1}(p) grad p: nothing at N = 1",
    domain=Domain(sp.Ge(N, 1), sp.Gt(p, 0), sp.Lt(p, 1)),
    steps=(
        Step(
            "average over the others' successes",
            eq(Mean((success * l_i + failure * q_i) * S_i), (1 - q ** (N - 1)) / p * grad),
            Binary(binomial_theorem),
        ),
        Step(
            "it is MaxRL's weight less the chance that all others fail",
            eq((1 - q**N) / p - q ** (N - 1), (1 - q ** (N - 1)) / p),
            Algebra(),
        ),
    ),
    sibling=eq(Mean((success * l_i + failure * q_i) * S_i), (1 - q**N) / p * grad),
)
