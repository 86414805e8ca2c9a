"""What a sequence remembers of the values: a few arrays, that can be written down and read again."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import FloatArray


class Arrays:
    """Named float arrays that are all there is to remember."""

    _REMEMBERED: tuple[str, ...] = ()

    def state(self) -> dict[str, Any]:
        """What `restore` needs, as plain numbers and lists: one length whatever the number of values."""
        return {name: np.asarray(getattr(self, name)).tolist() for name in self._REMEMBERED}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a `state` of one with the same parameters; ValueError for what is none."""
        if list(state) != list(self._REMEMBERED):
            raise ValueError(f"names must be {', '.join(self._REMEMBERED)}, got {', '.join(map(str, state)) or 'none'}")
        read = {name: _like(getattr(self, name), value, name) for name, value in state.items()}
        for name, value in read.items():
            setattr(self, name, value)


def _like(own: Any, value: Any, name: str) -> Any:
    """What was written of a count, or of an array; infinite logarithms of wealth are numbers, NaN is none."""
    if isinstance(own, int):
        if type(value) is not int or value < 0:
            raise ValueError(f"{name} must be an int of at least 0, got {reprlib.repr(value)}")
        return value
    try:
        array = np.array(value, dtype=np.float64)
        same = array.shape == own.shape and array.tolist() == value  # so no text, and no NaN
    except (ValueError, TypeError, OverflowError):
        same = False
    if not same:
        raise ValueError(f"{name} must have float64 numbers of shape {own.shape}, got {reprlib.repr(value)}")
    return array


class Running(Arrays):
    """``mean (d,)`` and the sum of ``squares (d,)`` about it of ``count`` values, block merged into block."""

    _REMEMBERED: tuple[str, ...] = ("count", "mean", "squares")

    def __init__(self, d: int) -> None:
        self.count, self.mean, self.squares = 0, np.zeros(d), np.zeros(d)

    def add(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Take values (d, b); the mean and squares of these."""
        size, mean = x.shape[1], x.mean(axis=1)
        squares = ((x - mean[:, None]) ** 2).sum(axis=1)
        gap, total = mean - self.mean, self.count + size
        self.mean = self.mean + gap * (size / total)
        self.squares = self.squares + squares + gap**2 * (self.count * size / total)
        self.count = total
        return mean, squares
