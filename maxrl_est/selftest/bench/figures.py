"""What a figure of the bench is: a number, its limit, and whether it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Progress: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured figure. Without a limit it is shown for information and ``holds`` is None."""

    figure: str
    case: str
    measured: float
    limit: float | None
    unit: str
    holds: bool | None


def at_most(figure: str, case: str, measured: float, limit: float | None, unit: str) -> Measurement:
    """A figure that holds up to its limit."""
    return Measurement(figure, case, measured, limit, unit, None if limit is None else measured <= limit)


def at_least(figure: str, case: str, measured: float, limit: float | None) -> Measurement:
    """A number of times that holds from its limit on."""
    holds = None if limit is None else measured >= limit
    return Measurement(figure, case, measured, limit, "times" if limit is None else "times (at least)", holds)


def silent(text: str) -> None:
    """Show nothing of the progress."""
