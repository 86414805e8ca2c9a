"""k3 = r - 1 - log r, r = ref/pi, as a term of the loss: the forward KL of each token, what came before being frozen.

Its mean is the reverse KL, as that of k1 is, for r has the mean 1; but its slope by log pi is 1 - r.
"""

import sympy as sp

from ..checking import Algebra, Antiderivative, Claim, Domain, Step, eq
from .tokens import cross, log_pi, log_ratio, log_ref, mean, n, over_tokens, reverse, score, slope, total

delta, t = sp.symbols("delta t", real=True)
r = sp.exp(-log_ratio)

CLAIM = Claim(
    id="k3-in-the-loss",
    says=(
        "The gradient of k3 = r - 1 - log r, r = ref/pi, in the loss has the mean grad KL(ref, pi) token by token, "
        "prefixes frozen, though the mean of k3 is KL(pi, ref)"
    ),
    domain=Domain(n >= 1),
    steps=(
        Step(
            "a token, with the gradient of the total, which is 0",
            eq(mean((1 - r) * score), slope(total) - slope(cross)),
            Algebra(),
        ),
        Step(
            "KL(ref, pi), of which ref alone is constant",
            eq(over_tokens(sp.exp(log_ref) * (log_ref - log_pi)), over_tokens(sp.exp(log_ref) * log_ref) - cross),
            Algebra(),
        ),
        Step(
            "k3 rises from 0 by the slope 1 - r, where log(pi/ref) is delta",
            eq(sp.Integral(delta * (1 - sp.exp(-delta * t)), (t, 0, 1)), sp.exp(-delta) - 1 + delta),
            Antiderivative(delta * t + sp.exp(-delta * t)),
        ),
        Step(
            "its mean, with the totals of ref and of pi, which are both 1",
            eq(mean(r - 1 + log_ratio), reverse + over_tokens(sp.exp(log_ref)) - total),
            Algebra(),
        ),
    ),
    sibling=eq(mean((1 - r) * score), slope(reverse) - slope(total)),
)
