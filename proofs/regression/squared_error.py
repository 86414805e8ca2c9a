"""Expected likelihood, and not mean squared error, is to log-likelihood what pass rate is in classification.

For z ~ Normal(mu, v) and noise of variance tau, r = y - mu. Expected likelihood p and log p want the same spread, v =
r^2 - tau where predictions miss by more than the noise. The mean log-likelihood -E (y - z)^2 / (2 tau) wants none at
all, whatever y is; it is a lower bound of log p that is attained without spread.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Post, Slopes, Step, eq, le

r, v = sp.symbols("r v", real=True)
tau = sp.Symbol("tau", positive=True)

p = sp.sqrt(tau) / sp.sqrt(tau + v) * sp.exp(-(r**2) / (2 * (tau + v)))
log_p = sp.log(tau) / 2 - sp.log(tau + v) / 2 - r**2 / (2 * (tau + v))
mean_log = -(r**2 + v) / (2 * tau)

CLAIM = Claim(
    id="squared-error",
    says="dp/dv = p (r^2 - tau - v) / (2 (tau + v)^2) for a prediction of variance v: expected likelihood may "
    "want spread; "
    "-E MSE / (2 tau) <= log p falls by v / (2 tau) always",
    domain=Domain(sp.Gt(tau, 0), sp.Ge(v, 0)),
    steps=(
        Step(
            "differentiate the expected likelihood",
            eq(sp.Derivative(p, v), p * (r**2 - tau - v) / (2 * (tau + v) ** 2)),
            Algebra(),
        ),
        Step("mean log-likelihood, against no spread", eq(mean_log, mean_log.subs(v, 0) - v / (2 * tau)), Algebra()),
        Step(
            "it is a lower bound",
            le(mean_log, log_p),
            Slopes(v, 0, Manifest(v / (2 * tau * (tau + v)) + r**2 / (2 * (tau + v) ** 2))),
        ),
    ),
    sibling=eq(sp.Derivative(p, v), -p / (2 * tau)),
    post=(Post.PROVED, "the analogue of pass rate in regression is expected likelihood, not mean squared error"),
)
