"""Of all constants subtracted from the advantages one has least variance, and it may be far from 1 and from 1/N.

The mean score S has mean zero and variance I/N, I = E[S^2], so g - beta S has the mean of g and the variance
Var g - 2 beta Cov(g, S) + beta^2 I/N. In several directions of the parameters, these are traces.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Step, eq, le
from ..checking.statistics import N

beta, V, C = sp.symbols("beta V C", real=True)  # V = Var g, C = Cov(g, S)
fisher = sp.Symbol("I", positive=True)

best = N * C / fisher
variance = V - 2 * beta * C + beta**2 * fisher / N

CLAIM = Claim(
    id="best-constant-baseline",
    says="Var(g - beta S) is least at beta = Cov(g, S) / Var S, where it is Var g - Cov(g, S)^2 / Var S; a constant "
    "lowers the variance if and only if it lies between 0 and twice the best",
    domain=Domain(sp.Ge(N, 1)),
    steps=(
        Step("complete the square", le(V - N * C**2 / fisher, variance), Manifest(fisher / N * (beta - best) ** 2)),
        Step("the least is attained", eq(variance.subs(beta, best), V - N * C**2 / fisher), Algebra()),
        Step("its change from none", eq(variance - V, beta * (beta - 2 * best) * fisher / N), Algebra()),
    ),
    sibling=le(V - C**2 / fisher, variance),
)
