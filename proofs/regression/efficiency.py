"""How well a likelihood objective fits a mean, against least squares: a moment for each power of the likelihood.

With residual r, in units of the likelihood's and the policy's width together, p = exp(-r^2/2). The optimum of the
mean of J_T(p) over data solves sum psi(r) = 0 with psi = -d J_T/dr = w_T(p) r p = r (1 - (1 - p)^T): an M-estimator
that forgets what is far off. Where the noise of the data is Gaussian with variance v its asymptotic variance is E
psi^2 / (E psi')^2 (Huber 1964), that of least squares is v, and E psi' = E[r psi] / v, as the derivative of a density
times psi has integral zero. By the binomial theorem psi is the sum of c_j r p^j over 1 <= j <= T, c_j = C(T,j)
(-1)^(j+1), so with M_j = E[r^2 p^j] = v (1 + j v)^(-3/2) the efficiency is

    v D^2 / S,  D = sum_j c_j M_j / v,  S = sum_ij c_i c_j M_{i+j}.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq

r = sp.Symbol("r", real=True)
v = sp.Symbol("v", positive=True)  # of the noise
j, T = sp.symbols("j T", positive=True)

p = sp.exp(-(r**2) / 2)
w = (1 - (1 - p) ** T) / p
psi = sp.Function("psi", real=True)(r)
density = sp.exp(-(r**2) / (2 * v))
narrower = v / (1 + j * v)  # variance of the law of density p^j exp(-r^2 / (2 v)), of mass sqrt(narrower / v)


def moment(power: sp.Expr) -> sp.Expr:
    return v * (1 + power * v) ** sp.Rational(-3, 2)


def efficiency(of_psi: sp.Expr, of_square: sp.Expr) -> sp.Expr:
    return v * (of_psi / v) ** 2 / of_square


CLAIM = Claim(
    id="regression-efficiency",
    says="psi = r (1 - (1 - exp(-r^2/2))^T); E[r^2 p^j] = v (1 + j v)^(-3/2); at T = 1 the efficiency against least "
    "squares is (1 + 2 v)^(3/2) / (1 + v)^3",
    domain=Domain(sp.Gt(v, 0)),
    steps=(
        Step("T = 1", eq(efficiency(moment(1), moment(2)), (1 + 2 * v) ** sp.Rational(3, 2) / (1 + v) ** 3), Algebra()),
        Step("psi", eq(-w * sp.Derivative(p, r), r * (1 - (1 - p) ** T)), Algebra()),
        Step("powers of p narrow the law", eq(p**j * density, sp.exp(-(r**2) / (2 * narrower))), Algebra()),
        Step("its mass and variance", eq(sp.sqrt(narrower / v) * narrower, moment(j)), Algebra()),
        Step(
            "by parts",
            eq(sp.Derivative(density * psi, r), density * (sp.Derivative(psi, r) - r * psi / v)),
            Algebra(),
        ),
    ),
    sibling=eq(efficiency(moment(1), moment(1)), (1 + 2 * v) ** sp.Rational(3, 2) / (1 + v) ** 3),
)
