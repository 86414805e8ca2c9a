"""With three prompts, group-centred rewards over a deviation of the batch have the right direction at no speed either.

With two prompts and 0/1 rewards there are two directions, so that every update is a gradient at a speed of its own.
With three it has to be without twist (claim right-direction). Take groups of two. A group in which both succeed or both
fail gets 0, and else its success s/2 and its failure -s/2, 1/s being the deviation. Whether the other rollout of a
group succeeds or fails, a success has s/2 more than a failure with one success in its group: W_i = E s/2, over the
others.

Where s depends on the successes of all six, s_K = s_{6-K}, W_i is the mean of s_{1+M}/2 over the M successes of the
other two prompts, and its slope by the pass rate of prompt j that of s_{2+M} - s_{1+M}, with one rollout of j taken out
of M. At the pass rates 0, 1/2, 1 only the second prompt is random. By the second step the twist is not 0 there for the
deviation of all rewards, nor hence near to there, with pass rates between 0 and 1.

Where the deviation is of the centred rewards, s depends on how many groups are mixed, and a group is with the chance 2
p (1-p). W_i is the mean of s_{1+X}/2 over the X mixed ones of the other two, and its slope by that chance that of
(s_{2+X} - s_{1+X})/2, with j taken out of X. That chance has the slope 2, 0, -2 by the three pass rates.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq

s = sp.symbols("s_1:4", positive=True)  # s_1, s_2, s_3
centred = 2 * sp.sqrt(3), sp.sqrt(6), sp.Integer(2)  # sqrt(12/j): j mixed groups have the sum of squares j/2


def total(scales: tuple[sp.Expr, ...], successes: int) -> sp.Expr:
    """The scale at 1 to 5 successes."""
    return scales[min(successes, 6 - successes) - 1]


def twist(w: tuple[sp.Expr, ...], curls: tuple[sp.Expr, ...]) -> sp.Expr:
    """The update against its curl, the entries of which are those of (2, 3), (3, 1) and (1, 2)."""
    return sp.Add(*(of * curl for of, curl in zip(w, curls, strict=True)))


def by_total(*scales: sp.Expr) -> sp.Expr:
    """The twist where the scale depends on the successes of the whole batch."""

    def at(successes: int, flips: int = 0) -> sp.Expr:
        """The mean scale, with so many flips of the second prompt besides."""
        if not flips:
            return total(scales, successes)
        return (at(successes, flips - 1) + at(successes + 1, flips - 1)) / 2

    def slope(successes: int, flips: int = 0) -> sp.Expr:
        return at(successes + 2, flips) - at(successes + 1, flips)

    w = (at(3, 2) / 2, at(3) / 2, at(1, 2) / 2)
    return twist(w, (slope(0, 1) - slope(1), slope(1, 2) - slope(0, 2), slope(2) - slope(2, 1)))


def by_mixed(*scales: sp.Expr) -> sp.Expr:
    """The twist where the scale depends on how many groups are mixed, the second with chance 1/2, and no other."""
    first, second, third = scales
    w = ((first + second) / 4, first / 2, (first + second) / 4)
    alone = (second - first) / 2  # the slopes of W_2, by the chance of either other group
    beside = (third - first) / 4  # those of W_1 and W_3, by the chance of each other
    return twist(w, (2 * alone, -2 * beside - 2 * beside, 2 * alone))


CLAIM = Claim(
    id="three-prompts",
    says=(
        "Three prompts, two rollouts each, pass rates 0, 1/2 and 1: the update of group-centred rewards over the "
        "batch's deviation has the twist -3/20, and over that of centred rewards 3 - 2 sqrt(3): right at no speed"
    ),
    domain=Domain(),
    steps=(
        Step(
            "the scale depends on all successes",
            eq(by_total(*s), (4 * s[1] ** 2 - s[0] ** 2 - 3 * s[2] ** 2) / 8),
            Algebra(),
        ),
        Step(
            "6/sqrt(K (6-K)), the deviation of all rewards",
            eq(by_total(*(6 / sp.sqrt(K * (6 - K)) for K in (1, 2, 3))), sp.Rational(-3, 20)),
            Algebra(),
        ),
        Step(
            "the scale depends on the mixed groups",
            eq(by_mixed(*s), (s[1] ** 2 - s[0] * s[2]) / 2),
            Algebra(),
        ),
        Step("the deviation of centred rewards", eq(by_mixed(*centred), 3 - 2 * sp.sqrt(3)), Algebra()),
    ),
    sibling=eq(by_total(*s), sp.S.Zero),
)
