"""The leave-one-out weight is the derivative of the estimate of the objective.

The estimate of J_T is affine in each likelihood, so reverse-mode differentiation of it gives every weight at once.
"""

import sympy as sp

from ..checking import Claim, Domain, SplitOff, Step, eq
from ..checking.statistics import GROUP, OTHERS, E, N, l_i

k, T = sp.symbols("k T", integer=True)

estimate = -sp.Sum(E(k, GROUP) / k, (k, 1, T))
weight = sp.Sum(E(k, OTHERS), (k, 0, T - 1))

CLAIM = Claim(
    id="weight-is-derivative",
    says="The weight of rollout i is N times the derivative of the estimate of J_T by its likelihood",
    domain=Domain(sp.Ge(T, 1), sp.Le(T, N)),
    steps=(
        Step("differentiate the estimate", eq(weight, N * sp.Derivative(estimate, l_i)), SplitOff()),
    ),
    sibling=eq(weight, (N - 1) * sp.Derivative(estimate, l_i)),
)
