"""The leave-one-out weight is the derivative of the unbiased estimate of the objective.

The estimate is affine in each likelihood, so reverse-mode differentiation of it gives every weight at once.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Independence, SplitOff, Step, eq
from ..checking.statistics import GROUP, OTHERS, E, Mean, N, l_i, p

k, T = sp.symbols("k T", integer=True)
c = sp.Function("c")

estimate = -sp.Sum(c(k - 1) * E(k, GROUP) / k, (k, 1, T))
objective = -sp.Sum(c(k - 1) * (1 - p) ** k / k, (k, 1, T))
weight = sp.Sum(c(k) * E(k, OTHERS), (k, 0, T - 1))

CLAIM = Claim(
    id="weight-is-derivative",
    says="omega_i is N times the derivative by l_i of the unbiased estimate of the objective, for any coefficients c",
    domain=Domain(sp.Ge(T, 1), sp.Le(T, N), sp.Ge(p, 0), sp.Lt(p, 1)),
    steps=(
        Step("differentiate the estimate", eq(weight, N * sp.Derivative(estimate, l_i)), SplitOff()),
        Step("its mean is the objective", eq(Mean(estimate), objective), Independence(Algebra())),
        Step(
            "whose derivative is the mean of the weight",
            eq(Mean(weight), sp.Derivative(objective, p)),
            Independence(Algebra()),
        ),
        Step(
            "for MaxRL",
            eq(sp.Sum(E(k, OTHERS), (k, 0, T - 1)), N * sp.Derivative(-sp.Sum(E(k, GROUP) / k, (k, 1, T)), l_i)),
            SplitOff(),
        ),
    ),
    sibling=eq(weight, (N - 1) * sp.Derivative(estimate, l_i)),
)
