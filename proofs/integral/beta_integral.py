"""The reciprocal of a binomial coefficient is a beta integral, which turns means over subsets into means over t.

By induction on k: (n-k) Int t^(k+1) (1-t)^(n-k-1) dt = (k+1) Int t^k (1-t)^(n-k) dt, as t^(k+1) (1-t)^(n-k) is 0 at
both ends.
"""

import sympy as sp

from ..checking import Antiderivative, Claim, Domain, Step, eq
from ..checking.recurrences import IntegralRecurrence

k, n = sp.symbols("k n", integer=True)
t = sp.Symbol("t", real=True)

beta = sp.Integral(t**k * (1 - t) ** (n - k), (t, 0, 1))
by_parts = IntegralRecurrence(
    on=k,
    start=sp.S.Zero,
    base=Antiderivative(-((1 - t) ** (n + 1))),
    certificate_term=-(n + 1) * t ** (k + 1) * (1 - t) ** (n - k),
    ahead=n - k,
    behind=k + 1,
)

CLAIM = Claim(
    id="beta-integral",
    says="1/C(n,k) = (n+1) Int t^k (1-t)^(n-k) dt over [0,1]",
    domain=Domain(sp.Ge(k, 0), sp.Le(k, n)),
    steps=(Step("integrate by parts k times", eq((n + 1) * beta, 1 / sp.binomial(n, k)), by_parts),),
    sibling=eq(n * beta, 1 / sp.binomial(n, k)),
)
