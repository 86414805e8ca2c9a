"""Numbers that are arguments: NumPy's become Python's, which JSON can have, and bad ones are refused by name."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any


def whole(name: str, value: Any, least: int = 1) -> int:
    """An int of at least ``least``; ValueError if it is none."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} is {value!r}: it is an int of at least {least}")
    return int(value)


def positive(name: str, value: Any) -> float:
    """A finite number > 0; TypeError if it is no number, ValueError if it is another one."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r}: it is a number > 0")
    if not 0 < float(value) < math.inf:
        raise ValueError(f"{name} is {value}: it is finite and > 0")
    return float(value)
