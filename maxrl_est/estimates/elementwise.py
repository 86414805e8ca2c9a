"""Formulas of numbers side by side, worked out once where the numbers are exact and few of them differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array


def elementwise(formula: Callable[..., Any], *arrays: Array) -> Array:
    """The formula of arrays that broadcast: of floats as it stands, of Fractions once for the same objects.

    Groups of 0/1 rewards have two objects each, and what belongs to a group is one, so that of N^2 rollouts few are
    worked out.

    >>> elementwise(lambda x, y: x / y, np.array([1.0, 3.0]), np.array([2.0]))
    array([0.5, 1.5])
    >>> from fractions import Fraction
    >>> half, third = Fraction(1, 2), Fraction(1, 3)
    >>> x, y = elementwise(lambda x: x + 1, np.array([half, half], dtype=object))
    >>> x is y
    True
    """
    if all(array.dtype != object for array in arrays):
        return np.asarray(formula(*arrays))
    objects, places = zip(*(distinct(array.astype(object)) for array in arrays), strict=True)
    sizes = [max(1, one.size) for one in objects]
    cells, cell = np.unique(np.ravel_multi_index(np.broadcast_arrays(*places), sizes), return_inverse=True)
    taken = [one[place] for one, place in zip(objects, np.unravel_index(cells, sizes), strict=True)]
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    return np.asarray(np.frompyfunc(formula, len(arrays), 1)(*taken)[cell.reshape(-1)].reshape(shape))


def distinct(numbers: Array) -> tuple[Array, Array]:
    """The different objects (U,) of an array of them, and which one each is, of the array's shape.

    >>> from fractions import Fraction
    >>> half = Fraction(1, 2)
    >>> distinct(np.array([[half, half]], dtype=object))
    (array([Fraction(1, 2)], dtype=object), array([[0, 0]]))
    """
    ids = np.asarray(np.frompyfunc(id, 1, 1)(numbers), dtype=np.int64)
    _, first, which = np.unique(ids, return_index=True, return_inverse=True)
    return numbers.reshape(-1)[first], which.reshape(numbers.shape)


def total(numbers: Array) -> Array:
    """Sum of each group, (..., 1): of Fractions, where few objects differ, each times how often it occurs."""
    if numbers.dtype == object:
        objects, which = distinct(numbers)
        size, kinds = numbers.shape[-1], objects.size
        if 0 < 2 * kinds <= size:
            cells = which.reshape(-1, size)
            cells = cells + kinds * np.arange(len(cells))[:, None]
            counts = np.bincount(cells.reshape(-1), minlength=kinds * len(cells)).reshape(-1, kinds)
            return np.asarray((counts.astype(object) @ objects).reshape(*numbers.shape[:-1], 1))
    return np.asarray(numbers.sum(axis=-1, keepdims=True))
