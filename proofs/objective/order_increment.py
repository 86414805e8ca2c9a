"""Every further order lowers the objective, by one more term of the series."""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Step, eq, le

k, T = sp.symbols("k T", integer=True)
p = sp.Symbol("p", real=True)

J = -sp.Sum((1 - p) ** k / k, (k, 1, T))
term = (1 - p) ** (T + 1) / (T + 1)

CLAIM = Claim(
    id="order-increment",
    says="J_{T+1}(p) = J_T(p) - (1-p)^(T+1)/(T+1): the objectives decrease in T",
    domain=Domain(sp.Ge(p, 0), sp.Le(p, 1), sp.Ge(T, 1)),
    steps=(
        Step("one more term", eq(J.subs(T, T + 1), J - term), Algebra()),
        Step("which is not positive", le(J.subs(T, T + 1), J), Manifest(term)),
    ),
    sibling=eq(J.subs(T, T + 1), J - (1 - p) ** T / T),
)
