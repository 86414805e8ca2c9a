"""Equations between polynomials: to compare them on an interval is enough."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from .claim import Refuted, Rule
from .domain import Domain


@dataclass(frozen=True)
class Polynomial(Rule):
    """Both sides are polynomials in x: they agree everywhere if they do for 0 < x < 1, where the rule is applied.

    There x and 1 - x may be divided by. No exponent of a base that contains x may be negative.
    """

    on: sp.Symbol
    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Look at every power of x, then apply the rule between 0 and 1."""
        x = self.on
        if not isinstance(relation, sp.Eq) or any(constraint.has(x) for constraint in domain.constraints):
            raise Refuted(f"{relation} is no equation for all {x}")
        for side in relation.args:
            _require_polynomial(side, x, domain)
        self.then.check(relation, domain.given(sp.Gt(x, 0), sp.Lt(x, 1)))


def _require_polynomial(expression: sp.Expr, x: sp.Symbol, domain: Domain) -> None:
    if expression == x or not expression.has(x):
        return
    inside = list(expression.args)
    if isinstance(expression, sp.Pow):
        base, exponent = expression.args
        allowed = not exponent.has(x) and exponent.is_integer and domain.nonnegative(exponent)
        inside = [base]
    elif isinstance(expression, sp.Sum) and len(expression.limits) == 1:
        k, low, high = expression.limits[0]
        bound = sp.Dummy(k.name, integer=True)  # the domain may know of a symbol with the name of the bound one
        allowed = not (low.has(x) or high.has(x))
        inside = [expression.function.subs(k, bound)]
        domain = domain.given(sp.Ge(bound, low), sp.Le(bound, high))
    else:
        allowed = isinstance(expression, sp.Add | sp.Mul)
    if not allowed:
        raise Refuted(f"{expression} is no polynomial in {x}")
    for part in inside:
        _require_polynomial(part, x, domain)
