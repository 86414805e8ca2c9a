"""Numeric bridges: for every claim of the ledger, a function that compares it with what the package computes.

A bridge has the claim's id with underscores for a name, takes the claim, and asserts. It evaluates the claim's own
relations, with exact rationals where the package accepts them. Without assertions it would say nothing, so this
package is not imported under ``python -O``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from fractions import Fraction

import sympy as sp
from sympy.core.function import AppliedUndef

from maxrl_est.selftest.prove import checking

if not __debug__:
    raise ImportError("bridges are assertions, which python -O and PYTHONOPTIMIZE leave out: run without them")

GROUP = (Fraction(1, 2), Fraction(1, 3), Fraction(0), Fraction(1), Fraction(4, 5))  # likelihoods of all kinds


Call = Callable[[sp.Expr, Mapping[sp.Basic, Fraction]], Fraction]  # of a function, where its symbols have these values


def fraction(number: sp.Expr) -> Fraction:
    """A rational number of sympy's as a Fraction."""
    number = sp.sympify(number)
    return value_of(sp.nsimplify(number) if number.is_Float else number, {})


def value_of(
    node: sp.Expr, values: Mapping[sp.Basic, Fraction], call: Call | None = None, of: tuple[type, ...] = ()
) -> Fraction:
    """The value of an expression, with values for its symbols, and a call for what is of these types.

    By arithmetic of Fractions, which takes a tenth of the time that sympy's does; sympy works out what is not known
    here, such as integrals.
    """
    if node in values:
        return values[node]
    if node.is_Rational:
        return Fraction(int(node.p), int(node.q))
    if isinstance(node, of):
        assert call is not None
        return call(node, values)
    if isinstance(node, sp.Sum):
        (k, *ends), *more = reversed(node.limits)
        low, high = (value_of(end, values, call, of) for end in ends)
        assert low.denominator == high.denominator == 1
        if high >= low - 1:
            inner = node.func(node.function, *reversed(more)) if more else node.function
            terms = range(int(low), int(high) + 1)
            return sum((value_of(inner, {**values, k: Fraction(i)}, call, of) for i in terms), Fraction(0))
    elif isinstance(node, sp.Add | sp.Mul | sp.Pow | sp.binomial | sp.factorial):
        known = [value_of(part, values, call, of) for part in node.args]
        if isinstance(node, sp.Add):
            return sum(known, Fraction(0))
        if isinstance(node, sp.Mul):
            return math.prod(known, start=Fraction(1))
        whole = all(x.denominator == 1 for x in known)
        if isinstance(node, sp.factorial) and whole and known[0] >= 0:
            return Fraction(math.factorial(int(known[0])))
        if isinstance(node, sp.binomial) and whole and min(known) >= 0:
            return Fraction(math.comb(*map(int, known)))
        if isinstance(node, sp.Pow) and known[1].denominator == 1 and (known[0] or known[1] >= 0):
            return known[0] ** int(known[1])
    number = worked_out(node.subs({symbol: sp.Rational(value) for symbol, value in values.items()}))
    if not number.is_Rational:
        assert number != node, number
        assert number.has(*of), number  # a derivative, say, of what is to be called
        return value_of(number, {}, call, of)
    return Fraction(int(number.p), int(number.q))


def by_name(functions: Mapping[str, Callable[[int], object]]) -> Call:
    """The call of functions of an integer, given by their names."""

    def call(node: sp.Expr, values: Mapping[sp.Basic, Fraction]) -> Fraction:
        return Fraction(functions[node.func.__name__](int(value_of(node.args[0], values))))  # type: ignore[arg-type]

    return call


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
    return value_of(sp.sympify(expression), {symbol: Fraction(value) for symbol, value in values.items()})  # type: ignore[arg-type]


def evaluate_on(
    expression: sp.Expr,
    group: tuple[Fraction, ...],
    i: int,
    values: Mapping[sp.Symbol, object],
    functions: Mapping[str, Callable[[int], object]] | None = None,
) -> Fraction:
    """An expression with statistics of a group and its rollout i, by the definition of each statistic."""
    statistics, named = checking.statistics, by_name(functions or {})
    members = {statistics.GROUP: group, statistics.OTHERS: group[:i] + group[i + 1 :]}

    def number(node: sp.Expr, at: Mapping[sp.Basic, Fraction]) -> Fraction:
        if isinstance(node, AppliedUndef):
            return named(node, at)
        failures = [1 - value for value in members[node.args[1]]]
        subsets = list(itertools.combinations(failures, int(value_of(node.args[0], at))))
        return sum(map(math.prod, subsets), Fraction(0)) / len(subsets)

    def survival(t: sp.Expr, of: sp.Symbol) -> sp.Expr:  # written out, since t may be what is integrated over
        return sp.Mul(*(1 - t * sp.Rational(value) for value in members[of]))

    fixed = {statistics.N: len(group), statistics.l_i: group[i]} | dict(values)
    numbers = {symbol: Fraction(value) for symbol, value in fixed.items()}  # type: ignore[arg-type]
    return value_of(
        sp.sympify(expression).replace(statistics.Survival, survival), numbers, number, (statistics.E, AppliedUndef)
    )
