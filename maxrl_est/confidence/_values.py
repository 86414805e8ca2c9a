"""Arrays that the sequences accept: one number for each coordinate, and blocks of values; and how many there are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import at, at_most, finite, positive, short, whole, words
from maxrl_est._arguments.arrays import all_finite, refuse_masked, vector
from maxrl_est._arguments.protocols import FloatArray

LEAST = 1e-100  # size, whose square is a float
MOST = 1 << 62  # values; more will not be drawn


def number_of(name: str, value: int, least: int = 1) -> int:
    """How many values, or means, there are."""
    return at_most(name, whole(name, value, least), MOST)


def coordinates(name: str, values: npt.ArrayLike, d: int | None = None) -> FloatArray:
    """Finite numbers (d,), one for each coordinate; a single number stands for all of them where d is known."""
    if d is None:
        return np.array([float(value) for value in vector(name, values)])
    refuse_masked(name, values)
    single = values.item() if isinstance(values, np.ndarray) and values.ndim == 0 else values
    if isinstance(single, Real):
        return np.full(d, finite(name, single))
    return np.array([float(value) for value in vector(name, values, d, "a finite number or numbers")])


def ends(
    bounds: Sequence[npt.ArrayLike], d: int, names: tuple[str, str] = ("lower", "upper")
) -> tuple[FloatArray, FloatArray]:
    """Lower and upper bounds (d,), (d,), of which the lower are below the upper."""
    lower, upper = (coordinates(name, values, d) for name, values in zip(names, bounds, strict=True))
    for index, (low, high) in enumerate(zip(lower.tolist(), upper.tolist(), strict=True)):
        if not 0 < high - low < math.inf:
            below, above = (at(name, [index]) for name in names)
            raise ValueError(f"{below} must lie below {above} = {high}, at a finite distance, got {short(low)}")
    return lower, upper


def above_zero(name: str, values: npt.ArrayLike, d: int) -> FloatArray:
    """The same as coordinates, all of them above 0."""
    given = coordinates(name, values, d).tolist()
    for index, value in enumerate(given):
        if not LEAST <= positive(at(name, [index]), value) <= 1 / LEAST:
            raise ValueError(f"{at(name, [index])} must lie in [{LEAST:g}, {1 / LEAST:g}], got {value}")
    return np.array(given)


def tolerances(values: npt.ArrayLike | None, d: int) -> FloatArray | None:
    """How far from its target each coordinate may be (d,), or None."""
    return None if values is None else above_zero("tolerance", values, d)


def block(values: npt.ArrayLike, d: int) -> FloatArray:
    """Finite values (B, d), as (d, B): NumPy is fast along the last axis, and there are more values than d."""
    array = np.asarray(values, dtype=None if hasattr(values, "__array__") else object)
    if array.ndim == 0:
        raise TypeError(f"values must be numbers (B, {d}), got {words(values)}")
    if array.ndim != 2 or array.shape[1] != d or not len(array):
        raise ValueError(f"values must have the shape (B, {d}), B at least 1, got {array.shape}")
    if array.dtype.kind in "iuf":
        all_finite("values", array)
    else:
        given = np.ndenumerate(array.astype(object))
        array = np.array([finite(at("values", index), x) for index, x in given]).reshape(array.shape)
    return np.ascontiguousarray(array.T, dtype=np.float64)
