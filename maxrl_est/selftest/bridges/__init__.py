"""Numeric bridges: for every claim of the ledger, a function that compares it with what the package computes.

A bridge has the claim's id with underscores for a name, takes the claim, and asserts. It evaluates the claim's own
relations, with exact rationals where the package accepts them. Without assertions it would say nothing, so this
package is not imported under ``python -O``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from fractions import Fraction

import sympy as sp

from maxrl_est.selftest.prove import checking

if not __debug__:
    raise ImportError("bridges are assertions, which python -O and PYTHONOPTIMIZE leave out: run without them")

GROUP = (Fraction(1, 2), Fraction(1, 3), Fraction(0), Fraction(1), Fraction(4, 5))  # likelihoods of all kinds


def fraction(number: sp.Expr) -> Fraction:
    """A rational number of sympy's as a Fraction."""
    number = sp.nsimplify(number) if number.is_Float else worked_out(sp.sympify(number))
    assert number.is_Rational, number
    return Fraction(int(number.p), int(number.q))


def worked_out(expression: sp.Expr) -> sp.Expr:
    """An expression with its sums, integrals and derivatives worked out."""
    return written_out(expression).doit()


def written_out(expression: sp.Expr) -> sp.Expr:
    """Sums between numbers term by term, and integrals of polynomials: sympy would look for closed forms first."""
    return expression.replace(sp.Sum, _added).replace(sp.Integral, _integrated)


def _added(f: sp.Expr, *limits: sp.Tuple) -> sp.Expr:
    (k, low, high), *more = limits
    if more or not (low.is_Integer and high.is_Integer and high >= low):
        return sp.Sum(f, *limits)
    return sp.Add(*(f.subs(k, i).replace(sp.Sum, _added) for i in range(int(low), int(high) + 1)))


def _integrated(f: sp.Expr, *limits: sp.Tuple) -> sp.Expr:
    result = f
    for t, low, high in limits:
        if not result.is_polynomial(t):
            return sp.Integral(f, *limits)
        of = sp.Poly(result, t).integrate(t).as_expr()
        result = of.subs(t, high) - of.subs(t, low)
    return result


def evaluate(expression: sp.Expr, values: Mapping[sp.Symbol, object]) -> Fraction:
    """An expression without statistics, at rational values of its symbols."""
    numbers = {symbol: sp.Rational(Fraction(value)) for symbol, value in values.items()}  # type: ignore[arg-type]
    return fraction(worked_out(expression.subs(numbers)))


def evaluate_on(
    expression: sp.Expr, group: tuple[Fraction, ...], i: int, values: Mapping[sp.Symbol, object]
) -> Fraction:
    """An expression with statistics of a group and its rollout i, by the definition of each statistic."""
    statistics = checking.statistics
    members = {statistics.GROUP: group, statistics.OTHERS: group[:i] + group[i + 1 :]}

    def number(node: sp.Expr) -> sp.Expr:
        first, of = node.args
        chosen = [sp.Rational(value) for value in members[of]]
        if isinstance(node, statistics.Survival):
            return sp.Mul(*(1 - first * value for value in chosen))
        subsets = list(itertools.combinations([1 - value for value in chosen], int(first)))
        return sp.Rational(sum(map(math.prod, subsets)), len(subsets)) if len(subsets) else sp.nan

    fixed = {statistics.N: len(group), statistics.l_i: group[i]} | dict(values)
    numbers = {symbol: sp.Rational(Fraction(value)) for symbol, value in fixed.items()}  # type: ignore[arg-type]
    expression = written_out(expression.subs(numbers))
    return fraction(expression.replace(lambda node: isinstance(node, statistics.E | statistics.Survival), number))
