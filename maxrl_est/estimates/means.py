"""The mean of a group, and what formulas without an exact or a defined value do."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates.elementwise import elementwise, total


def mean(values: Array) -> Array:
    """Mean of each group, (..., 1)."""
    return np.asarray(total(values) / values.shape[-1])


def ratio(top: Array, bottom: Array, otherwise: Any) -> Array:
    """Top / bottom with the value that stands where bottom is zero stated by the caller."""
    zero = bottom == 0
    return np.where(zero, otherwise, elementwise(operator.truediv, top, np.where(zero, 1, bottom)))


def need_floats(values: Array, irrational: str) -> None:
    """TypeError for Fractions, where what is taken of them is irrational."""
    if values.dtype == object:
        raise TypeError(f"likelihoods must be floats, since {irrational} is irrational, got Fractions")
