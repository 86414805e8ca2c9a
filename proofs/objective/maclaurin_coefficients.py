"""The derivatives of the logarithm of all orders, and hence the coefficients of its expansion about p = 1."""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.calculus import Orders

k = sp.Symbol("k", integer=True)
p = sp.Symbol("p", real=True)

derivative = (-1) ** (k - 1) * sp.factorial(k - 1) / p**k

CLAIM = Claim(
    id="maclaurin-coefficients",
    says="The k-th derivative of log p is (-1)^(k-1) (k-1)!/p^k, so about p = 1 the coefficient of (1-p)^k is -1/k",
    domain=Domain(sp.Ge(k, 1), sp.Gt(p, 0)),
    steps=(
        Step("differentiate k times", eq(sp.Derivative(sp.log(p), (p, k)), derivative), Orders(k, 1)),
        Step(
            "divide that at p = 1 by k!, and write (p-1)^k as (-1)^k (1-p)^k",
            eq(-sp.factorial(k - 1) / sp.factorial(k), -1 / k),
            Algebra(),
        ),
    ),
    sibling=eq(sp.Derivative(sp.log(p), (p, k)), (-1) ** (k - 1) * sp.factorial(k) / p**k),
)
