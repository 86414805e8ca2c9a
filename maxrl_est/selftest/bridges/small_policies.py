"""Small policies whose groups can be listed: what the bridges on whole steps share.

A rollout is what it brings by name: a likelihood, a length, a ratio. A claim's coefficient is evaluated on a group by
these names, as is a row of the package, and means are taken over all groups, in exact rationals.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction as F

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

from maxrl_est.selftest.prove import part

from . import fraction, written_out
from .baseline import advantage, exactly
from .formal_groups import at


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rollout may be: its chance, what it brings by name, and its score (d,)."""

    chance: F
    brings: Mapping[str, F]
    score: Sequence[F]


def outcomes(sampled, policy, **brings: Sequence[F]) -> list[Outcome]:
    """The outcomes of a law that is sampled, with the scores of a policy; ``l`` is brought as well."""
    brings = {"l": sampled.likelihoods, **brings}
    rows = zip(sampled.probabilities, policy.scores, zip(*brings.values(), strict=True), strict=True)
    return [Outcome(chance, dict(zip(brings, values, strict=True)), score) for chance, score, values in rows]


def update(law: Sequence[Outcome], size: int, first: Callable[[tuple[Outcome, ...]], F]) -> list[F]:
    """The mean of the first rollout's coefficient times its score, over all groups."""
    total = [F(0)] * len(law[0].score)
    for group in itertools.product(law, repeat=size):
        coefficient = math.prod(z.chance for z in group) * first(group)
        total = [sum_so_far + coefficient * s for sum_so_far, s in zip(total, group[0].score, strict=True)]
    return total


def mean_of(law: Sequence[Outcome], f: Callable[[Outcome], F]) -> F:
    return sum(z.chance * f(z) for z in law)


def slope_of(law: Sequence[Outcome], f: Callable[[Outcome], F]) -> list[F]:
    """The gradient of the mean of what does not depend on the parameters, if scores are those of what is sampled."""
    return update(law, 1, lambda group: f(group[0]))


def brought(name: str, group: Sequence[Outcome]) -> np.ndarray:
    return exactly(z.brings[name] for z in group)


def seen(expression: sp.Expr, group: tuple[Outcome, ...], functions=None, **numbers) -> F:
    """An expression of the first rollout and one of the others, averaged over these."""
    Subsets = part("steps.draws").Subsets

    def named(f: sp.Expr, i: str, z: Outcome) -> sp.Expr:
        return at(f, **{f"{name}_{i}": value for name, value in z.brings.items()})

    def subsets(node: sp.Expr) -> sp.Expr:
        k, f = node.args
        each = [named(f, "j", z) for z in group[1:]]
        return sp.Rational(1, math.comb(len(each), int(k))) * sum(
            math.prod(chosen) for chosen in itertools.combinations(each, int(k))
        )

    expression = written_out(at(expression, **numbers))
    expression = named(at(expression, q_i=1 - group[0].brings["l"]), "i", group[0])
    expression = expression.replace(lambda node: isinstance(node, Subsets), subsets)
    if functions:
        expression = expression.replace(
            lambda node: isinstance(node, AppliedUndef), lambda node: functions[node.func.__name__](int(node.args[0]))
        )
    return sum((fraction(named(expression, "j", z)) for z in group[1:]), F(0)) / (len(group) - 1)


def holds(relation, law, size, row, right, functions=None, **numbers) -> bool:
    """The relation's coefficient is the row's in every group, and the row's mean is the relation's other side.

    ``right`` gives numbers for the names of that side, along each direction of the parameters.
    """
    for group in itertools.product(law, repeat=size):
        assert seen(advantage(relation.lhs), group, functions, N=size, **numbers) == row(group)
    sides = (written_out(at(relation.rhs, N=size, **numbers, **names)) for names in right)
    found = [
        fraction(
            side.replace(
                lambda node: isinstance(node, AppliedUndef),
                lambda node: functions[node.func.__name__](int(node.args[0])),
            )
        )
        for side in sides
    ]
    return found == update(law, size, row)
