"""k1 = log pi - log ref as a term of the loss pulls nowhere: its gradient is the score, whose mean is 0.

Multiplied by the score, as what is in the reward is, k1 has the gradient of the reverse KL for its mean, where a
"token" may be a whole rollout: then it is that of the KL of whole rollouts.
"""

from ..checking import Algebra, Claim, Domain, Step, eq
from .tokens import log_ratio, mean, n, reverse, score, slope, total

CLAIM = Claim(
    id="k1-in-the-loss",
    says=(
        "The gradient of k1 = log(pi/ref) in the loss has the mean of the score, 0; in the reward, where it is "
        "multiplied by the score, its mean is grad KL(pi, ref)"
    ),
    domain=Domain(n >= 1),
    steps=(
        Step("in the loss, where ref is constant: the gradient of what is 1", eq(mean(score), slope(total)), Algebra()),
        Step(
            "in the reward: with the gradient of the total, which is 0",
            eq(mean(log_ratio * score), slope(reverse) - slope(total)),
            Algebra(),
        ),
    ),
    sibling=eq(mean(score), slope(reverse)),
)
