"""k2 = (log pi - log ref)^2 / 2 as a term of the loss: the reverse KL of each token, what came before being frozen.

c is what came before, the prefix, with the chance exp(P(c)) of the policy. The loss differentiates the chance of the
token alone. The KL of whole rollouts is that of the prefix and, on average, that of the token behind it: its gradient
has one part more, by the third step, in which prefixes are pulled to where the tokens behind them are near ref.
"""

import sympy as sp

from ..checking import Algebra, Antiderivative, Claim, Domain, Step, eq
from .tokens import cross, log_ratio, mean, n, reverse, score, slope, theta, total

c, prefixes = sp.symbols("c C", integer=True)
delta, t = sp.symbols("delta t", real=True)
log_prefix = sp.Function("P", real=True)(c, theta)


def behind(f: sp.Expr) -> sp.Expr:
    """A sum over tokens, with chances that depend on the prefix."""
    L, R = (sp.Function(name, real=True) for name in "LR")
    return f.replace(L, lambda a, theta: L(c, a, theta)).replace(R, lambda a: R(c, a))


def over_prefixes(f: sp.Expr) -> sp.Expr:
    """The mean over prefixes that the policy draws."""
    return sp.Sum(sp.exp(log_prefix) * f, (c, 1, prefixes))


CLAIM = Claim(
    id="k2-in-the-loss",
    says=(
        "The gradient of k2 = log(pi/ref)^2/2 in the loss has the mean grad KL(pi, ref) token by token, prefixes "
        "frozen: what draws prefixes to where the KL behind them is small is left out"
    ),
    domain=Domain(n >= 1, prefixes >= 1),
    steps=(
        Step(
            "a token, with the gradient of the total, which is 0",
            eq(mean(log_ratio * score), slope(reverse) - slope(total)),
            Algebra(),
        ),
        Step(
            "k2 rises from 0 by the slope log(pi/ref)",
            eq(sp.Integral(delta * (delta * t), (t, 0, 1)), delta**2 / 2),
            Antiderivative(delta**2 * t**2 / 2),
        ),
        Step(
            "the KL behind a prefix: what freezing it leaves out",
            eq(
                slope(over_prefixes(behind(reverse))),
                over_prefixes(behind(mean(log_ratio * score)) + behind(slope(total)))
                + over_prefixes(slope(log_prefix) * behind(reverse)),
            ),
            Algebra(),
        ),
    ),
    sibling=eq(mean(log_ratio * score), slope(total) - slope(cross)),
)
