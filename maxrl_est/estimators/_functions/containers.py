"""Numbers as a function wants them, and its results as NumPy's. Frameworks are imported by users' modules, not here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Rational
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array

ARRAYS = ("numpy", "torch", "torch in float32", "jax", "list")
IDS = ("strings", "ints", "ints as rewards are", "a list of strings", "a list of ints")


def loaded(array: str) -> bool:
    """Whether what makes such arrays has been imported."""
    framework = array.partition(" ")[0]
    return framework == "list" or framework in sys.modules


def ids_for(array: str) -> tuple[str, ...]:
    """How group ids may come with such rewards, likeliest first: JAX has no strings."""
    if array == "jax":
        return (IDS[2], IDS[0], IDS[1])
    return IDS[3:] + IDS[:2] if array == "list" else IDS


def given(values: Array, array: str) -> Any:
    """NumPy's rewards as one of these; torch and JAX compute in float64 unless the rewards are float32."""
    if array == "numpy":
        return values
    if array == "list":
        return values.tolist()
    short = values.dtype == np.float32 or array == "torch in float32"
    return _framed(values.astype(np.float32 if short else np.float64), array)


def whole_numbers(values: Array, array: str) -> Any:
    """Masks, or ids, of the kind that rewards are."""
    return given(values, array) if array in ("numpy", "list") else _framed(values.copy(), array)


def _framed(values: Array, array: str) -> Any:
    if array == "jax":
        return sys.modules["jax"].numpy.asarray(values)
    return sys.modules["torch"].from_numpy(values)


def ids_as(codes: Array, kind: str, array: str) -> Any:
    """Ids of groups numbered ``(M,)``, as the function takes them."""
    words = [f"prompt {code}" for code in codes.tolist()]
    match kind:
        case "strings":
            return np.array(words, dtype=object)
        case "ints":
            return codes.copy()
        case "a list of strings":
            return words
        case "a list of ints":
            return codes.tolist()
    return whole_numbers(codes, array)


@contextmanager
def double_precision(array: str) -> Iterator[None]:
    """JAX has float64 only where it is asked to."""
    switch = getattr(sys.modules.get("jax"), "enable_x64", None)
    if array == "jax" and switch is not None:
        with switch(True):
            yield
    else:
        yield


def numbers(found: Any) -> Array:
    """Results as float64, or as Fractions where they are; tensors may have gradients, and lists may hold tensors.

    >>> numbers([1, 0.5])
    array([1. , 0.5])
    """
    array = in_numpy(found)
    if array.dtype.kind == "b":
        raise TypeError(f"advantages must be real numbers, got dtype {array.dtype}")
    return array if array.dtype == object else array.astype(np.float64)


def in_numpy(values: Any) -> Array:
    """A copy as a NumPy array: of Fractions, of bools, or of float64."""
    array = np.array(_plain(values))
    if array.dtype == object and array.size and all(isinstance(x, Rational) for x in array.flat):
        return array
    if array.dtype.kind not in "fiuOb":
        raise TypeError(f"advantages must be real numbers, got dtype {array.dtype}")
    return array if array.dtype.kind == "b" else array.astype(np.float64)


def _plain(found: Any) -> Any:
    if hasattr(found, "detach"):  # of torch
        tensor = found.detach().cpu()
        return (tensor.double() if tensor.is_floating_point() else tensor).numpy()
    return [_plain(part) for part in found] if isinstance(found, list | tuple) else found
