"""The checker: domains, normal forms, and the rules by which a relation is accepted or refuted."""

from .calculus import Slopes
from .claim import Claim, Post, Refuted, Rule, Step, eq, latex, le, lt
from .domain import Domain
from .identities import Algebra, Antiderivative, Induction, Telescoping, Via
from .inequalities import Manifest
from .recurrences import Recurrence
from .statistics import Independence, SplitOff, Vertices

__all__ = [
    "Algebra",
    "Antiderivative",
    "Claim",
    "Domain",
    "Independence",
    "Induction",
    "Manifest",
    "Post",
    "Recurrence",
    "Refuted",
    "Rule",
    "Slopes",
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
