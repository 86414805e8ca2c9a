"""Subtracting a mean that contains rollout i costs: the mean advantage a power, the mean likelihood a factor.

The group's mean of omega_i l_i is 1 - E_T(q); with it the advantage is (omega_i - 1) l_i - q_i + E_T(q). The group's
mean likelihood is 1 - E_1(q), and l_i less it is E_1(q) - q_i.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.rewards import GivenOthers, q_i
from ..checking.statistics import GROUP, OTHERS, E, Mean, N, S_i, grad, l_i, p

k, T = sp.symbols("k T", integer=True)
weight = sp.Sum(E(k, OTHERS), (k, 0, T - 1))
w = sp.Sum((1 - p) ** k, (k, 0, T - 1))
centred = (weight - 1) * l_i - q_i + E(T, GROUP)

CLAIM = Claim(
    id="group-centring",
    says=(
        "Centring omega_i l_i in the group gives w_T - (T/N) (1-p)^(T-1) for w_T, and weighting the centred "
        "l_i (1 - 1/N) w_T"
    ),
    domain=Domain(sp.Ge(T, 1), sp.Le(T, N), sp.Gt(p, 0), sp.Lt(p, 1)),
    steps=(
        Step(
            "subtract the group's mean advantage",
            eq(Mean(centred * S_i), (w - T / N * (1 - p) ** (T - 1)) * grad),
            GivenOthers(Algebra()),
        ),
        Step(
            "weight the likelihood less the group's mean",
            eq(Mean(weight * (E(1, GROUP) - q_i) * S_i), (1 - 1 / N) * w * grad),
            GivenOthers(Algebra()),
        ),
    ),
    sibling=eq(Mean(centred * S_i), w * grad),
)
