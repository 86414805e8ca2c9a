"""Small policies whose groups can be listed: what the bridges on whole steps share.

A rollout is what it brings by name: a likelihood, a length, a ratio. A claim's coefficient is evaluated on a group by
these names, as is a row of the package, and means are taken over all groups, in exact rationals.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction as F

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

from maxrl_est.selftest.prove import part

from . import by_name, value_of
from .baseline import advantage, exactly
from .formal_groups import at


@dataclass(frozen=True, slots=True, eq=False)  # known by identity: what it brings cannot be hashed
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
    symbols = {s.name: s for s in expression.free_symbols}

    def brings(i: str, z: Outcome) -> dict[sp.Basic, F]:
        return {symbols[f"{name}_{i}"]: value for name, value in z.brings.items() if f"{name}_{i}" in symbols}

    def call(node: sp.Expr, values: Mapping[sp.Basic, F]) -> F:
        if not isinstance(node, Subsets):
            return named(node, values)
        k, each = int(value_of(node.args[0], values)), [value_of(node.args[1], values | brings("j", z)) for z in others]
        return sum(map(math.prod, itertools.combinations(each, k)), F(0)) / math.comb(len(each), k)

    (first, *others), named = group, by_name(functions or {})
    given = {symbols[name]: F(value) for name, value in numbers.items() if name in symbols} | brings("i", first)
    given |= {symbols["q_i"]: 1 - first.brings["l"]} if "q_i" in symbols else {}
    averaged = (value_of(expression, given | brings("j", z), call, (Subsets, AppliedUndef)) for z in others)
    return sum(averaged, F(0)) / len(others)


def holds(relation, law, size, row, right, functions=None, **numbers) -> bool:
    """The relation's coefficient is the row's in every group, and the row's mean is the relation's other side.

    ``right`` gives numbers for the names of that side, along each direction of the parameters.
    """
    row, coefficient = functools.cache(row), advantage(relation.lhs)
    for group in itertools.product(law, repeat=size):
        assert seen(coefficient, group, functions, N=size, **numbers) == row(group)
    sides = (at(relation.rhs, N=size, **numbers, **names) for names in right)
    return [value_of(side, {}, by_name(functions or {}), (AppliedUndef,)) for side in sides] == update(law, size, row)
