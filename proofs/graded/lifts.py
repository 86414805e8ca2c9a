"""Two ways to give a rule for 0/1 rewards to graded ones: reduced to 0/1 rewards, where its weight is known."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from ..checking.algebra import expand
from ..checking.claim import Refuted, Rule, eq
from ..checking.domain import Domain
from ..checking.identities import sides
from ..checking.rewards import Binary
from ..checking.statistics import GROUP, OTHERS, REST, E, Flips, M, Mean, N, S_j, grad, l_i, l_j, p, require_defined

tau = sp.Symbol("tau", real=True)
P, P_grad = sp.Function("P")(tau), sp.Function("G")(tau)  # P(l > tau), and its gradient as grad is that of p


class Levels(sp.Function):
    """The integral over levels tau from 0 to 1 of f(b_i, M), b_j = 1 where l_j > tau and else 0.

    f is written with l_i in the place of b_i, and M is the number of the others above the level.
    """

    nargs = 1

    def _latex(self, printer: sp.printing.latex.LatexPrinter, exp: str | None = None) -> str:
        inner = printer._print(self.args[0].subs(l_i, sp.Symbol("b_i")))
        return rf"\int_0^1 \left[{inner}\right]_{{b = 1[l > \tau]}} d\tau"


@dataclass(frozen=True)
class Rounded(Rule):
    """The mean of what 0/1 flips of the likelihoods give is what 0/1 rewards give, with the same p and grad p.

    Flips b_j ~ Bernoulli(l_j) of independent rollouts are independent, and 1 with chance E l = p. Given rollout i, the
    mean of b_i is l_i, so that E[b_i S_i] = E[l_i S_i] = grad p. `Binary` uses nothing else of a 0/1 reward.
    """

    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Take flips for rewards, and apply the rule for 0/1 rewards."""
        rewards = relation.func(*(_without(Flips, side) for side in relation.args), evaluate=False)
        Binary(self.then).check(rewards, domain)


@dataclass(frozen=True)
class AtEachLevel(Rule):
    """The mean of an integral over levels is the integral of the mean at each, which is that of 0/1 rewards.

    Whether l_j > tau is a 0/1 reward, with the pass rate P(tau) and its gradient. The right side is an integral over
    levels too: it is enough that both agree at each, whatever P and its gradient are there.
    """

    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Compare at one level, by the rule for 0/1 rewards."""
        left, right = sides(relation)
        if not isinstance(left, Mean) or not isinstance(right, sp.Integral) or right.limits != (sp.Tuple(tau, 0, 1),):
            raise Refuted(f"{relation} is not between the mean of a lift and an integral over the levels")
        if right.has(p, grad, Mean) or any(constraint.has(p, grad) for constraint in domain.constraints):
            raise Refuted(f"{right} has p or a mean that is of no level")
        at_level = right.function.xreplace({P: p, P_grad: grad})
        if at_level.has(tau):
            raise Refuted(f"{right} depends on the level by more than P")
        Binary(self.then).check(eq(_without(Levels, left), at_level), domain)


def _without(kind: type[sp.Function], side: sp.Expr) -> sp.Expr:
    """The side with Mean(f) for the mean of a lift of f; lifts may stand nowhere else, and nothing beside one."""

    def bare(node: sp.Expr) -> sp.Expr:
        if not isinstance(node.args[0], kind):
            raise Refuted(f"{node} is not the mean of a lift alone")
        return Mean(node.args[0].args[0])

    result = side.replace(lambda node: isinstance(node, Mean), bare)
    if result.has(Flips, Levels):
        raise Refuted(f"{side} has a lift in a lift, or outside of a mean")
    return result


@dataclass(frozen=True)
class AffineInLevels(Rule):
    """Of what is affine in b_i and M the integral is the same of l_i and of the others' sum.

    The integral of b_j over the levels is l_j. The others' sum is (N - 1) (1 - E_1), E_1 their mean failure mass.
    """

    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Integrate, and apply the rule."""
        sides = (side.replace(Levels, _integrated) for side in relation.args)
        integrated = relation.func(*sides, evaluate=False)
        require_defined(integrated, domain)
        self.then.check(integrated, domain)


def _integrated(f: sp.Expr) -> sp.Expr:
    slopes = [expand(sp.diff(f, variable)) for variable in (l_i, M)]
    if f.has(GROUP, OTHERS, REST, l_j, S_j, tau) or any(slope.has(l_i, M) for slope in slopes):
        raise Refuted(f"{f} is not affine in b_i and M")
    return f.subs(M, (N - 1) * (1 - E(1, OTHERS)))
