"""Groups as sums of their members, and what can be said of any advantage of a member in its group.

A group is a multiset of values, written as a formal sum: w + x + 2*y has the members of w, one of value x and two of
value y. Functions of a group are symmetric for that reason alone: w + x + y and w + y + x are one sum. a(x, c) is the
advantage of a member of value x in the group c, an unknown function of both, so an identity holds for every advantage
that treats rollouts alike. Nothing is computed with the values; a sum stands for the group and not for a number.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.function import UndefinedFunction
from sympy.core.relational import Relational

from ..checking.algebra import expand
from ..checking.claim import Refuted, Rule
from ..checking.domain import Domain
from ..checking.statistics import Mean, N, mean_by_terms

w, x, y, z, r = sp.symbols("w x y z r")  # w: the members that are not named
y_0 = sp.Symbol("y_0")  # a draw of the law, independent of those in Draws
a, h, b = (sp.Function(name) for name in "ahb")


class Draws(sp.Function):
    """The multiset of n independent draws of the law."""

    nargs = 1

    @classmethod
    def eval(cls, n: sp.Expr) -> sp.Expr | None:
        return sp.S.Zero if n == 0 else None

    def _latex(self, printer: sp.printing.latex.LatexPrinter, exp: str | None = None) -> str:
        return rf"Y_{{{printer._print(self.args[0])}}}"


class _Known(sp.Function):
    """The mean of a function of a group, which is its value where nothing in the group is random."""

    nargs = 1

    @classmethod
    def eval(cls, f: sp.Expr) -> sp.Expr | None:
        return None if f.has(Draws) else f


@dataclass(frozen=True)
class Supposing(Rule):
    """What the claim supposes of a function: the formula is put in its place, then the rule is applied."""

    function: UndefinedFunction
    formula: sp.Lambda
    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Put the formula in the function's place, and apply the rule."""
        if not relation.has(self.function):
            raise Refuted(f"{relation} is not about {self.function}")
        self.then.check(relation.func(*map(self._put, relation.args), evaluate=False), domain)

    def _put(self, side: sp.Expr) -> sp.Expr:
        return side.replace(self.function, self.formula)

    @property
    def method(self) -> str:
        """The supposition, and the rule that is applied."""
        return f"supposing {self.function(*self.formula.variables)} = {self.formula.expr} ({self.then.method})"

    @property
    def certificate(self) -> str:
        """That of the rule that is applied."""
        return self.then.certificate


SHARED = sp.Lambda((x, w), N * h(w) + b(w - x))  # N times a number of the whole group, and one of the others


@dataclass(frozen=True)
class Drawn(Rule):
    """In a Mean the draw y_0 joins n others: y_0 + Draws(n) has the law of Draws(n + 1), as draws are exchangeable.

    What depends on y_0 in any other way than through the group that it joins has no known mean. Means are linear.
    """

    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Let the draws join, and apply the rule."""
        sides = (side.replace(lambda node: isinstance(node, Mean), _taken) for side in relation.args)
        taken = relation.func(*sides, evaluate=False)
        if taken.has(y_0):
            raise Refuted(f"{relation} has a draw outside of a mean")
        self.then.check(taken, domain)


def _taken(mean: sp.Expr) -> sp.Expr:
    return mean_by_terms(mean.args[0], _mean_of_product)


def _mean_of_product(factors: tuple[sp.Expr, ...]) -> sp.Expr:
    product = sp.Mul(*factors)
    random = sp.Mul(*(factor for factor in factors if factor.has(y_0, Draws)))
    if not random.has(y_0):
        return product / random * _Known(random)
    if len(sizes := {node.args[0] for node in random.atoms(Draws)}) != 1:
        raise Refuted(f"{y_0} joins no one group of draws in {random}")
    (n,) = sizes
    joined = expand(random.subs(y_0, Draws(n + 1) - Draws(n)))
    if joined.has(Draws(n)):
        raise Refuted(f"{random} depends on {y_0} in another way than through the group that it joins")
    return product / random * _Known(joined)
