"""Rules for equations."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from .algebra import equal
from .claim import Refuted, Rule, eq
from .domain import Domain

GROUP = sp.Symbol("group")  # all rollouts, as the members of a statistic: it depends on their likelihoods unnamed


class _Power(sp.Function):
    """A power whose derivative is e b^(e-1), not e b^e / b: it is finite where b is zero."""

    nargs = 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        base, exponent = self.args
        return exponent * _Power(base, exponent - 1) if argindex == 1 else sp.log(base) * self


def slope(expression: sp.Expr, x: sp.Symbol) -> sp.Expr:
    """The derivative by x."""
    powers = expression.replace(
        lambda node: isinstance(node, sp.Pow) and not node.exp.is_number, lambda node: _Power(*node.args)
    )
    return sp.diff(powers, x).replace(_Power, lambda base, exponent: base**exponent)


def sides(relation: Relational) -> tuple[sp.Expr, sp.Expr]:
    """Both sides of an equation, derivatives worked out."""
    if not isinstance(relation, sp.Eq):
        raise Refuted(f"{relation} is no equation")
    left, right = (differentiated(side) for side in relation.args)
    return left, right


def differentiated(expression: sp.Expr) -> sp.Expr:
    """The expression with every derivative worked out; sums and integrals stay."""

    def derivative(node: sp.Derivative) -> sp.Expr:
        if not all(times.is_Integer for _, times in node.variable_count):
            raise Refuted(f"{node} is of no fixed order")
        if node.expr.has(GROUP):
            raise Refuted(f"{node} is of a statistic from which no rollout is split off")
        result = node.expr
        for x, times in node.variable_count:
            for _ in range(times):
                result = slope(result, x)
        return result

    return expression.replace(lambda node: isinstance(node, sp.Derivative), derivative)


def single(
    expression: sp.Expr, kind: type[sp.Sum] | type[sp.Integral], domain: Domain
) -> tuple[sp.Expr, tuple[sp.Symbol, sp.Expr, sp.Expr]]:
    """Term and limits of a constant times one sum or integral; the domain must know nothing of its variable."""
    factors = sp.Mul.make_args(expression)
    totals = [factor for factor in factors if isinstance(factor, kind)]
    if len(totals) != 1 or len(totals[0].limits) != 1 or len(totals[0].limits[0]) != 3:
        raise Refuted(f"{expression} is no single {kind.__name__.lower()}")
    rest = sp.Mul(*(factor for factor in factors if factor is not totals[0]))
    variable, low, high = totals[0].limits[0]
    if rest.has(variable) or any(constraint.has(variable) for constraint in domain.constraints):
        raise Refuted(f"{variable} means two things")
    return rest * totals[0].function, (variable, low, high)


class Unequal(Refuted):
    """Two sides that differ, written out only where someone reads it: that takes as long as to compare them."""

    def __str__(self) -> str:
        what, left, right = self.args
        return f"{what}: {left} is not {right}"


def require_equal(left: sp.Expr, right: sp.Expr, domain: Domain, what: str) -> None:
    """Raise Refuted, saying what failed, unless both agree on the domain."""
    if not equal(left, right, domain):
        raise Unequal(what, left, right)


@dataclass(frozen=True)
class Algebra(Rule):
    """Both sides have the same normal form: rational functions of the atoms, see `algebra`."""

    def check(self, relation: Relational, domain: Domain) -> None:
        """Compare normal forms."""
        require_equal(*sides(relation), domain, "the two sides differ")


@dataclass(frozen=True)
class Via(Rule):
    """Both sides equal a third expression, each by a rule of its own."""

    middle: sp.Expr
    left: Rule
    right: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check left = middle and right = middle."""
        left, right = sides(relation)
        self.left.check(eq(left, self.middle), domain)
        self.right.check(eq(right, self.middle), domain)


@dataclass(frozen=True)
class Telescoping(Rule):
    """Sum_{k=a}^{b} t_k = value, for t hypergeometric in k, certified by a rational function U of k.

    Partial sums are U(k) t_k + constant. In multiplied form, in which no t_k is divided by, that is
    (U(k+1) - 1) t_{k+1} = U(k) t_k for a <= k < b, and the sum is U(b) t_b + (1 - U(a)) t_a. No term outside a..b
    is used. U must be finite on a..b.
    """

    partial: sp.Expr

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check the recurrence, then the endpoints."""
        total, value = sides(relation)
        term, (k, low, high) = single(total, sp.Sum, domain)
        if not domain.nonnegative(high - low):
            raise Refuted(f"the range {low}..{high} may be empty")
        if not self.partial.is_rational_function():
            raise Refuted(f"{self.partial} is no rational function")
        _require_finite(self.partial, domain.given(sp.Ge(k, low), sp.Le(k, high)))
        following, partial = term.subs(k, k + 1), self.partial
        require_equal(
            (partial.subs(k, k + 1) - 1) * following,
            partial * term,
            domain.given(sp.Ge(k, low), sp.Le(k, high - 1)),
            "partial sums do not telescope",
        )
        first, last = term.subs(k, low), term.subs(k, high)
        closed = partial.subs(k, high) * last + (1 - partial.subs(k, low)) * first
        require_equal(value, closed, domain, "the endpoints do not give the value")


@dataclass(frozen=True)
class Induction(Rule):
    """Sum_{k=a}^{n} t_k = value(n) for n >= a, where t does not depend on n: by induction on n.

    Checks value(a) = t_a and value(n) - value(n-1) = t_n for n > a.
    """

    on: sp.Symbol

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check the base and the step."""
        total, value = sides(relation)
        term, (k, low, high) = single(total, sp.Sum, domain)
        if term.has(self.on) or sp.diff(high, self.on) != 1:
            raise Refuted(f"the term or the range does not suit induction on {self.on}")
        base = sp.expand(self.on - (high - low))  # where high is low, for high grows as n does
        if (
            base.has(self.on)
            or not (self.on.is_integer and base.is_integer)
            or not domain.nonnegative(self.on - base)
            or not domain.reaches(self.on, base)
        ):
            raise Refuted(f"induction on {self.on} from {base} does not reach all of the domain")
        require_equal(value.subs(self.on, base), term.subs(k, low), domain.at(self.on, base), "the base fails")
        step = value - value.subs(self.on, self.on - 1)
        require_equal(step, term.subs(k, high), domain.given(sp.Ge(self.on, base + 1)), "the step fails")


@dataclass(frozen=True)
class Antiderivative(Rule):
    """Int_a^b f dt = F(b) - F(a), for a <= b, certified by F, continuous on a..b, with F' = f between."""

    of: sp.Expr

    def check(self, relation: Relational, domain: Domain) -> None:
        """Differentiate the certificate, then compare the endpoints."""
        total, value = sides(relation)
        f, (t, low, high) = single(total, sp.Integral, domain)
        if not domain.nonnegative(high - low):
            raise Refuted(f"the range {low}..{high} may run backwards")
        require_continuous(self.of, domain.given(sp.Ge(t, low), sp.Le(t, high)))
        inside = domain.given(sp.Gt(t, low), sp.Lt(t, high))
        require_equal(slope(self.of, t), f, inside, "the antiderivative's derivative is wrong")
        difference = self.of.subs(t, high) - self.of.subs(t, low)
        require_equal(difference, value, domain, "the endpoints do not give the value")


def _require_finite(expression: sp.Expr, domain: Domain) -> None:
    for node in expression.atoms(sp.Pow):
        base, exponent = node.as_base_exp()
        if not domain.nonnegative(exponent) and not domain.nonzero(base):
            raise Refuted(f"{expression} may be infinite")
    for node in expression.atoms(sp.log):
        if not domain.positive(node.args[0]):
            raise Refuted(f"{expression} may be infinite")


def require_continuous(expression: sp.Expr, domain: Domain) -> None:
    """Raise Refuted unless the expression is built of continuous functions and has no poles."""
    _require_finite(expression, domain)
    for node in sp.preorder_traversal(expression):
        constant = node.is_Atom or all(symbol.is_integer for symbol in node.free_symbols)
        if not constant and not isinstance(node, sp.Add | sp.Mul | sp.Pow | sp.exp | sp.log):
            raise Refuted(f"nothing is known of {node}")
