"""pass^k is the objective with a single coefficient in powers of p; in powers of 1 - p its coefficients alternate.

All of a fresh group of k succeed with chance p^k. With n = k - 1, the binomial theorem turns the weight k p^n into
the sum over j of (-1)^j k C(n, j) (1-p)^j: an objective like others, whose terms cancel.
"""

import sympy as sp

from ..checking import Antiderivative, Claim, Domain, Recurrence, Step, eq
from ..checking.polynomials import Polynomial

j, k, n = sp.symbols("j k n", integer=True)
p, q, u = sp.symbols("p q u", real=True)  # q stands for 1 - p

below = -((-1) ** (n + 1 - j)) * sp.binomial(n, j - 1) * q ** (n + 1 - j) / (1 - q)

CLAIM = Claim(
    id="all-of-k",
    says="pass^k = p^k has the derivative k p^(k-1), the sum over j < k of (-1)^j k C(k-1,j) (1-p)^j",
    domain=Domain(sp.Ge(p, 0), sp.Le(p, 1), sp.Ge(k, 1)),
    steps=(
        Step(
            "integrate the weight from 0 to p",
            eq(sp.Integral(k * u ** (k - 1), (u, 0, p)), p**k),
            Antiderivative(u**k),
        ),
        Step(
            "expand its power n = k - 1 of p = 1 - q",
            eq(sp.Sum((-1) ** (n - j) * sp.binomial(n, j) * q ** (n - j), (j, 0, n)), (1 - q) ** n),
            Polynomial(q, Recurrence(n, sp.S.Zero, below, ahead=1 / (1 - q))),
            Domain(sp.Ge(n, 0)),
        ),
    ),
    sibling=eq(sp.Integral(u ** (k - 1), (u, 0, p)), p**k),
)
