"""A density may be divided by its peak, so that l <= 1: the gradient of log p stays, but that of J_T does not.

The scale kappa must not depend on the parameters: a learned noise scale is no such constant.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Post, Slopes, Step, eq, le

k, T = sp.symbols("k T", integer=True)
theta, x = sp.symbols("theta x", real=True)
kappa, sigma = sp.symbols("kappa sigma", positive=True)
p, learned = (sp.Function(name, positive=True)(theta) for name in ("p", "kappa"))

slope = sp.Derivative(p, theta)
peak = 1 / (sigma * sp.sqrt(2 * sp.pi))

CLAIM = Claim(
    id="density-scale",
    says="grad log(kappa p) = grad log p for a constant kappa, so a Gaussian density may be divided by its "
    "peak; at finite T, "
    "grad J_T(kappa p) = kappa w_T(kappa p) grad p, and a kappa that is learned adds grad log kappa",
    domain=Domain(sp.Ge(T, 1), sp.Gt(sigma, 0)),
    steps=(
        Step("a constant scale", eq(sp.Derivative(sp.log(kappa * p), theta), slope / p), Algebra()),
        Step(
            "the density is at most its peak, x = (y - z)^2 / (2 sigma^2)",
            le(peak * sp.exp(-x), peak),
            Slopes(x, 0, Manifest(peak * sp.exp(-x))),
            Domain(sp.Ge(x, 0), sp.Gt(sigma, 0)),
        ),
        Step(
            "a constant scale at finite T",
            eq(
                sp.Derivative(-sp.Sum((1 - kappa * p) ** k / k, (k, 1, T)), theta),
                kappa * sp.Sum((1 - kappa * p) ** k, (k, 0, T - 1)) * slope,
            ),
            Algebra(),
        ),
        Step(
            "a learned scale",
            eq(sp.Derivative(sp.log(learned * p), theta), slope / p + sp.Derivative(learned, theta) / learned),
            Algebra(),
        ),
    ),
    sibling=eq(sp.Derivative(sp.log(kappa * p), theta), kappa * slope / p),
    post=(
        Post.PROVED,
        "a constant factor of the likelihood, to make its peak 1 at most, leaves the ML gradient as it is",
    ),
)
