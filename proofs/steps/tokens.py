"""One token out of n, of a policy and of a reference; log-chances are any functions, so that chances are positive.

Chances add up to 1 for all parameters: the gradient of `total` is 0, and stands where a formula would not hold of
numbers that are no chances. (On KL terms in losses: Tang and Munos, arXiv 2506.09477.)
"""

import sympy as sp

a, n = sp.symbols("a n", integer=True)
theta = sp.Symbol("theta", real=True)
log_pi, log_ref = sp.Function("L", real=True)(a, theta), sp.Function("R", real=True)(a)
log_ratio = log_pi - log_ref  # k1
score = sp.Derivative(log_pi, theta)


def over_tokens(f: sp.Expr) -> sp.Expr:
    """The sum over all tokens."""
    return sp.Sum(f, (a, 1, n))


def mean(f: sp.Expr) -> sp.Expr:
    """Of a token that the policy draws."""
    return over_tokens(sp.exp(log_pi) * f)


def slope(of: sp.Expr) -> sp.Expr:
    """The gradient, along a fixed direction of the parameters."""
    return sp.Derivative(of, theta)


total = over_tokens(sp.exp(log_pi))
reverse = mean(log_ratio)  # KL(pi, ref)
cross = over_tokens(sp.exp(log_ref) * log_pi)  # E_ref log pi: what KL(ref, pi) is less of, and all of it that moves
