"""Tsallis' truncated weight is p^-q less an incomplete beta integral.

Multiplied by p^q, both sides are 1 at p = 1 and have the derivative T C(q+T-1,T) p^(q-1) (1-p)^(T-1). On p..1 the
integrand is at most max(1, p^(q-1)) (1-u)^(T-1), and its factor grows like T^q: the integral vanishes as T grows.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Slopes, Step, eq, le
from ..checking.calculus import Times

k, T = sp.symbols("k T", integer=True)
p, q, u = sp.symbols("p q u", real=True)

weight = 1 + sp.Sum(sp.binomial(q + k - 1, k) * (1 - p) ** k, (k, 1, T - 1))
missing = T * sp.binomial(q + T - 1, T) * sp.Integral(u ** (q - 1) * (1 - u) ** (T - 1), (u, p, 1))
derivative = Slopes(p, 1, Slopes(T, 1, Algebra()))

CLAIM = Claim(
    id="tsallis-remainder",
    says="Order T of p^-q falls short of it by the share T C(q+T-1,T) Int_p^1 u^(q-1) (1-u)^(T-1) du >= 0",
    domain=Domain(sp.Gt(q, 0), sp.Gt(p, 0), sp.Le(p, 1), sp.Ge(T, 1)),
    steps=(
        Step("equal at p = 1, and of equal derivative", eq(p**q * weight, 1 - missing), derivative),
        Step("the share is not negative", le(weight, p ** (-q)), Times(p**q, Manifest(missing, derivative))),
    ),
    sibling=eq(p**q * weight, 1 - missing / T),
)
