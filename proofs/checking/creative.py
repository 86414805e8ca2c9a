"""Creative telescoping with two coefficients, for sums and integrals, and what brings statements into its form."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from .claim import Refuted, Rule, eq
from .domain import Domain
from .identities import require_continuous, require_equal, sides, single, slope


def require_bound(symbols: set[sp.Symbol], domain: Domain) -> None:
    """Raise Refuted if the domain knows something of a symbol that is bound by a sum or integral."""
    known = symbols & {symbol for constraint in domain.constraints for symbol in constraint.free_symbols}
    if known:
        raise Refuted(f"{known} means two things")


class _ByRecurrence(Rule):
    """What sums and integrals share: recurrence of the value, start, and that induction reaches all of the domain."""

    on: sp.Symbol
    start: sp.Expr
    base: Rule
    ahead: sp.Expr
    behind: sp.Expr

    def _difference(self, term: sp.Expr) -> sp.Expr:
        return self.ahead * term.subs(self.on, self.on + 1) - self.behind * term

    def _following(self, domain: Domain) -> Domain:
        """Where both n and n + 1 are in the domain."""
        return domain.given(*(c for c in (c.subs(self.on, self.on + 1) for c in domain.constraints) if c != sp.true))

    def _conclude(self, relation: Relational, ends: sp.Expr, value: sp.Expr, domain: Domain) -> None:
        n = self.on
        if (
            not n.is_integer
            or not self.start.is_integer
            or not domain.nonnegative(n - self.start)
            or not domain.reaches(n, self.start)
        ):
            raise Refuted(f"induction on {n} from {self.start} does not reach all of the domain")
        following = self._following(domain)
        require_equal(self._difference(value), ends, following, "the value does not satisfy the recurrence")
        if not following.nonzero(self.ahead):
            raise Refuted(f"{self.ahead} may be zero")
        self.base.check(eq(*(side.subs(n, self.start) for side in relation.args)), domain.at(n, self.start))


@dataclass(frozen=True)
class SumRecurrence(_ByRecurrence):
    """Sum_{k=a}^{b} F(n, k) = value(n) for all n >= start, by induction on n.

    Certified by G(n, k) with  ahead(n) F(n+1, k) - behind(n) F(n, k) = G(n, k+1) - G(n, k)  for a <= k <= b(n+1).
    Summed over k, that gives the sum at n + 1 from that at n, for ahead is not zero; behind may be. Where b grows
    with n, F(n, k) must vanish for b(n) < k <= b(n+1).
    """

    on: sp.Symbol
    start: sp.Expr
    base: Rule
    certificate_term: sp.Expr
    ahead: sp.Expr
    behind: sp.Expr

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check the certificate, the ends, the recurrence of the value, and the start."""
        n, (total, value) = self.on, sides(relation)
        term, (k, low, high) = single(total, sp.Sum, domain)
        require_bound({k}, domain)
        later, G = high.subs(n, n + 1), self.certificate_term
        growth = sp.expand(later - high)
        if low.has(n) or not (growth.is_Integer and growth >= 0):
            raise Refuted(f"the range {low}..{high} must begin at a constant and not shrink with {n}")
        following = self._following(domain)
        if not domain.nonnegative(high - low):
            raise Refuted(f"the range {low}..{high} may be empty")
        inside = following.given(sp.Ge(k, low), sp.Le(k, later))
        require_equal(self._difference(term), G.subs(k, k + 1) - G, inside, "the certificate does not telescope")
        for i in range(1, int(growth) + 1):
            require_equal(term.subs(k, high + i), sp.S.Zero, following, "the term does not vanish beyond its range")
        self._conclude(relation, G.subs(k, later + 1) - G.subs(k, low), value, domain)


@dataclass(frozen=True)
class IntegralRecurrence(_ByRecurrence):
    """Int_a^b f(n, t) dt = value(n) for all n >= start, by induction on n.

    Certified by G(n, t), continuous on a..b, with  ahead(n) f(n+1, t) - behind(n) f(n, t) = dG/dt  for a < t < b.
    """

    on: sp.Symbol
    start: sp.Expr
    base: Rule
    certificate_term: sp.Expr
    ahead: sp.Expr
    behind: sp.Expr

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check the certificate, the recurrence of the value, and the start."""
        n, (total, value) = self.on, sides(relation)
        f, (t, low, high) = single(total, sp.Integral, domain)
        require_bound({t}, domain)
        following, G = self._following(domain), self.certificate_term
        if low.has(n) or high.has(n) or not domain.nonnegative(high - low):
            raise Refuted(f"the range {low}..{high} depends on {n}, or may run backwards")
        inside = following.given(sp.Gt(t, low), sp.Lt(t, high))
        require_continuous(G, following.given(sp.Ge(t, low), sp.Le(t, high)))
        require_equal(self._difference(f), slope(G, t), inside, "the certificate's derivative is wrong")
        self._conclude(relation, G.subs(t, high) - G.subs(t, low), value, domain)


@dataclass(frozen=True)
class Reversed(Rule):
    """The sum on the left, read from its last term to its first."""

    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Read backwards and apply the rule."""
        total, value = sides(relation)
        term, (k, low, high) = single(total, sp.Sum, domain)
        backwards = term.subs(k, low + high - k).replace(_is_sign, lambda sign: (-1) ** _up(sign.exp))
        self.then.check(eq(sp.Sum(backwards, (k, low, high)), value), domain)


def _is_sign(node: sp.Basic) -> bool:
    return isinstance(node, sp.Pow) and node.base == -1 and node.exp.is_integer


def _up(exponent: sp.Expr) -> sp.Expr:
    """An exponent of -1 with the same parity and no minus signs."""
    terms = (term.as_coeff_Mul() for term in sp.Add.make_args(sp.expand(exponent)))
    return sp.Add(*(abs(coefficient) * rest if rest.is_integer else coefficient * rest for coefficient, rest in terms))


@dataclass(frozen=True)
class Inside(Rule):
    """A part of the relation has a value, by a rule of its own; with that in its place, another rule applies."""

    part: sp.Expr
    value: sp.Expr
    by: Rule
    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check the value of the part for all indices of the sums around it, then the rest."""
        if not relation.has(self.part):
            raise Refuted(f"{self.part} is no part of {relation}")
        inner = {x for total in self.part.atoms(sp.Sum, sp.Integral) for x in total.bound_symbols}
        require_bound({x for total in relation.atoms(sp.Sum, sp.Integral) for x in total.bound_symbols} - inner, domain)
        around = [total for total in relation.atoms(sp.Sum) if total.has(self.part) and total != self.part]
        for total in around or [None]:
            ranges = (
                []
                if total is None
                else [bound for k, low, high in total.limits for bound in (sp.Ge(k, low), sp.Le(k, high))]
            )
            self.by.check(eq(self.part, self.value), domain.given(*ranges))
        self.then.check(relation.xreplace({self.part: self.value}), domain)
