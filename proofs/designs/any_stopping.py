"""Averaging the scores of the successes ascends J_N under every rule that gives up unsolved at N rollouts, not before.

Whatever the rule does once a prompt is solved, it knows rewards alone. Given them, each of the s successes has the mean
score grad p / p, and so has their average: only whether there is one matters. The first comes after k failures with the
chance (1-p)^k p, for k below N, and the sum of these chances is that of being solved. The other steps write every order
of rollouts of six rules out. A rule that gives up at N - 1, once in a while, is another matter; so are advantages that
see how many failures there are (claim stopping-matters). Stopping at the first success costs 1, 2, ..., N rollouts,
(1 - (1-p)^N) / p on average, which is the weight of the prompt (claim inverse-sampling).
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Induction, Step, eq
from ..checking.statistics import N, grad, p
from .walks import Rule, endings, weight

k = sp.Symbol("k", integer=True)
q = 1 - p
solved = sp.Sum(q**k * p * (grad / p), (k, 0, N - 1))


def maxrl(order: int) -> sp.Expr:
    """The weight of J_T."""
    return sp.Add(*(q**j for j in range(order)))


def average(stops: Rule, most: int) -> sp.Expr:
    """What N/s for each of s successes ascends."""
    return weight(stops, most, lambda s, f: sp.Rational(s + f, s), lambda s, f: 0)


def cost(stops: Rule, most: int) -> sp.Expr:
    """The mean number of rollouts."""
    return sp.Add(*((s + f) * p**s * q**f for s, f in endings(stops, most).elements()))


RULES = {  # and the most rollouts
    "all four": (lambda s, f: False, 4),
    "until one success": (lambda s, f: s == 1, 4),
    "until two successes": (lambda s, f: s == 2, 5),
    "until one success and one failure": (lambda s, f: s > 0 and f > 0, 4),
    "two, then three more if unsolved": (lambda s, f: s + f == 2 and s > 0, 5),
    "until the successes are ahead": (lambda s, f: s > f, 5),
}

CLAIM = Claim(
    id="any-stopping",
    says=(
        "The average of the successes' scores has the mean w_N(p) grad p under every rule that stops by rewards alone "
        "and gives up unsolved at N rollouts and not before"
    ),
    domain=Domain(sp.Ge(N, 1), sp.Gt(p, 0), sp.Lt(p, 1)),
    steps=(
        Step("the first success comes after k failures", eq(solved, (1 - q**N) / p * grad), Induction(N)),
        *(Step(name, eq(average(*rule), maxrl(rule[1])), Algebra()) for name, rule in RULES.items()),
        Step(
            "stopping at the first success costs what it weighs",
            eq(cost(*RULES["until one success"]), maxrl(4)),
            Algebra(),
        ),
    ),
    sibling=eq(solved, grad / p),
)
