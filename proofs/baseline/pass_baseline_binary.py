"""From RLOO to MaxRL by the order alone: on 0/1 rewards the pass@(N-1) baseline gives MaxRL as trainers ship it.

At T = 1 the weight is 1 and 1 - E_1 the mean of the others: RLOO, for any likelihood. At T = N - 1 the others are one
subset, so their pass@T is 1 unless all of them fail.
"""

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from ..checking import Algebra, Claim, Domain, Refuted, Rule, Step, Telescoping, eq
from ..checking.rewards import K
from ..checking.statistics import N

k, T = sp.symbols("k T", integer=True)
weight = N / K * (1 - sp.binomial(N - K, N - 1) / sp.binomial(N, N - 1))  # of a success
missed_by_others = sp.binomial(N - K, N - 1)  # E_{N-1} of the others of a success
missed_without = sp.binomial(N - 1 - K, N - 1)  # and of a failure


@dataclass(frozen=True)
class FirstApart(Rule):
    """The case x = 0 is checked by itself, with Kronecker's delta(x, 0) = 1; in the cases x = 1, 2, ... that is 0."""

    on: sp.Symbol
    first: Rule
    later: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check x = 0, then x >= 1."""
        if not self.on.is_integer or not domain.nonnegative(self.on):
            raise Refuted(f"{self.on} is not 0, 1, ...")
        delta = sp.KroneckerDelta(self.on, 0)
        first, later = ([side.xreplace({delta: x}) for side in relation.args] for x in (sp.S.One, sp.S.Zero))
        at_zero = relation.func(*(side.subs(self.on, 0) for side in first), evaluate=False)
        self.first.check(at_zero, domain.at(self.on, sp.S.Zero))
        self.later.check(relation.func(*later, evaluate=False), domain.given(sp.Ge(self.on, 1)))


CLAIM = Claim(
    id="pass-baseline-binary",
    says="At T = N - 1 omega_i l_i less the others' pass@T is N/K - 1 for a success, -1 for a failure, and 0 if K = 0",
    domain=Domain(sp.Ge(N, 2), sp.Ge(K, 1), sp.Le(K, N)),
    steps=(
        Step(
            "a success: its weight less the others' pass@T",
            eq(weight - (1 - missed_by_others), N / K - 1),
            Algebra(),
        ),
        Step(
            "a failure has minus the others' pass@T: -1, but 0 where nobody succeeds",
            eq(missed_without - 1, sp.KroneckerDelta(K, 0) - 1),
            FirstApart(K, Algebra(), Algebra()),
            Domain(sp.Ge(N, 2), sp.Ge(K, 0), sp.Le(K, N - 1)),
        ),
        Step(
            "the weight of a success at any order",
            eq(
                sp.Sum(sp.binomial(N - K, k) / sp.binomial(N - 1, k), (k, 0, T - 1)),
                N / K * (1 - sp.binomial(N - K, T) / sp.binomial(N, T)),
            ),
            Telescoping(-(N - K - k) / K),
            Domain(sp.Ge(K, 1), sp.Le(K, N), sp.Ge(T, 1), sp.Le(T, N)),
        ),
    ),
    sibling=eq(N / K - (1 - missed_by_others), N / K - 1),
)
