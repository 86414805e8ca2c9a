"""Arrays of numbers that have to be finite."""

from __future__ import annotations

import numpy as np

from maxrl_est._arguments import at
from maxrl_est._typing import Array


def check_finite(name: str, values: Array) -> None:
    """ValueError that names the first value which is not finite."""
    if fault := not_finite(name, values):
        raise ValueError(fault)


def not_finite(name: str, values: Array) -> str:
    """What is wrong with the first value that is not finite; empty where all are.

    >>> not_finite("theta", np.array([0.0, np.nan]))
    'theta[1] must be finite, got nan'
    """
    if np.isfinite(values).all():
        return ""
    index = np.argwhere(~np.isfinite(values))[0]
    return f"{at(name, index)} must be finite, got {values[tuple(index)]}"
