"""Numbers that coefficients are multiples by."""

from __future__ import annotations

from maxrl_est._arguments.protocols import Array
from maxrl_est.steps._answers import ROUNDING, agree


def common_factor(found: Array, plain: Array) -> float | None:
    """The number that one array is another times; None where there is none, 1 where both are 0."""
    size = float((plain * plain).sum())
    factor = float((found * plain).sum()) / size if size else 1.0
    if not factor:
        return None if found.any() else 0.0
    return factor if agree(found, factor * plain) else None


def is_near(factor: float | None, expected: float) -> bool:
    """Whether a factor is a number, but for rounding."""
    return factor is not None and abs(factor - expected) <= ROUNDING * abs(expected)


def apart(found: Array, expected: Array) -> float:
    """The largest difference, relative to the largest number that is expected."""
    return float(abs(found - expected).max(initial=0.0) / (abs(expected).max(initial=0.0) or 1.0))
