"""Every moment that the exact variance needs is in closed form for Gaussian regression.

l^n is the likelihood with noise sigma / sqrt(n) in the place of sigma. With the residual r = y - mu, the deviation
u = z - mu and the score S = u / s^2, the density m of z has the derivatives m S and m (S^2 - 1/s^2) in mu; so those of
E[l^n] are E[l^n S] and E[l^n S^2] - E[l^n] / s^2.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from .gaussian_marginal import log_likelihood, log_prior, r, s, sigma, u

n = sp.Symbol("n", positive=True)
mu, z = sp.symbols("mu z", real=True)
v = sigma**2 + n * s**2
mean, variance = n * s**2 * r / v, s**2 * sigma**2 / v
log_moment = sp.log(sigma) - sp.log(v) / 2 - n * r**2 / (2 * v)
log_posterior = -sp.log(s) - sp.log(sigma) + sp.log(v) / 2 - (u - mean) ** 2 / (2 * variance)

moment = sigma / sp.sqrt(v) * sp.exp(-n * r**2 / (2 * v))
density, score = sp.exp(-((z - mu) ** 2) / (2 * s**2)) / s, (z - mu) / s**2
score_factor = n * r / v  # E[l^n S] / E[l^n]
square_factor = sigma**2 / (s**2 * v) + n**2 * r**2 / v**2  # E[l^n S^2] / E[l^n]

CLAIM = Claim(
    id="gaussian-moments",
    says="E[l^n] = sigma / sqrt(v) exp(-n r^2 / (2 v)), v = sigma^2 + n s^2, r = y - mu; E[l^n S] is n r / v times it, "
    "and E[l^n S^2] is sigma^2 / (s^2 v) + n^2 r^2 / v^2 times it; for n = 0 that is E S^2 = 1 / s^2",
    domain=Domain(sp.Gt(s, 0), sp.Gt(sigma, 0), sp.Gt(n, 0)),
    steps=(
        Step("complete the square", eq(n * log_likelihood + log_prior, log_moment + log_posterior), Algebra()),
        Step("a derivative brings down S", eq(sp.Derivative(density, mu), density * score), Algebra()),
        Step("and two", eq(sp.Derivative(density, (mu, 2)), density * (score**2 - 1 / s**2)), Algebra()),
        Step("E[l^n S], as mu = y - r", eq(-sp.Derivative(moment, r), moment * score_factor), Algebra()),
        Step(
            "E[l^n S^2]",
            eq(sp.Derivative(moment, (r, 2)) + moment / s**2, moment * square_factor),
            Algebra(),
        ),
    ),
    sibling=eq(n * log_likelihood + log_prior, log_moment + log_posterior + sp.log(n) / 2),
)
