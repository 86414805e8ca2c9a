"""Sampling until a rollout is accepted, with chance l, gives grad log p without bias, at 1/p rollouts on average.

Rollout n is reached with chance (1-p)^(n-1), and its score counts if it is accepted. Stopped after T rollouts, with
nothing if none was accepted, the mean is grad J_T and the cost w_T(p). Both tend to their limits, since (1-p)^T T
vanishes by the last step. The mean of r such scores costs r times as much.
"""

import sympy as sp

from ..checking import Claim, Domain, Independence, Induction, Manifest, Slopes, Step, eq, le
from ..checking.statistics import Mean, S_i, grad, l_i, p

n, T = sp.symbols("n T", integer=True)
w = (1 - (1 - p) ** T) / p
reached = (1 - p) ** (n - 1)
on = (sp.Gt(p, 0), sp.Lt(p, 1))

CLAIM = Claim(
    id="inverse-sampling",
    says=(
        "The score of the first accepted of at most T rollouts has the mean grad J_T at a mean cost of "
        "w_T(p); T to infinity: grad log p, 1/p"
    ),
    domain=Domain(sp.Ge(T, 1), *on),
    steps=(
        Step(
            "the accepted score", eq(sp.Sum(reached * Mean(l_i * S_i), (n, 1, T)), w * grad), Independence(Induction(T))
        ),
        Step("the chance of one", eq(sp.Sum(reached * p, (n, 1, T)), 1 - (1 - p) ** T), Induction(T)),
        Step(
            "the cost: n if rollout n is accepted, and T if none is",
            eq(sp.Sum(n * reached * p, (n, 1, T)), w - T * (1 - p) ** T),
            Induction(T),
        ),
        Step(
            "a bound on what remains",
            le((1 - p) ** T * (1 + T * p + T * (T - 1) * p**2 / 2), 1),
            Slopes(T, sp.S.Zero, Manifest((1 - p) ** T * p**2 * (1 + T * (T + 1) * p / 2))),
            Domain(sp.Ge(T, 0), *on),
        ),
    ),
    sibling=eq(sp.Sum(reached * Mean(l_i * S_i), (n, 1, T)), grad / p),
)
