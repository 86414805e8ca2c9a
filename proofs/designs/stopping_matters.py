"""RLOO, the mean as a baseline, GRPO and the baseline 1 ascend something else where rewards decide how many follow.

What a success and a failure get depends there on N, which depends on them. Of the weight in each rule every order of
rollouts is written out. Of all four rollouts RLOO has the weight 1, the group's mean 3/4, and N/s less 1 for each
rollout that of J_4, 1 + q + q^2 + q^3. With more rollouts for the unsolved, RLOO, the mean and GRPO, whose deviation
divides by N here, weigh hard prompts more than easy ones.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Step, eq
from ..checking.statistics import p
from .walks import Rule, weight

q = 1 - p
STAGED = (lambda s, f: s + f == 2 and s > 0), 4
MIXED = (lambda s, f: s > 0 and f > 0), 4
SECOND = (lambda s, f: s == 2), 4


def rloo(stops: Rule, most: int) -> sp.Expr:
    """l_i less the mean of the others."""
    return weight(stops, most, lambda s, f: 1 - sp.Rational(s - 1, s + f - 1), lambda s, f: -sp.Rational(s, s + f - 1))


def centred(stops: Rule, most: int) -> sp.Expr:
    """l_i less the mean of all."""
    return weight(stops, most, lambda s, f: sp.Rational(f, s + f), lambda s, f: -sp.Rational(s, s + f))


def less_one(stops: Rule, most: int) -> sp.Expr:
    """N/s for a success, 1 less for all."""
    return weight(stops, most, lambda s, f: sp.Rational(s + f, s) - 1, lambda s, f: -1)


def grpo(stops: Rule, most: int) -> sp.Expr:
    """l_i less the mean, over the deviation; 0 in groups of one reward."""

    def success(s: int, f: int) -> sp.Expr:
        return sp.sqrt(sp.Rational(f, s)) if s else sp.S.Zero

    def failure(s: int, f: int) -> sp.Expr:
        return -sp.sqrt(sp.Rational(s, f)) if f else sp.S.Zero

    return weight(stops, most, success, failure)


def of_j_4(*changes: sp.Expr) -> sp.Expr:
    """The weight of J_4, and what is added to it."""
    return sp.Add(*(q**k for k in range(4)), *changes)


third, half, root = sp.Rational(1, 3), sp.Rational(1, 2), sp.sqrt(3)

CLAIM = Claim(
    id="stopping-matters",
    says=(
        "RLOO, rewards less their mean, GRPO and the baseline 1 do not ascend what they ascend in groups of four where "
        "two rollouts more go to the unsolved, or a success and a failure, or two successes are waited for"
    ),
    domain=Domain(sp.Gt(p, 0), sp.Lt(p, 1)),
    steps=(
        Step("RLOO, more for the unsolved", eq(rloo(*STAGED), 1 + q * third + q**2 / 6), Algebra()),
        Step("RLOO, until mixed", eq(rloo(*MIXED), sp.Rational(19, 12) - q * half + q**2 * half), Algebra()),
        Step("RLOO, until two successes", eq(rloo(*SECOND), (2 + q) * third), Algebra()),
        Step("the mean, more for the unsolved", eq(centred(*STAGED), half + q / 4 + q**2 / 8), Algebra()),
        Step(
            "the mean, until mixed",
            eq(centred(*MIXED), sp.Rational(131, 144) - 3 * q / 8 + 3 * q**2 / 8),
            Algebra(),
        ),
        Step("the mean, until two successes", eq(centred(*SECOND), sp.Rational(4, 9) + 11 * q / 36), Algebra()),
        Step("1, more for the unsolved", eq(less_one(*STAGED), of_j_4(-q * half)), Algebra()),
        Step("1, until mixed", eq(less_one(*MIXED), of_j_4(sp.Rational(7, 12) - 7 * q / 6)), Algebra()),
        Step("1, until two successes", eq(less_one(*SECOND), of_j_4(-third - q / 6 + q**2 * half)), Algebra()),
        Step(
            "GRPO, more for the unsolved",
            eq(grpo(*STAGED), 1 + q * half + (root - 1) * q**2 * half),
            Algebra(),
        ),
        Step(
            "GRPO, until mixed",
            eq(grpo(*MIXED), 1 + sp.sqrt(2) * third + root * (1 - 2 * q + 2 * q**2) / 4),
            Algebra(),
        ),
        Step(
            "GRPO, until two successes",
            eq(grpo(*SECOND), 2 * sp.sqrt(2) * (1 - q) * third + 3 * q * (1 - q) * half + root * q**2),
            Algebra(),
        ),
    ),
    sibling=eq(rloo(*STAGED), sp.S.One),
)
