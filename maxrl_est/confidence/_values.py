"""What both sequences accept, and how they refuse the rest."""

from __future__ import annotations

import math
from numbers import Integral, Real

import numpy as np
import numpy.typing as npt

from maxrl_est._typing import FloatArray


def coordinates(name: str, values: npt.ArrayLike, d: int | None = None) -> FloatArray:
    """Finite numbers (d,), one for each coordinate; a single number stands for all of them."""
    array = np.asarray(values, dtype=np.float64)
    if d is not None and array.ndim == 0:
        array = np.full(d, array)
    if array.ndim != 1 or array.size == 0 or (d is not None and array.size != d):
        raise ValueError(f"{name} has shape {array.shape}: it is one number for each coordinate, ({d or 'd'},)")
    for index, value in enumerate(array):
        if not math.isfinite(value):
            raise ValueError(f"{name}[{index}] is {value}: it is finite")
    return array


def positive(name: str, values: FloatArray) -> FloatArray:
    """The values, all of them above 0."""
    for index, value in enumerate(values):
        if not value > 0:
            raise ValueError(f"{name}[{index}] is {value}: it is above 0")
    return values


def tolerances(values: npt.ArrayLike | None, d: int) -> FloatArray | None:
    """How far from its target each coordinate may be (d,), or None."""
    return None if values is None else positive("tolerance", coordinates("tolerance", values, d))


def rate(name: str, value: float) -> float:
    """A probability of an error, in (0, 1)."""
    if not isinstance(value, Real) or not 0 < value < 1:
        raise ValueError(f"{name} is {value!r}: it is a number in (0, 1)")
    return float(value)


def count(name: str, value: int) -> int:
    """A number of values, at least 1."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} is {value!r}: it is an int of at least 1")
    return int(value)


def block(values: npt.ArrayLike, d: int) -> FloatArray:
    """Finite values (B, d), as (d, B): NumPy is fast along the last axis, and there are more values than d."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != d or not len(array):
        raise ValueError(f"values has shape {array.shape}: it is (B, {d}), B at least 1")
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(f"values[{row}, {column}] is {array[row, column]}: it is finite")
    return np.ascontiguousarray(array.T)
