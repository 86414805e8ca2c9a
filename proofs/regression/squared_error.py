"""Expected likelihood, not mean squared error, is to log-likelihood what pass rate is in classification.

The mean of the log-likelihood, -MSE / (2 sigma^2), is a lower bound of log p; for z ~ Normal(mu, s^2) it is largest
without spread, at s = 0, whatever y is. The marginal likelihood keeps a spread s^2 = (y - mu)^2 - sigma^2 where
predictions miss by more than the noise, and so does the expected likelihood J_1 + 1 = p, whose logarithm it is.
v stands for s^2, r for y - mu.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Growing, Post, Step, eq, le

r = sp.Symbol("r", real=True)
v, sigma = sp.symbols("v sigma", positive=True)

log_p = sp.log(sigma) - sp.log(sigma**2 + v) / 2 - r**2 / (2 * (sigma**2 + v))
mean_log = -(v + r**2) / (2 * sigma**2)
