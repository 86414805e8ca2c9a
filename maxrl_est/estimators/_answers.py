"""What a function of one's own gives back, checked: its shape, and that it is made of finite real numbers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from numbers import Rational, Real
from typing import Any

import numpy as np

from maxrl_est._arguments import at, words
from maxrl_est._arguments.arrays import not_finite
from maxrl_est._arguments.protocols import Array

ROUNDING = 1e-5  # relative: what float32 may lose, and what depends on order or batch exceeds
_EVERY = 4  # rollouts in the largest group that is tried in every order
_LEAST = 1e-3  # of the largest: float32 leaves no less of numbers of size 1 that cancel


def real_numbers_of(name: str, got: Any, what: str = "numbers") -> Array:
    """What a function gave as an array of real numbers, or of objects, which may be Fractions.

    >>> real_numbers_of("rule", [1j])
    Traceback (most recent call last):
    TypeError: rule must return real numbers, got dtype complex128
    """
    if np.ma.is_masked(got):
        raise ValueError(f"{name} must return a number for every rollout, got a masked entry")
    try:
        found = np.asarray(got)
    except ValueError:
        raise ValueError(f"{name} must return one array, got rows of different lengths") from None
    except (RuntimeError, TypeError) as error:  # of a tensor with a graph, on a device, or of a type of its own
        said = str(error).splitlines()[0]
        raise TypeError(f"{name} must return what NumPy can read, got {type(got).__name__}: {said}") from error
    if found.dtype.kind not in "biufO":
        raise TypeError(f"{name} must return real numbers, got dtype {found.dtype}")
    if found.dtype == object and found.ndim:  # of one thing the shape is said to be wrong
        for index, value in np.ndenumerate(found):
            if not isinstance(value, Real):
                raise TypeError(f"{name} must return real {at(what, index)}, got {words(value)}")
    return found


def answer(name: str, got: Any, shape: Sequence[int], exact: bool) -> Array:
    """The array that a function gave, in float64 or, where it was asked with Fractions, in Fractions.

    >>> answer("rule", [1, 0], (2,), False)
    array([1., 0.])
    >>> answer("rule", [0.5], (1,), True)
    Traceback (most recent call last):
    TypeError: rule must give Fractions for Fractions, got 0.5 of type float64
    """
    found = real_numbers_of(name, got)
    if found.shape != tuple(shape):
        raise ValueError(f"{name} must return shape {tuple(shape)}, got {found.shape}")
    if exact:
        for value in found.flat:
            if not isinstance(value, Rational):
                kind = type(value).__name__
                raise TypeError(f"{name} must give Fractions for Fractions, got {value} of type {kind}")
        return np.asarray(np.frompyfunc(fraction_of, 1, 1)(found), dtype=object)
    floats = found.astype(np.float64)
    if fault := not_finite(f"what {name} returns", floats):
        raise ValueError(fault)
    return floats


def orders(size: int) -> list[Array]:
    """Orders of so many rollouts: all of few; else two exchanged, shifted, every other one first, and two at random.

    Exchanges and shifts lead to every order, so that no part of a group can be told from another by all of these.
    """
    if size <= _EVERY:
        return [np.array(order) for order in itertools.permutations(range(size))][1:] or [np.arange(size)]
    exchanged, places = np.arange(size), np.arange(size)
    exchanged[:2] = exchanged[:2][::-1]
    rng = np.random.default_rng(size)
    apart = np.concatenate([places[1::2], places[::2]])
    return [exchanged, np.roll(places, 1), apart, rng.permutation(size), rng.permutation(size)]


def differs(got: Array, expected: Array) -> Array:
    """Where they differ: Fractions at all, floats by more than rounding of the largest."""
    if expected.dtype == object:
        return np.asarray(got != expected, dtype=bool)
    return np.asarray(abs(got - expected) > ROUNDING * max(_LEAST, abs(expected).max(initial=0.0)))


def fraction_of(value: Any) -> Fraction:
    """The exact number, of Python's integers: NumPy's would overflow."""
    return Fraction(int(value.numerator), int(value.denominator))
