"""E_k is unbiased for (1-p)^k, for every law of the likelihood: a product of k different rollouts has that mean.

By induction on the number of rollouts, from one to all k <= N at once: split off rollout i, which is independent of
the others, and use the statement for them. A second way is the generating function: prod_j (y + x q_j) is the sum
over k of C(N,k) x^k y^(N-k) E_k(q), and with q = 1-p it has the mean (y + x q)^N by independence; compare
coefficients.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Independence, Recurrence, Step, eq
from ..checking.polynomials import Polynomial
from ..checking.statistics import GROUP, E, Mean, N, l_i, p

k = sp.Symbol("k", integer=True)
x, y, q = sp.symbols("x y q", real=True)  # q stands for 1 - p

mean = y + x * q
terms = sp.binomial(N, k) * (x * q) ** k * y ** (N - k)
below = -sp.binomial(N, k - 1) * (x * q) ** k * y ** (N + 1 - k) / mean

CLAIM = Claim(
    id="unbiased-powers",
    says="The mean of E_k(q_1, ..., q_N) is (1-p)^k, for every law of the likelihood and every k <= N",
    domain=Domain(sp.Ge(k, 1), sp.Le(k, N), sp.Ge(p, 0), sp.Lt(p, 1)),
    steps=(
        Step(
            "split rollout i off, and use the mean for the N - 1 others",
            eq(Mean(E(k, GROUP)), (1 - p) ** k),
            Independence(Algebra()),
        ),
        Step("begin with one rollout", eq(Mean(1 - l_i), 1 - p), Independence(Algebra())),
        Step(
            "or compare coefficients in the mean of the product of y + x q_j, where q = 1 - p",
            eq(sp.Sum(terms, (k, 0, N)), mean**N),
            Polynomial(y, Recurrence(N, sp.S.Zero, below, ahead=1 / mean)),
            Domain(sp.Ge(N, 0), sp.Gt(x, 0), sp.Gt(q, 0)),
        ),
    ),
    sibling=eq(
        Mean(sp.factorial(N) / sp.factorial(N - k) / N**k * E(k, GROUP)), (1 - p) ** k
    ),  # the sum over subsets divided by N^k / k!
)
