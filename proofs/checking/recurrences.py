"""Sums and integrals with a parameter, by creative telescoping: the certificate gives a recurrence in the parameter."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from .calculus import WrittenOut
from .claim import Refuted, Rule, eq
from .domain import Domain
from .identities import Algebra, require_continuous, require_equal, sides, single, slope

WRITTEN_OUT = WrittenOut(Algebra())


class _ByRecurrence(Rule):
    """What sums and integrals share: recurrence of the value, start, and that induction reaches all of the domain."""

    on: sp.Symbol
    start: sp.Expr
    certificate_term: sp.Expr
    ahead: sp.Expr
    behind: sp.Expr
    base: Rule

    def _difference(self, term: sp.Expr) -> sp.Expr:
        return self.ahead * term.subs(self.on, self.on + 1) - self.behind * term

    def _following(self, domain: Domain) -> Domain:
        """Where both n and n + 1 are in the domain."""
        return domain.given(*(c.subs(self.on, self.on + 1) for c in domain.constraints))

    def _conclude(self, relation: Relational, ends: sp.Expr, value: sp.Expr, domain: Domain) -> None:
        n, start = self.on, sp.sympify(self.start)
        if not (n.is_integer and start.is_integer and domain.nonnegative(n - start) and domain.reaches(n, start)):
            raise Refuted(f"induction on {n} from {start} does not reach all of the domain")
        following = self._following(domain)
        require_equal(self._difference(value), ends, following, "the value does not satisfy the recurrence")
        if not following.nonzero(self.ahead):
            raise Refuted(f"{self.ahead} may be zero")
        self.base.check(eq(*(side.subs(n, start) for side in relation.args)), domain.at(n, start))


@dataclass(frozen=True)
class Recurrence(_ByRecurrence):
    """Sum_{k=a}^{b} F(n, k) = value(n) for all n >= start, by induction on n.

    Certified by G(n, k) with  ahead(n) F(n+1, k) - behind(n) F(n, k) = G(n, k+1) - G(n, k)  for a <= k <= b(n+1).
    Summed over k, that gives the sum at n + 1 from that at n, for ahead is not zero; behind may be. Where b grows
    with n, F(n, k) must vanish for b(n) < k <= b(n+1).
    """

    on: sp.Symbol
    start: sp.Expr
    certificate_term: sp.Expr
    ahead: sp.Expr = sp.S.One
    behind: sp.Expr = sp.S.One
    base: Rule = WRITTEN_OUT

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check the certificate, the ends, the recurrence of the value, and the start."""
        n, (total, value) = self.on, sides(relation)
        term, (k, low, high) = single(total, sp.Sum, domain)
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
    certificate_term: sp.Expr
    ahead: sp.Expr = sp.S.One
    behind: sp.Expr = sp.S.One
    base: Rule = WRITTEN_OUT

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check the certificate, the recurrence of the value, and the start."""
        n, (total, value) = self.on, sides(relation)
        f, (t, low, high) = single(total, sp.Integral, domain)
        following, G = self._following(domain), self.certificate_term
        if low.has(n) or high.has(n) or not domain.nonnegative(high - low):
            raise Refuted(f"the range {low}..{high} depends on {n}, or may run backwards")
        inside = following.given(sp.Gt(t, low), sp.Lt(t, high))
        require_continuous(G, following.given(sp.Ge(t, low), sp.Le(t, high)))
        require_equal(self._difference(f), slope(G, t), inside, "the certificate's derivative is wrong")
        self._conclude(relation, G.subs(t, high) - G.subs(t, low), value, domain)
