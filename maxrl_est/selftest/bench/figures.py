"""What a figure of the bench is: something to measure, its limit, and whether it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Found: TypeAlias = "float | tuple[float, str]"  # a number, or one with a note


class NotMeasured(Exception):
    """Says what is missing here, and how to get it."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured figure, ``holds`` being None where something is missing that it needs.

    Then, and where what was measured failed, which misses the limit, ``measured`` is None and the note says why.
    """

    figure: str
    case: str
    measured: float | None
    limit: float
    unit: str
    holds: bool | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure to measure, in about as many seconds as ``measure`` is given. It holds up to its limit, or from it."""

    figure: str
    case: str
    limit: float
    measure: Callable[[float], Found]
    unit: str = "times"
    at_least: bool = False

    def measured(self, seconds: float) -> Measurement:
        """Measure it, and compare it with its limit."""
        unit = f"{self.unit} (at least)" if self.at_least else self.unit
        try:
            found = self.measure(seconds)
        except NotMeasured as missing:
            return Measurement(self.figure, self.case, None, self.limit, unit, None, f"not measured: {missing}")
        except RuntimeError as failure:  # of a process that was to be timed
            return Measurement(self.figure, self.case, None, self.limit, unit, False, f"failed: {failure}")
        number, note = found if isinstance(found, tuple) else (found, "")
        holds = number >= self.limit if self.at_least else number <= self.limit
        return Measurement(self.figure, self.case, number, self.limit, unit, holds, note)
