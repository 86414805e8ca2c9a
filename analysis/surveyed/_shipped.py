"""A training step as a trainer ships it, and what is asked of it where a batch is used again or a reference held."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Shipped:
    """A step, its name in the table, and whether it is what the trainer does unless told otherwise.

    ``again`` is the step under the settings with which ratios to the policy that drew the batch are kept; None where
    that is the step itself. ``holds`` says that it has a term of a reference.
    """

    name: str
    step: Any
    default: bool = False
    again: Any = None
    holds: bool = False
