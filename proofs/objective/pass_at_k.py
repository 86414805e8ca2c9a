"""pass@k is the objective with a single coefficient, and MaxRL is a mixture of all of them.

A fresh group of k fails with chance (1-p)^k. Its only power is k-1, with the coefficient k: c_{k-1} = k.
"""

import sympy as sp

from ..checking import Algebra, Antiderivative, Claim, Domain, Slopes, Step, eq

j, k, T = sp.symbols("j k T", integer=True)
p, u = sp.symbols("p u", real=True)

CLAIM = Claim(
    id="pass-at-k",
    says="pass@k = 1 - (1-p)^k has the derivative k (1-p)^(k-1), and sum_{k<=T} pass@k/k has w_T(p)",
    domain=Domain(sp.Ge(p, 0), sp.Le(p, 1), sp.Ge(k, 1)),
    steps=(
        Step(
            "integrate the weight from 0 to p",
            eq(sp.Integral(k * (1 - u) ** (k - 1), (u, 0, p)), 1 - (1 - p) ** k),
            Antiderivative(-((1 - u) ** k)),
        ),
        Step(
            "a mixture of all k has the weight of MaxRL",
            eq(sp.Sum((1 - (1 - p) ** k) / k, (k, 1, T)), sp.Integral(sp.Sum((1 - u) ** j, (j, 0, T - 1)), (u, 0, p))),
            Slopes(p, 0, Algebra()),
            Domain(sp.Ge(p, 0), sp.Le(p, 1), sp.Ge(T, 1)),
        ),
    ),
    sibling=eq(sp.Integral((1 - u) ** (k - 1), (u, 0, p)), 1 - (1 - p) ** k),
)
