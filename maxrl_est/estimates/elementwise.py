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

    >>> from fractions import Fraction
    >>> elementwise(lambda x, y: x / y, np.array([1.0, 3.0]), np.array([2.0]))
    array([0.5, 1.5])
    >>> half, third = Fraction(1, 2), Fraction(1, 3)
    >>> x, y = elementwise(lambda x: x + 1, np.array([half, half], dtype=object))
    >>> x is y
    True
    """
    if all(array.dtype != object for array in arrays):
        return np.asarray(formula(*arrays))
    objects = [array.astype(object) for array in arrays]  # alive to the end, so that no two share an id
    known: dict[tuple[int, ...], Any] = {}

    def once(*numbers: Any) -> Any:
        key = tuple(map(id, numbers))
        if key not in known:
            known[key] = formula(*numbers)
        return known[key]

    return np.asarray(np.frompyfunc(once, len(objects), 1)(*objects))
