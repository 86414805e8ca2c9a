"""Products of two statistics of the same rollouts, by the members that their subsets share."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from ..checking.claim import Refuted, Rule
from ..checking.domain import Domain
from ..checking.identities import require_equal, single
from ..checking.statistics import GROUP, E, Mean, N, m_ll, p

q_mean, q_square = 1 - p, 1 - 2 * p + m_ll  # E q and E q^2, for q = 1 - l


@dataclass(frozen=True)
class Shared(Rule):
    """E[E_k(q) E_m(q)] = Sum_{h=0}^{k} term, for k <= m: by induction on N.

    With U_N(k, m) = C(N,k) C(N,m) E[E_k E_m], the mean of a product of elementary symmetric polynomials, one more
    value q gives e_k + q e_{k-1} for e_k and hence

        U_{N+1}(k, m) = U_N(k, m) + E[q] (U_N(k-1, m) + U_N(k, m-1)) + E[q^2] U_N(k-1, m-1),

    U_0(k, m) = 1 at k = m = 0 and else 0. Sum_h pairs(N, k, m, h) E[q]^(k+m-2h) E[q^2]^h, over all integers h, is that
    if pairs satisfies the same recurrence, where the last has h - 1 in the place of h, and starts so.
    """

    k: sp.Symbol
    m: sp.Symbol
    pairs: sp.Expr  # of a k-subset and an m-subset that share h members: how many there are

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check the terms, where they vanish, the recurrence and the start."""
        k, m, pairs = self.k, self.m, self.pairs
        if not isinstance(relation, sp.Eq) or relation.lhs != Mean(E(k, GROUP) * E(m, GROUP)):
            raise Refuted(f"{relation} is not about E_{k} E_{m}")
        term, (h, low, high) = single(relation.rhs, sp.Sum, domain)
        if (low, high) != (0, k):
            raise Refuted(f"a {k}-subset and a larger one do not share just {low}..{high} members")
        if len({k, m, h, N}) < 4 or not all(symbol.is_Symbol and symbol.is_integer for symbol in (k, m, h)):
            raise Refuted(f"{k}, {m}, {h} and {N} are not four integers")
        if not all(domain.nonnegative(x) for x in (k, m - k, N - m)):
            raise Refuted(f"{k} <= {m} <= {N} does not hold")
        total = term * sp.binomial(N, k) * sp.binomial(N, m)
        powers = q_mean ** (k + m - 2 * h) * q_square**h
        require_equal(total, pairs * powers, domain.given(sp.Ge(h, 0), sp.Le(h, k)), "the terms do not count the pairs")

        everywhere = Domain(sp.Ge(N, 0))
        empty = {"h < 0": h + 1, "h > k": k - h + 1, "h > m": m - h + 1, "h < k + m - N": N - k - m + h + 1}
        for where, negative in empty.items():
            require_equal(pairs, sp.S.Zero, everywhere.given(sp.Le(negative, 0)), f"there are pairs with {where}")
        before = pairs + pairs.subs(k, k - 1) + pairs.subs(m, m - 1) + pairs.subs({k: k - 1, m: m - 1, h: h - 1})
        require_equal(pairs.subs(N, N + 1), before, everywhere, "one more rollout does not give that many pairs")
        # without rollouts only h = k = m = 0 is left of the cases above
        require_equal(pairs.subs({N: 0, k: 0, m: 0, h: 0}), sp.S.One, Domain(), "there is no empty pair")
