"""Counterexamples: expectations under one law with finitely many outcomes, by enumeration in exact arithmetic.

One law proves that something is not so for all. Rollouts 1, 2, ... of a group are independent draws of an outcome.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from .claim import Refuted, Rule
from .domain import Domain
from .identities import sides
from .statistics import Mean

SIZE = 4  # rollouts that have names
l = sp.symbols(f"l_1:{SIZE + 1}", real=True)  # likelihoods
u = sp.symbols(f"u_1:{SIZE + 1}", real=True)  # scores along one direction of the parameters
v = sp.symbols(f"v_1:{SIZE + 1}", real=True)  # and along another


@dataclass(frozen=True)
class Enumeration(Rule):
    """Every Mean is the sum over all groups of outcomes, of chance times value; then both sides are the same number.

    An outcome is its probability, its likelihood in [0, 1], and its scores (u, v), which have mean zero.
    """

    outcomes: tuple[tuple[sp.Rational, sp.Rational, sp.Rational, sp.Rational], ...]

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check that this is a law, enumerate, and compare numbers."""
        chances, likelihoods, *scores = zip(*self.outcomes, strict=True)
        if not all(number.is_Rational for outcome in self.outcomes for number in outcome):
            raise Refuted("an outcome has a number that is not rational")
        if any(chance <= 0 for chance in chances) or sum(chances) != 1 or not all(0 <= x <= 1 for x in likelihoods):
            raise Refuted("the outcomes are no law of a likelihood")
        if any(sum(chance * s for chance, s in zip(chances, score, strict=True)) != 0 for score in scores):
            raise Refuted("the score has a mean that is not zero")
        left, right = (side.replace(lambda node: isinstance(node, Mean), self._mean) for side in sides(relation))
        if not (left.is_Rational and right.is_Rational and left == right):
            raise Refuted(f"{left} is not {right}")

    def _mean(self, node: sp.Expr) -> sp.Expr:
        f = node.args[0]
        used = [i for i in range(SIZE) if f.has(l[i], u[i], v[i])]
        names = [x[i] for i in used for x in (l, u, v)]
        total = sp.S.Zero
        for group in itertools.product(self.outcomes, repeat=len(used)):
            at = f.xreplace(dict(zip(names, (number for outcome in group for number in outcome[1:]), strict=True)))
            if not at.is_Rational:
                raise Refuted(f"{f} has the value {at} at {group}")
            total += sp.Mul(*(outcome[0] for outcome in group)) * at
        return total


def bandit(arms: dict[sp.Rational, sp.Rational]) -> tuple[tuple[sp.Rational, ...], ...]:
    """A softmax policy over arms, likelihoods by probabilities: scores are e_z - pi, u and v those of the first two."""
    first, second = list(arms)[:2]
    return tuple(
        (chance, likelihood, int(chance == first) - first, int(chance == second) - second)
        for chance, likelihood in arms.items()
    )
