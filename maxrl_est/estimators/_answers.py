"""What a function of one's own gives back, checked: its shape, and that it is made of finite real numbers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from numbers import Rational
from typing import Any

import numpy as np

from maxrl_est._arguments.arrays import not_finite
from maxrl_est._typing import Array

ROUNDING = 1e-5  # relative: what float32 may lose, and what depends on order or batch exceeds


def answer(name: str, got: Any, shape: Sequence[int], exact: bool) -> Array:
    """The array that a function gave, in float64 or, where it was asked with Fractions, in Fractions.

    >>> answer("rule", [1, 0], (2,), False)
    array([1., 0.])
    >>> answer("rule", [0.5], (1,), True)
    Traceback (most recent call last):
    TypeError: rule must give Fractions for Fractions, got 0.5 of type float64
    """
    found = np.asarray(got)
    if found.shape != tuple(shape):
        raise ValueError(f"{name} must return shape {tuple(shape)}, got {found.shape}")
    if exact:
        for value in found.flat:
            if not isinstance(value, Rational):
                kind = type(value).__name__
                raise TypeError(f"{name} must give Fractions for Fractions, got {value} of type {kind}")
        return np.asarray(np.frompyfunc(_fraction, 1, 1)(found), dtype=object)
    if found.dtype.kind not in "biufO":
        raise TypeError(f"{name} must return real numbers, got dtype {found.dtype}")
    floats = found.astype(np.float64)
    if fault := not_finite(f"what {name} returns", floats):
        raise ValueError(fault)
    return floats


def differs(got: Array, expected: Array) -> Array:
    """Where they differ: Fractions at all, floats by more than rounding."""
    if expected.dtype == object:
        return np.asarray(got != expected, dtype=bool)
    return np.asarray(abs(got - expected) > ROUNDING * max(1.0, abs(expected).max(initial=0.0)))


def _fraction(value: Any) -> Fraction:
    """The exact number, of Python's integers: NumPy's would overflow."""
    return Fraction(int(value.numerator), int(value.denominator))
