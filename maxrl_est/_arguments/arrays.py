"""What arrays have to be, said as in the rest of `maxrl_est._arguments`, which needs no NumPy."""

from __future__ import annotations

from numbers import Integral, Number
from typing import Any

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import at, finite, words


def all_finite(name: str, values: Any) -> None:
    """An array of finite numbers.

    >>> all_finite("theta", np.array([0.0, np.nan]))
    Traceback (most recent call last):
    ValueError: theta[1] must be finite, got nan
    """
    if fault := not_finite(name, values):
        raise ValueError(fault)


def not_finite(name: str, values: Any) -> str:
    """What is wrong with the first value of an array that is not finite; empty where all are."""
    if np.isfinite(values).all():
        return ""
    index = np.argwhere(~np.isfinite(values))[0]
    return f"{at(name, index)} must be finite, got {values[tuple(index)]}"


def real_array(name: str, values: Any) -> npt.NDArray[Any]:
    """A copy as an array of ints or of floats, whose entries are finite numbers.

    >>> real_array("theta", [0.5, True])
    Traceback (most recent call last):
    TypeError: theta[1] must be a finite number, got True
    """
    array = entries(name, values)
    if array.dtype.kind in "iuf":
        all_finite(name, array)
        return array
    if array.ndim == 0:
        raise TypeError(f"{name} must be an array of finite numbers, got {words(values)}")
    for index, x in np.ndenumerate(array.astype(object)):
        finite(at(name, index), x)
    ints = array.size and all(isinstance(x, Integral) and abs(int(x)) < 1 << 63 for x in array.flat)
    return array.astype(np.int64 if ints else np.float64)


def entries(name: str, values: Any) -> npt.NDArray[Any]:
    """A copy as an array that makes no numbers of bools and no strings of numbers, as NumPy does in lists of both.

    ValueError for a masked entry, and for rows that are arrays of several shapes.
    """
    refuse_masked(name, values)
    if hasattr(values, "__array__"):
        return np.array(values)
    try:
        return np.array(values, dtype=object)
    except ValueError:
        raise ValueError(f"{name} must have rows of one length, got ragged ones") from None


def refuse_masked(name: str, values: Any, *outer: int, rule: str = "a number") -> None:
    """An error for a masked entry, of an array or of one in a list, where NumPy would drop the mask.

    >>> refuse_masked("theta", [0.5, np.ma.masked])
    Traceback (most recent call last):
    ValueError: theta[1] must be a number, got a masked entry
    """
    if np.ma.isMaskedArray(values):
        mask = np.ma.getmaskarray(values)
        if mask.any():
            index = (*outer, *np.unravel_index(int(mask.argmax()), mask.shape))
            raise ValueError(f"{at(name, index)} must be {rule}, got a masked entry")
    elif isinstance(values, list | tuple):
        for i, part in enumerate(values):
            if not isinstance(part, Number):
                refuse_masked(name, part, *outer, i, rule=rule)


def unpacked(name: str, values: Any) -> Any:
    """An array, or a column of a table, as the list that it is; all else as it is given."""
    refuse_masked(name, values)
    return np.asarray(values).tolist() if hasattr(values, "__array__") else values


def vector(name: str, values: Any, d: int | None = None, rule: str = "numbers") -> npt.NDArray[Any]:
    """Finite numbers (d,) just as they are, so that Fractions stay exact; ``rule`` is what else the argument may be.

    >>> vector("target", [1, "2"])
    Traceback (most recent call last):
    TypeError: target[1] must be a finite number, got '2'
    """
    array = entries(name, values).astype(object)
    if array.ndim == 0:
        raise TypeError(f"{name} must be {rule} ({d or 'd'},), got {words(values)}")
    for index, value in np.ndenumerate(array):
        finite(at(name, index), value)
    if array.ndim != 1 or array.size == 0 or d not in (None, array.size):
        raise ValueError(f"{name} must have one number for each coordinate, ({d or 'd'},), got shape {array.shape}")
    return array
