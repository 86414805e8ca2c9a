"""Arrays that the sequences accept: one number for each coordinate, and blocks of values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import all_finite, at, finite, positive
from maxrl_est._typing import FloatArray


def coordinates(name: str, values: npt.ArrayLike, d: int | None = None) -> FloatArray:
    """Finite numbers (d,), one for each coordinate; a single number stands for all of them."""
    array = np.asarray(values, dtype=np.float64)
    if d is not None and array.ndim == 0:
        array = np.full(d, array)
    if array.ndim != 1 or array.size == 0 or (d is not None and array.size != d):
        raise ValueError(f"{name} must have one number for each coordinate, ({d or 'd'},), got shape {array.shape}")
    return np.array([finite(at(name, [index]), value) for index, value in enumerate(array.tolist())])


def above_zero(name: str, values: npt.ArrayLike, d: int) -> FloatArray:
    """The same, all of them above 0."""
    given = coordinates(name, values, d).tolist()
    return np.array([positive(at(name, [index]), value) for index, value in enumerate(given)])


def tolerances(values: npt.ArrayLike | None, d: int) -> FloatArray | None:
    """How far from its target each coordinate may be (d,), or None."""
    return None if values is None else above_zero("tolerance", values, d)


def block(values: npt.ArrayLike, d: int) -> FloatArray:
    """Finite values (B, d), as (d, B): NumPy is fast along the last axis, and there are more values than d."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != d or not len(array):
        raise ValueError(f"values must have the shape (B, {d}), B at least 1, got {array.shape}")
    all_finite("values", array)
    return np.ascontiguousarray(array.T)
