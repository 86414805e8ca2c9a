"""Small changes of a relation, each of which its own check must notice."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp
from sympy.core.relational import Relational

from .statistics import SIZES


def perturbations(relation: Relational) -> list[Relational]:
    """The relation with one coefficient, exponent, bound or argument changed, each once.

    A number grows by one, as do the argument of a function, an exponent and a limit of a sum or integral; a term of
    a sum, and a side of the relation, doubles.
    """
    left, right = relation.args
    changed = [(new, right) for new in (*_changes(left), 2 * left)]
    changed += [(left, new) for new in (*_changes(right), 2 * right)]
    return [relation.func(*pair, evaluate=False) for pair in dict.fromkeys(changed) if pair != (left, right)]


def _changes(node: sp.Basic) -> Iterator[sp.Basic]:
    if node.is_Number:
        yield node + 1
    elif isinstance(node, sp.Add):
        yield from (node + term for term in node.args)
        yield from _changes_inside(node)
    elif isinstance(node, sp.Sum | sp.Integral):
        yield from (node.func(new, *node.limits) for new in _changes(node.function))
        for place, (variable, low, high) in enumerate(node.limits):
            for limits in ((low + 1, high), (low, high + 1)):
                yield node.func(node.function, *node.limits[:place], (variable, *limits), *node.limits[place + 1 :])
    elif isinstance(node, sp.Derivative):
        yield from (sp.Derivative(new, *node.variable_count) for new in _changes(node.expr))
        yield sp.Derivative(node, node.variable_count[0][0])
    elif isinstance(node, sp.Pow):
        yield node.base ** (node.exp + 1)
        yield from _changes_inside(node)
    elif isinstance(node, sp.Function):
        for place, argument in enumerate(node.args):
            if argument not in SIZES and not argument.is_Number:
                yield node.func(*node.args[:place], argument + 1, *node.args[place + 1 :])
        yield from _changes_inside(node)
    else:
        yield from _changes_inside(node)


def _changes_inside(node: sp.Basic) -> Iterator[sp.Basic]:
    for place, argument in enumerate(node.args):
        for new in _changes(argument):
            yield node.func(*node.args[:place], new, *node.args[place + 1 :])
