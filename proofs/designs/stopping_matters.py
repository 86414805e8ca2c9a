"""RLOO, the mean as a baseline, GRPO, (r - mean)/mean and the baseline 1 ascend something else where rewards decide N.

What a success and a failure get depends there on N, which depends on them. Each rule is tried under six designs, beside
groups of the most rollouts N that a design can draw. The weights W and W_N are polynomials of p. If W were a multiple
of W_N, the twist W(x) W_N(y) - W(y) W_N(x) would be 0 at all x and y. It is not: at x = 0 and y = 1, or 1/3 under the
two designs that treat successes as failures. (Roots of different numbers without square factors are independent over
the rationals, so that GRPO's twists are not 0 either.) Hence no learning rate makes one weight the other.

N/s for each of s successes is immune (claim any-stopping), and of these designs too; and with the best of three, where
two successes or two failures are waited for, the others have 2/3 of what they have in groups of three, but not the
baseline 1.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.statistics import p
from .any_stopping import average, maxrl
from .walks import weight

third = sp.Rational(1, 3)
DESIGNS = {  # when they stop, the most rollouts, and where the weights are compared with those at p = 0
    "until_successes(2, 6)": (lambda s, f: s == 2, 6, sp.S.One),
    "until_successes(3, 8)": (lambda s, f: s == 3, 8, sp.S.One),
    "until_mixed(5)": (lambda s, f: min(s, f) > 0, 5, third),
    "staged(2, 4)": (lambda s, f: s + f == 2 and s > 0, 6, sp.S.One),
    "staged(4, 12)": (lambda s, f: s + f == 4 and s > 0, 16, sp.S.One),
    "two of each": (lambda s, f: min(s, f) > 1, 8, third),
}


def of_others(s: int, f: int) -> sp.Expr:
    """The mean of the other rollouts, beside one that is not counted in s + f."""
    return sp.Rational(s, s + f)


RULES = {  # what a success gets, and what a failure
    "RLOO": (lambda s, f: 1 - of_others(s - 1, f), lambda s, f: -of_others(s, f - 1)),
    "the mean": (lambda s, f: sp.Rational(f, s + f), lambda s, f: -sp.Rational(s, s + f)),
    "(r - mean)/mean": (lambda s, f: sp.Rational(f, s), lambda s, f: -sp.S.One if s else sp.S.Zero),
    "1": (lambda s, f: sp.Rational(f, s), lambda s, f: -sp.S.One),
    "GRPO": (lambda s, f: sp.sqrt(sp.Rational(f, s)), lambda s, f: -sp.sqrt(sp.Rational(s, f))),
}


def never(s: int, f: int) -> bool:
    return False


def best_of_three(s: int, f: int) -> bool:
    return max(s, f) == 2


def twist(rule: str, design: str) -> sp.Expr:
    """W(0) W_N(y) - W(y) W_N(0): a number, 0 if the weights are in proportion."""
    stops, most, y = DESIGNS[design]
    at_0, at_y, whole_0, whole_y = (
        weight(when, most, *RULES[rule], at) for when in (stops, never) for at in (sp.S.Zero, y)
    )
    return sp.expand(at_0 * whole_y - at_y * whole_0)


R, root = sp.Rational, sp.sqrt
TWISTS = {  # under each design
    "RLOO": (third, R(1, 4), R(11, 45), R(2, 3), R(3, 4), R(-3589, 25515)),
    "the mean": (R(35, 108), R(35, 128), R(19, 125), R(25, 54), R(675, 1024), R(-277021, 8164800)),
    "(r - mean)/mean": (R(5, 3), R(7, 4), R(-1459, 1620), R(-2, 3), R(-3, 4), R(2821, 2430)),
    "1": (R(2), R(2), R(-983, 1215), R(-2, 3), R(-3, 4), R(1612, 1215)),
    "GRPO": (
        5 - 2 * root(10) / 3,
        7 - 3 * root(21) / 4,
        R(-4, 3) - root(2) / 9 + 5 * root(3) / 27 + 28 * root(6) / 45,
        R(10, 3),
        R(45, 4),
        R(-206, 729) * root(7)
        - R(50, 243) * root(14)
        + R(119, 486) * root(21)
        - R(8, 45) * root(42)
        - R(4, 63) * root(70)
        + R(140, 729) * root(105),
    ),
}

CLAIM = Claim(
    id="stopping-matters",
    says=(
        "The weights of RLOO, rewards less their mean, (r - mean)/mean, GRPO and the baseline 1 under six designs are "
        "no multiples of theirs in groups of the designs' most rollouts; that of the successes' average is J_N's"
    ),
    domain=Domain(sp.Gt(p, 0), sp.Lt(p, 1)),
    steps=(
        *(
            Step(f"{rule}, {design}", eq(twist(rule, design), value), Algebra())
            for rule, values in TWISTS.items()
            for design, value in zip(DESIGNS, values, strict=True)
        ),
        *(
            Step(f"the successes' average, {design}", eq(average(stops, most), maxrl(most)), Algebra())
            for design, (stops, most, _) in DESIGNS.items()
        ),
        *(
            Step(
                f"{rule}, best of three",
                eq(weight(best_of_three, 3, *RULES[rule]), R(2, 3) * weight(never, 3, *RULES[rule])),
                Algebra(),
            )
            for rule in RULES
            if rule != "1"
        ),
    ),
    sibling=eq(twist("RLOO", "until_successes(2, 6)"), sp.S.Zero),
)
