"""The second moment of two unbiased estimates of powers: two random subsets share a hypergeometric number of members.

With it the second moment of every weight sum_k c_k E_k is a finite sum, for any coefficients c and any T.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.statistics import GROUP, E, Mean, N
from .subsets import Shared, q_mean, q_square

k, m, h = sp.symbols("k m h", integer=True)

chance = sp.binomial(k, h) * sp.binomial(N - k, m - h) / sp.binomial(N, m)  # of h shared members
powers = q_square**h * q_mean ** (k + m - 2 * h)
factorial = sp.factorial
pairs = factorial(N) / (factorial(h) * factorial(k - h) * factorial(m - h) * factorial(N - k - m + h))
product = Mean(E(k, GROUP) * E(m, GROUP))

CLAIM = Claim(
    id="shared-members",
    says="E[E_k(q) E_m(q)] = sum_h Hyp(h; N, k, m) E[q^2]^h E[q]^(k+m-2h): a shared member counts with "
    "E[q^2], any other "
    "with E[q]",
    domain=Domain(sp.Ge(k, 0), sp.Le(k, m), sp.Le(m, N)),
    steps=(
        Step("sum over the shared members", eq(product, sp.Sum(chance * powers, (h, 0, k))), Shared(k, m, pairs)),
        Step(
            "of all pairs of subsets, those with h shared members",
            eq(chance * sp.binomial(N, k) * sp.binomial(N, m), pairs),
            Algebra(),
            Domain(sp.Ge(h, 0), sp.Le(h, k), sp.Le(k, m), sp.Le(m, N)),
        ),
    ),
    sibling=eq(product, sp.Sum(chance * q_mean ** (k + m), (h, 0, k))),
)
