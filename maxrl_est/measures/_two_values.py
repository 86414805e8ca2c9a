"""Groups of rewards of two values, one for each number of successes, and where a weight pushes successes down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._arguments import finite, listed, words
from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.measures import _bernstein
from maxrl_est.objectives import exact_number

_POINTS = 4  # a coefficient at which the sign is looked at
_HALVINGS = 30


def two_values(values: Any) -> tuple[Fraction, Fraction]:
    """The rewards of a failure and of a success, exactly.

    >>> two_values((1, 0))
    Traceback (most recent call last):
    ValueError: values must be two numbers (low, high), low < high, got (1, 0)
    """
    given = listed("values", values, "two numbers, low and high")
    for index, value in enumerate(given):
        finite(f"values[{index}]", value)
    exact = [exact_number(f"values[{index}]", value) for index, value in enumerate(given)]
    if len(exact) != 2 or exact[0] >= exact[1]:
        raise ValueError(f"values must be two numbers (low, high), low < high, got {words(tuple(given))}")
    return exact[0], exact[1]


def counted_groups(n: int, low: Fraction, high: Fraction) -> Array:
    """Groups (n + 1, n) with 0..n successes, which come first."""
    groups = np.full((n + 1, n), low, dtype=object)
    groups[np.arange(n) < np.arange(n + 1)[:, None]] = high
    return groups


def negative_intervals(bernstein: Sequence[Fraction], rounding: float) -> list[tuple[float, float]]:
    """Intervals of p in (0, 1), to 9 digits, in which a polynomial is below 0 by more than rounding."""
    values = np.array([float(x) for x in bernstein])
    least = -rounding * float(abs(values).max())
    if values.min() >= least:
        return []  # as are all its means

    def at(p: Any) -> FloatArray:
        return np.asarray(_bernstein.basis(len(values), p) @ values)

    p = np.sin(np.linspace(0, np.pi / 2, _POINTS * len(values) + 1)) ** 2  # denser at the ends, as changes are
    below = at(p) < least
    changes = np.flatnonzero(below[1:] != below[:-1])
    ends = [_crossing(at, p[i], p[i + 1]) for i in changes]
    edges = [0.0] * bool(below[0]) + ends + [1.0] * bool(below[-1])
    return list(zip(edges[::2], edges[1::2], strict=True))


def _crossing(at: Callable[[Any], FloatArray], start: float, stop: float) -> float:
    """Where the sign changes between two points."""
    falls = at(start) >= 0
    for _ in range(_HALVINGS):
        middle = (start + stop) / 2
        start, stop = (middle, stop) if (at(middle) >= 0) == falls else (start, middle)
    return round((start + stop) / 2, 9)


def pushed_down(intervals: Sequence[tuple[float, float]]) -> list[str]:
    """A line that says which prompts are trained away from success; none where there are none."""
    if not intervals:
        return []
    if intervals == [(0.0, 1.0)]:
        return ["negative for every p: it pushes all prompts down"]
    where = " and ".join(_words(*interval) for interval in intervals)
    hard, easy = intervals[0][0] == 0, intervals[-1][1] == 1
    which = "hard and easy" if hard and easy else "hard" if hard else "easy" if easy else "these"
    return [f"negative for p {where}: it pushes {which} prompts down"]


def _words(start: float, stop: float) -> str:
    if start == 0:
        return f"below {stop:.3g}"
    return f"above {start:.3g}" if stop == 1 else f"from {start:.3g} to {stop:.3g}"
