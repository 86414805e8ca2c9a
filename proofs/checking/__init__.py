"""The checker: domains, normal forms, and the rules by which a relation is accepted or refuted."""

from .claim import Claim, Post, Refuted, Rule, Step, eq, latex, le, lt
from .domain import Domain
from .identities import Algebra, Antiderivative, Induction, Recurrence, Telescoping, Via
from .inequalities import Concave, Growing, Manifest
from .statistics import Independence, SplitOff, Vertices

__all__ = [
    "Algebra",
    "Antiderivative",
    "Claim",
    "Concave",
    "Domain",
    "Growing",
    "Independence",
    "Induction",
    "Manifest",
    "Post",
    "Recurrence",
    "Refuted",
    "Rule",
    "SplitOff",
    "Step",
    "Telescoping",
    "Vertices",
    "Via",
    "eq",
    "latex",
    "le",
    "lt",
]
