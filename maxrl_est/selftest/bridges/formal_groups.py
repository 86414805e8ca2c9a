"""Claims in formal sums of members, evaluated on groups of rewards and on laws: what the bridges on gradients share."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction as F

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

import maxrl_est as mx
from maxrl_est.ascent import objective_of
from maxrl_est.selftest.prove import checking, part

from . import fraction, value_of

VALUES, LAW = (F(0), F(1, 2), F(1)), (F(1, 2), F(1, 3), F(1, 6))
Group = tuple[F, ...]
ascent = functools.cache(objective_of)


def exactly(numbers: Sequence[object]) -> np.ndarray:
    return np.array([F(number) for number in numbers], dtype=object)


def advantage(name: str) -> Callable[[Group, Group], F]:
    """a(x, c): what a row gives to a member of value x in the group c, both as tuples."""
    row = functools.cache(lambda group: mx.estimators.get(name)(exactly(group)))
    return lambda member, group: row(group)[group.index(member[0])]


def functions_of(name: str, size: int) -> dict[str, Callable[..., F]]:
    """a, h and b of a row with an objective, h by what `objective_of` estimates it with."""
    found, a = ascent(name, size, VALUES), advantage(name)
    assert found.verdict == "gradient"

    @functools.cache
    def h(group: Group) -> F:
        return found.estimate(exactly(group))

    def b(others: Group) -> F:
        group = tuple(sorted((*others, found.reference)))
        return a((found.reference,), group) - size * h(group)

    return {"a": a, "h": h, "b": b}


def at(expression: sp.Expr, **numbers: object) -> sp.Expr:
    """The expression with numbers for the symbols of these names."""
    values = {s: sp.Rational(F(numbers[s.name])) for s in expression.free_symbols if s.name in numbers}
    return expression.subs(values) if expression.has(sp.Derivative) else expression.xreplace(values)


@functools.cache
def _counts(formal: sp.Expr) -> dict[str, int]:
    return {str(member): int(count) for member, count in sp.expand(formal).as_coefficients_dict().items()}


def members(formal: sp.Expr, named: Mapping[str, Group]) -> Group:
    """The group that a formal sum of members stands for."""
    return tuple(sorted(member for name, count in _counts(formal).items() for member in named[name] * count if count))


def on_groups(
    expression: sp.Expr, functions: Mapping[str, Callable[..., F]], named: Mapping[str, Group], **numbers: object
) -> F:
    """An expression in functions of groups, for members by their names and draws of LAW."""
    Mean, Draws = checking.statistics.Mean, part("ascent.groups").Draws

    def call(node: sp.Expr, values: Mapping[sp.Basic, F], named: Mapping[str, Group]) -> F:
        known = {symbol: sp.Rational(value) for symbol, value in values.items()}
        if isinstance(node, AppliedUndef):
            return functions[node.func.__name__](*(members(argument.xreplace(known), named) for argument in node.args))
        f = node.args[0].xreplace(known)
        sizes = {int(draws.args[0]) for draws in f.atoms(Draws)} or {0}
        total, (size,) = F(0), sizes
        for drawn in itertools.product(zip(VALUES, LAW, strict=True), repeat=size + 1):
            chance, group = math.prod(weight for _, weight in drawn), tuple(value for value, _ in drawn)
            draws = {f"Draws({size})": group[:size], "y_0": group[size:]}
            total += chance * valued(f, {**named, **draws})
        return total

    def valued(f: sp.Expr, named: Mapping[str, Group]) -> F:
        return value_of(f, {}, lambda node, values: call(node, values, named), (AppliedUndef, Mean))

    return valued(at(expression, **numbers), named)


def groups(size: int) -> list[Group]:
    return list(itertools.combinations_with_replacement(VALUES, size))


def corners(others: Group = (), **values: F) -> dict[str, Group]:
    return {"w": others} | {name: (value,) for name, value in values.items()}


def update(name: str, values: Sequence[F], law: Sequence[F], size: int) -> list[F]:
    """What each value but the last is given more than that, on average: of E[g] of a bandit."""
    mean = mx.exact_moments(mx.problems.Bandit(law, values), mx.estimators.get(name), size).mean
    of_value = [g / chance for g, chance in zip(mean, law, strict=True)]
    return [more - of_value[-1] for more in of_value[:-1]]


def in_weights(name: str, values: Sequence[F], weights: Sequence[sp.Symbol]) -> list[sp.Expr]:
    """The update in groups of two as polynomials in the weights of all values but the last."""
    a, last = advantage(name), values[-1]
    law = [*weights, 1 - sum(weights)]

    def mean(own: F) -> sp.Expr:
        return sum(chance * sp.Rational(a((own,), (own, l))) for chance, l in zip(law, values, strict=True))

    return [mean(own) - mean(last) for own in values[:-1]]


def known(expression: sp.Expr, functions: Mapping[str, sp.Expr], **numbers: object) -> F:
    """An expression with functions of weights, its derivatives worked out, at a law."""
    named = {node: functions[node.func.__name__] for node in expression.atoms(AppliedUndef)}
    return fraction(at(expression.subs(named).doit(), **numbers))
