"""The estimate of J_T, with l exp(log m - stop(log m)) for l, is a loss for automatic differentiation.

By the chain rule its derivative is the sum over the rollouts of the derivative by l_i, which does not depend on l_i,
times that of l_i r, r = exp(log m(z_i) - c), for a constant c. stop_gradient takes c = log m(z_i), and then r = 1.
"""

import sympy as sp

from ..checking import Claim, Domain, SplitOff, Step, eq
from ..checking.statistics import GROUP, OTHERS, E, N, l_i

k, T = sp.symbols("k T", integer=True)
theta, c = sp.symbols("theta c", real=True)
l, log_m = (sp.Function(name, real=True)(theta) for name in ("l", "log_m"))

estimate = -sp.Sum(E(k, GROUP) / k, (k, 1, T))
weight = sp.Sum(E(k, OTHERS), (k, 0, T - 1))
r, score = sp.exp(log_m - c), sp.Derivative(log_m, theta)
gradient = sp.Derivative(estimate, l_i) * sp.Derivative(l * r, theta)

CLAIM = Claim(
    id="surrogate-loss",
    says="The gradient of the estimate of J_T at l_i exp(log m - stop(log m)) is (1/N) sum_i omega_i (grad "
    "l_i + l_i S_i)",
    domain=Domain(sp.Ge(T, 1), sp.Le(T, N)),
    steps=(
        Step(
            "rollout i's part, by the chain rule",
            eq(gradient, r * weight * (sp.Derivative(l, theta) + l * score) / N),
            SplitOff(),
        ),
    ),
    sibling=eq(gradient, r * weight * l * score / N),
)
