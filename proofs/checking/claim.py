"""What a claim consists of, and what it takes for one to hold."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from enum import StrEnum

import sympy as sp
from sympy.core.relational import Relational

from .domain import Domain, Refuted


def eq(left: sp.Expr, right: sp.Expr) -> sp.Eq:
    """An equation as it is written: sympy does not look at it."""
    return sp.Eq(left, right, evaluate=False)


def le(smaller: sp.Expr, larger: sp.Expr) -> sp.Le:
    """smaller <= larger, as it is written."""
    return sp.Le(smaller, larger, evaluate=False)


def lt(smaller: sp.Expr, larger: sp.Expr) -> sp.Lt:
    """smaller < larger, as it is written."""
    return sp.Lt(smaller, larger, evaluate=False)


def latex(relation: Relational) -> str:
    """A relation in LaTeX, as it is checked."""
    return str(sp.latex(relation))


class Rule(ABC):
    """How a relation is checked. Rules are frozen dataclasses, and their fields are the certificate."""

    @abstractmethod
    def check(self, relation: Relational, domain: Domain) -> None:
        """Return if the relation holds on the domain, else raise Refuted."""

    @property
    def method(self) -> str:
        """Name of the rule, with those of the rules that it applies."""
        name = re.sub(r"\B([A-Z])", r" \1", type(self).__name__).lower()
        inner = dict.fromkeys(value.method for value in self._values() if isinstance(value, Rule))
        return f"{name} ({', '.join(inner)})" if inner else name

    @property
    def certificate(self) -> str:
        """What the rule was given in order to check the relation, and not to find a proof."""
        texts = [value.certificate if isinstance(value, Rule) else str(value) for value in self._values()]
        return "; ".join(text for text in texts if text)

    def _values(self) -> list[object]:
        return [getattr(self, field.name) for field in fields(self)]  # type: ignore[arg-type]


class Post(StrEnum):
    """Verdict on a statement of the post *Maximum likelihood reinforcement learning* (16 February 2026)."""

    PROVED = "proved"
    CORRECTED = "corrected"
    REFUTED = "refuted"
    EXPERIMENT = "experiment"


@dataclass(frozen=True, slots=True)
class Step:
    """One relation, in words and in symbols, and the rule that checks it."""

    says: str
    relation: Relational
    by: Rule
    domain: Domain | None = None  # where it holds, if not on the domain of the whole claim


@dataclass(frozen=True, slots=True)
class Claim:
    """A theorem: its first step is the formula, the others are its further parts and the lemmas it rests on.

    The sibling is a false version of the first step that a reader could mistake for it.
    """

    id: str
    says: str
    domain: Domain
    steps: tuple[Step, ...]
    sibling: Relational
    post: tuple[Post, str] | None = None  # verdict, and the post's statement in short

    @property
    def latex(self) -> str:
        """The relations that are checked, as they are checked."""
        return r" \qquad ".join(latex(step.relation) for step in self.steps)

    @property
    def where(self) -> str:
        """The domain, with the symbols that are positive by declaration."""
        symbols = {symbol for step in self.steps for symbol in step.relation.free_symbols if symbol.is_positive}
        return ", ".join(filter(None, [str(self.domain), *sorted(f"{symbol} > 0" for symbol in symbols)]))

    @property
    def method(self) -> str:
        """The rules of all steps."""
        return ", ".join(dict.fromkeys(step.by.method for step in self.steps))

    @property
    def certificate(self) -> str:
        """The certificates of all steps."""
        return "; ".join(step.by.certificate for step in self.steps if step.by.certificate)

    def prove(self) -> None:
        """Check every step; raises Refuted if one fails."""
        for step in self.steps:
            try:
                step.by.check(step.relation, step.domain or self.domain)
            except Refuted as reason:
                raise Refuted(f"{self.id}: {step.says}: {reason}") from reason

    def refutes(self, relation: Relational, step: Step) -> bool:
        """Whether the rule of a step refutes another relation in its place."""
        try:
            step.by.check(relation, step.domain or self.domain)
        except Refuted:
            return True
        return False
