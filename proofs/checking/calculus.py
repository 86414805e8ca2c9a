"""Rules that go from one point to the next: by slopes, by steps of an integer, by orders of derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from .algebra import equal
from .claim import Refuted, Rule, eq, le
from .domain import Domain
from .identities import Algebra, slope

TERMS = 64  # sums of more are not written out


def worked_out(expression: sp.Expr) -> sp.Expr:
    """The expression with derivatives, values at points and sums of a fixed number of terms worked out."""

    def derivative(node: sp.Derivative) -> sp.Expr:
        result = node.expr
        for x, times in node.variable_count:
            if not times.is_Integer:
                raise Refuted(f"{node} is of no fixed order")
            for _ in range(times):
                result = slope(result, x)
        return result

    def total(node: sp.Sum | sp.Integral) -> sp.Expr:
        x, low, high = node.limits[0]
        length = sp.expand(high - low)
        if len(node.limits) > 1 or not length.is_Integer or length >= TERMS:
            return node
        if isinstance(node, sp.Integral):
            return node if length else sp.S.Zero
        if length < -1:
            raise Refuted(f"{node} runs backwards")
        return sp.Add(*(node.function.subs(x, low + i) for i in range(length + 1)))

    def value(node: sp.Subs) -> sp.Expr:
        if not all(point.is_number for point in node.point):
            raise Refuted(f"{node} is not at fixed points")
        return node.expr.subs(list(zip(node.variables, node.point, strict=True)))

    expression = expression.replace(lambda node: isinstance(node, sp.Derivative), derivative)
    expression = expression.replace(lambda node: isinstance(node, sp.Subs), value)
    return expression.replace(lambda node: isinstance(node, sp.Sum | sp.Integral), total)


@dataclass(frozen=True)
class WrittenOut(Rule):
    """Values at points and sums of a fixed number of terms are worked out; then the rule is applied."""

    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Work out both sides, and apply the rule."""
        self.then.check(relation.func(*map(worked_out, relation.args), evaluate=False), domain)


@dataclass(frozen=True)
class Slopes(Rule):
    """Both sides agree at the start, and from there their slopes compare as they do, by another rule.

    The slope is the derivative or, for an integer, the step from x to x + 1: then this is induction. All points between
    the start and x must belong to the domain, and both sides must be smooth on it.
    """

    on: sp.Symbol
    start: sp.Expr
    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check the start, the way from there to x, and the slopes."""
        if not isinstance(relation, sp.Eq | sp.Le | sp.Ge):
            raise Refuted(f"{relation} is strict: it fails at the start")
        x, start = self.on, sp.sympify(self.start)
        _require_way(x, start, domain)
        left, right = map(worked_out, (relation.lhs, relation.rhs))
        at_start = (worked_out(side.subs(x, start)) for side in (left, right))
        if not equal(*at_start, domain.at(x, start)):
            raise Refuted(f"the sides differ at {x} = {start}")
        for side in (left, right):
            _require_smooth(side, sp.Dummy() if x.is_integer else x, domain)
        if x.is_integer:
            domain = domain.given(*(c.subs(x, x + 1) for c in domain.constraints if c.has(x)))
            slopes = [side.subs(x, x + 1) - side for side in (left, right)]
        else:
            slopes = [slope(side, x) for side in (left, right)]
        if isinstance(relation, sp.Eq):
            self.then.check(eq(*slopes), domain)
            return
        if isinstance(relation, sp.Ge):
            slopes.reverse()
        if domain.nonnegative(start - x):
            slopes.reverse()
        elif not domain.nonnegative(x - start):
            raise Refuted(f"{x} may be on either side of {start}")
        self.then.check(le(*slopes), domain)


@dataclass(frozen=True)
class Orders(Rule):
    """d^k f / dx^k = value(k) for k >= start: it is so for the start, and the derivative of value(k) is value(k+1)."""

    on: sp.Symbol
    start: int

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check the first order, then the step to the next."""
        k, (left, value) = self.on, relation.args
        if not isinstance(relation, sp.Eq) or not isinstance(left, sp.Derivative) or left.variable_count[1:]:
            raise Refuted(f"{relation} is no equation for a derivative")
        (x, order), f = left.variable_count[0], left.expr
        if not order.has(k) or sp.diff(order, k) != 1 or f.has(k) or not domain.nonnegative(k - self.start):
            raise Refuted(f"{left} is not of order {k} >= {self.start}")
        if any(c.has(x) and not isinstance(c, sp.StrictGreaterThan | sp.StrictLessThan) for c in domain.constraints):
            raise Refuted(f"the domain is not open in {x}")
        _require_way(k, sp.sympify(self.start), domain)
        for side in (f, value):
            _require_smooth(side, x, domain)
        first = worked_out(sp.Derivative(f, (x, order.subs(k, self.start))))
        Algebra().check(eq(first, worked_out(value.subs(k, self.start))), domain.at(k, sp.sympify(self.start)))
        Algebra().check(eq(slope(value, x), value.subs(k, k + 1)), domain)


def _require_way(x: sp.Symbol, start: sp.Expr, domain: Domain) -> None:
    if start.has(x) or (x.is_integer and not start.is_integer) or not domain.reaches(x, start):
        raise Refuted(f"the domain does not reach from {start} to {x}")


def _require_smooth(expression: sp.Expr, x: sp.Symbol, domain: Domain) -> None:
    """Raise Refuted unless the expression, by its build, is finite and a differentiable function of x.

    Where x does not occur, what is neither power nor logarithm is taken to be finite: `algebra` looks at these.
    """
    parts = expression.args
    if isinstance(expression, sp.Sum | sp.Integral):
        (variable, low, high), *more = expression.limits
        integral = isinstance(expression, sp.Integral)
        runs = domain.nonnegative(high - low + (0 if integral else 1))
        if more or not runs or (not integral and (low.has(x) or high.has(x))):
            raise Refuted(f"{expression} may not be smooth in {x}")
        inside = domain.given(sp.Ge(variable, low), sp.Le(variable, high))
        _require_smooth(expression.function, x, inside)
        if integral:
            _require_smooth(expression.function, variable, inside)
        parts = (low, high)
    elif isinstance(expression, sp.Pow):
        base, exponent = parts
        power = exponent.is_integer and (domain.nonnegative(exponent) or domain.nonzero(base))
        if not domain.positive(base) and (exponent.has(x) or not power):
            raise Refuted(f"{expression} may not be smooth in {x}")
    elif isinstance(expression, sp.log):
        if not domain.positive(parts[0]):
            raise Refuted(f"{expression} may not be smooth in {x}")
    elif expression.has(x) and expression != x and not isinstance(expression, sp.Add | sp.Mul | sp.exp):
        raise Refuted(f"{expression} may not be smooth in {x}")
    for part in parts:
        _require_smooth(part, x, domain)


@dataclass(frozen=True)
class Times(Rule):
    """Both sides are multiplied by a positive factor; then the rule is applied."""

    factor: sp.Expr
    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check the factor's sign, multiply, and apply the rule."""
        if not domain.positive(self.factor):
            raise Refuted(f"{self.factor} may not be positive")
        self.then.check(relation.func(*(self.factor * side for side in relation.args), evaluate=False), domain)
