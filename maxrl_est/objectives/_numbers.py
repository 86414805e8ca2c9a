"""Numbers that objectives are given: coefficients without rounding, arrays of real numbers, probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from functools import reduce
from numbers import Rational
from typing import Any

import numpy as np

from maxrl_est._arguments import at, finite, is_int, is_number, short, words
from maxrl_est._arguments.arrays import real_array, refuse_masked
from maxrl_est._arguments.protocols import Array


def exact_number(name: str, value: Any) -> Fraction:
    """An int, a float or a Fraction without rounding; TypeError or ValueError for all else."""
    if not is_number(value):
        raise TypeError(f"{name} must be an int, a float or a Fraction, got {words(value)}")
    if not isinstance(value, Rational) and not np.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    number: Any = int(value) if is_int(value) else value  # NumPy's integers have no ratio
    return Fraction(*number.as_integer_ratio())


def in_one_unit(values: Iterable[Fraction]) -> tuple[list[int], int]:
    """Fractions as integers in units of 1 over the second result, so that sums need no greatest common divisors.

    >>> in_one_unit([Fraction(1, 2), Fraction(2, 3)])
    ([3, 4], 6)
    """
    ratios = [value.as_integer_ratio() for value in values]
    unit = reduce(math.lcm, {below for _, below in ratios}, 1)
    return [above * (unit // below) for above, below in ratios], unit


def real_numbers(name: str, values: Any, allowed: str) -> Array:
    """A copy of values as an array, refused if masked or of a dtype whose kind is not allowed."""
    refuse_masked(name, values)
    try:
        array = np.array(values)
    except ValueError:
        raise ValueError(f"{name} must have rows of one length, got ragged ones") from None
    if array.dtype.kind not in allowed:
        raise TypeError(f"{name} must be real numbers, got dtype {array.dtype}")
    return array


def probabilities(p: Any) -> Any:
    """Pass rates p (...) in [0, 1]: a Fraction as it is, all else as floats; TypeError or ValueError for what is none.

    >>> probabilities([0.5, 10**400])
    Traceback (most recent call last):
    ValueError: p[1] must be finite, got 1000000000000000000000000000000000000...
    """
    if isinstance(p, Fraction):
        check_probabilities(np.array(p))
        return p
    given = np.array(finite("p", p) if is_number(p) else real_array("p", p), dtype=np.float64)
    check_probabilities(given)
    return given


def check_rate(name: str, x: Any) -> float:
    """The float that a number in [0, 1] is; TypeError or ValueError for all else."""
    if not is_number(x):
        raise TypeError(f"{name} must be a number in [0, 1], got {words(x)}")
    if not 0 <= x <= 1:
        raise ValueError(f"{name} must lie in [0, 1], got {short(x)}")
    return float(x)


def check_probabilities(p: Array) -> None:
    """ValueError for the first of p (...) outside [0, 1]."""
    outside = np.argwhere(~((p >= 0) & (p <= 1)))  # NaN is outside too
    if len(outside):
        index = tuple(outside[0].tolist())
        raise ValueError(f"{at('p', index)} must lie in [0, 1], got {short(p[index])}")
