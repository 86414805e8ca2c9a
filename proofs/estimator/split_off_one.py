"""One rollout can be split off the mean of products over k-subsets.

The k-subsets of a group either leave rollout i out or contain it, so e_k(q) = e_k(q_{-i}) + q_i e_{k-1}(q_{-i}) for
the sums over them; E_k is e_k over the number of k-subsets. For k = N there is no subset without i, and both sides
are the product of all q; for k = 0 both are 1.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.statistics import OTHERS, N

k = sp.Symbol("k", integer=True)
q = sp.Symbol("q_i", real=True)
e = sp.Function("e")  # sum over the k-subsets of the products of q

left_out, contained = e(k, OTHERS), e(k - 1, OTHERS)
mean = (left_out + q * contained) / sp.binomial(N, k)
mean_without, mean_with = left_out / sp.binomial(N - 1, k), contained / sp.binomial(N - 1, k - 1)

CLAIM = Claim(
    id="split-off-one",
    says="E_k(q) = (1 - k/N) E_k(q_{-i}) + (k/N) q_i E_{k-1}(q_{-i}): a k-subset contains rollout i with chance k/N",
    domain=Domain(sp.Ge(k, 1), sp.Le(k, N - 1)),
    steps=(
        Step(
            "divide sums over subsets by their numbers",
            eq(mean, (1 - k / N) * mean_without + k / N * q * mean_with),
            Algebra(),
        ),
    ),
    sibling=eq(mean, mean_without + q * mean_with),  # true of the sums, not of the means
)
