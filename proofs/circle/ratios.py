"""A rule for products: what is multiplied, from one integer to the next, by less is less."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from ..checking import Domain, Refuted, Rule, le
from ..checking.identities import require_equal


@dataclass(frozen=True)
class Ratios(Rule):
    """Both sides agree at the start of an integer, and one step multiplies each by its ratio, which compare as they do.

    By induction: from small <= large and 0 <= ratio of small <= ratio of large, with large >= 0, follows the same of
    the next. All integers between the start and x must belong to the domain.
    """

    on: sp.Symbol
    start: int
    of_smaller: sp.Expr
    of_larger: sp.Expr
    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check the start, that the ratios are the sides', their signs, and how they compare."""
        if not isinstance(relation, sp.Le | sp.Ge):
            raise Refuted(f"{relation} does not hold with equality at the start")
        x, start, small, large = self.on, sp.Integer(self.start), relation.lts, relation.gts
        if not (x.is_integer and domain.nonnegative(x - start) and domain.reaches(x, start)):
            raise Refuted(f"induction on {x} from {start} does not reach all of the domain")
        require_equal(small.subs(x, start), large.subs(x, start), domain.at(x, start), f"the sides at {x} = {start}")
        following = domain.given(*(c.subs(x, x + 1) for c in domain.constraints if c.has(x)))
        for side, ratio in ((small, self.of_smaller), (large, self.of_larger)):
            require_equal(side.subs(x, x + 1), ratio * side, following, f"the ratio of {side}")
        if not following.nonnegative(self.of_smaller) or not domain.nonnegative(large):
            raise Refuted(f"the sign of {self.of_smaller} or of {large} is not plain")
        self.then.check(le(self.of_smaller, self.of_larger), following)
