"""Gaussian regression has its marginal likelihood in closed form.

A prediction z ~ Normal(mu, s^2) has likelihood l = exp(-(y - z)^2 / (2 sigma^2)). Everything depends on the residual
r = y - mu and the deviation u = z - mu. Likelihood times density is p times a normal density of u, for every u, and
that density has integral 1: so p = E l. Logarithms of densities are without their common constant.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Post, Step, eq

r, u = sp.symbols("r u", real=True)
s, sigma = sp.symbols("s sigma", positive=True)

v = sigma**2 + s**2  # variance of an observation
mean, variance = s**2 * r / v, s**2 * sigma**2 / v  # of u, given y
p = sigma / sp.sqrt(v) * sp.exp(-(r**2) / (2 * v))

log_likelihood = -((r - u) ** 2) / (2 * sigma**2)
log_prior = -sp.log(s) - u**2 / (2 * s**2)
log_p = sp.log(sigma) - sp.log(v) / 2 - r**2 / (2 * v)
log_posterior = -sp.log(s) - sp.log(sigma) + sp.log(v) / 2 - (u - mean) ** 2 / (2 * variance)

CLAIM = Claim(
    id="gaussian-marginal",
    says="p = sigma / sqrt(sigma^2 + s^2) exp(-(y - mu)^2 / (2 (sigma^2 + s^2))) for z ~ Normal(mu, s^2) and "
    "noise sigma; "
    "grad p is p times the mean score given y",
    domain=Domain(sp.Gt(s, 0), sp.Gt(sigma, 0)),
    steps=(
        Step("complete the square", eq(log_likelihood + log_prior, log_p + log_posterior), Algebra()),
        Step("gradient in mu = y - r, by the mean of u / s^2", eq(-sp.Derivative(p, r), p * mean / s**2), Algebra()),
        Step(
            "gradient in s, by the mean of u^2 / s^3 - 1 / s",
            eq(sp.Derivative(p, s), p * ((variance + mean**2) / s**3 - 1 / s)),
            Algebra(),
        ),
    ),
    sibling=eq(log_likelihood + log_prior, log_p + log_posterior + sp.log(v) / 2),
    post=(Post.PROVED, "regression with Gaussian noise has a marginal likelihood; no closed form is given"),
)
