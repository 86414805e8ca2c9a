"""Odd arguments: what is never right, what may be, and the same values in another form. Each is made anew when used."""

from __future__ import annotations

import datetime
import decimal
import functools
import importlib.util
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np


class Odd:
    """A class that is called with anything."""

    def __init__(self, *arguments, **named):
        pass


def anything(*arguments, **named):
    """A function that takes anything and returns nothing."""


NEVER = {  # refused wherever the call does not say that it takes them
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "-inf": lambda: float("-inf"),
    "np nan": lambda: np.float64("nan"),
    "float32 nan": lambda: np.float32("nan"),
    "longdouble nan": lambda: np.longdouble("nan"),
    "'4'": lambda: "4",
    "b''": lambda: b"",
    "{}": dict,
    "object": object,
    "complex": lambda: 0.5 + 0j,
    "np complex": lambda: np.complex128(0.5),
    "Decimal": lambda: decimal.Decimal("0.5"),
    "Decimal nan": lambda: decimal.Decimal("nan"),
    "datetime64": lambda: np.datetime64("2020-01-01"),
    "timedelta64": lambda: np.timedelta64(1, "D"),
    "date": lambda: datetime.date(2020, 1, 1),
    "generator": lambda: (x for x in (object(),)),
    "ragged": lambda: [[0.5], [0.5, 0.5]],
    "structured": lambda: np.zeros(2, dtype=[("a", float), ("b", int)]),
    "masked": lambda: np.ma.array([0.5, 0.5], mask=[False, True]),
    "masked scalar": lambda: np.ma.masked,
    "object array": lambda: np.array([object(), None]),
    "string array": lambda: np.array(["0.5", "x"]),
    "complex array": lambda: np.array([0.5 + 0j, 1]),
    "nan array": lambda: np.array([0.5, np.nan]),
    "datetime array": lambda: np.array(["2020-01-01"], dtype="datetime64[D]"),
    "0-d object": lambda: np.array(None),
    "0-d string": lambda: np.array("x"),
    "set": lambda: {0.5},
    "type": lambda: Odd,
    "function": lambda: anything,
}

PERHAPS = {  # refused, or taken for what they are
    "-1": lambda: -1,
    "0": lambda: 0,
    "-0.0": lambda: -0.0,
    "True": lambda: True,
    "np True": lambda: np.True_,
    "2.0": lambda: 2.0,
    "1e308": lambda: 1e308,
    "subnormal": lambda: 5e-324,
    "1 - 2^-53": lambda: 1 - 2.0**-53,
    "10**400": lambda: 10**400,
    "-10**400": lambda: -(10**400),
    "10**5000": lambda: 10**5000,
    "Fraction(1, 3)": lambda: Fraction(1, 3),
    "Fraction(10**400)": lambda: Fraction(10**400),
    "Fraction(1, 10**400)": lambda: Fraction(1, 10**400),
    "2**63": lambda: 2**63,
    "uint64": lambda: np.uint64(2**64 - 1),
    "int8": lambda: np.int8(-128),
    "None": lambda: None,
    "[]": list,
    "range of none": lambda: range(0),
    "()": tuple,
    "''": str,
    "empty array": lambda: np.array([]),
    "empty matrix": lambda: np.zeros((0, 3)),
    "0-d array": lambda: np.array(0.5),
    "bytearray": lambda: bytearray(b"\0\1"),
    "matrix": lambda: np.full((2, 2, 2), 0.5),
    "[None]": lambda: [None],
    "[[3]]": lambda: [[3]],
}

ENTRIES = (  # that also stand in the place of one entry of a list
    *("nan", "inf", "'4'", "b''", "{}", "object", "complex", "Decimal", "datetime64", "masked scalar", "type"),
    *("-1", "True", "10**400", "10**5000", "Fraction(10**400)", "Fraction(1, 10**400)", "None", "[]", "[[3]]"),
    *("0-d array", "subnormal", "longdouble nan", "string array", "structured", "function", "uint64"),
)


def forms(value):
    """The same value in other forms, by name; the answer is the same for those whose name begins with "same"."""
    if isinstance(value, bool | str | None):
        return {}
    if isinstance(value, int | float):
        kinds = (np.float64, np.float32, np.float16, np.longdouble, np.array, Fraction, decimal.Decimal)
        kinds += (np.int64, np.int8, np.uint8) if isinstance(value, int) else ()
        return {f"{kind.__name__} of it": functools.partial(kind, value) for kind in kinds}
    try:
        array = np.array(value)
    except ValueError:
        return {}
    if array.dtype.kind not in "iuf" or not array.ndim:
        return {}
    found = {
        "same, big-endian": lambda: array.astype(array.dtype.newbyteorder(">")),
        "same, strided": lambda: np.repeat(array, 2, axis=-1)[..., ::2],
        "same, backwards": lambda: array[..., ::-1].copy()[..., ::-1],
        "same, Fortran": lambda: np.asfortranarray(array),
        "same, read-only": lambda: read_only(array),
        "same, memmap": lambda: memmap(array),
        "same, subclass": lambda: array.view(np.recarray) if array.dtype.names else array.view(Subclass),
        "same, unmasked": lambda: np.ma.array(array),
        "float32 of it": lambda: array.astype(np.float32),
        "float16 of it": lambda: array.astype(np.float16),
        "longdouble of it": lambda: array.astype(np.longdouble),
        "objects of it": lambda: array.astype(object),
        "Fractions of it": lambda: np.vectorize(Fraction, otypes=[object])(array.astype(object)),
        "strings of it": lambda: array.astype(str),
        "list of it": array.tolist,
        "list of numbers of it": lambda: list(array),
        "generator of it": lambda: (x for x in array.tolist()),
    }
    if array.ndim == 1:
        for package in ("pandas", "polars"):
            if importlib.util.find_spec(package):
                found[f"same, {package}"] = lambda package=package: importlib.import_module(package).Series(array)
    return found


class Subclass(np.ndarray):
    """An array of another class."""


def read_only(array):
    view = array.view()
    view.flags.writeable = False
    return view


def memmap(array):
    path = Path(tempfile.mkdtemp()) / "values"
    kept = np.memmap(path, dtype=array.dtype, mode="w+", shape=array.shape)
    kept[...] = array
    path.unlink()  # which the map survives
    path.parent.rmdir()
    return kept


def with_entry(values, odd):
    """The list, or the array as a list, with an odd last entry."""
    nested = values.tolist() if isinstance(values, np.ndarray) else list(values)
    inner = nested
    while isinstance(inner[-1], list | tuple) and isinstance(values, np.ndarray | list):
        inner[-1] = list(inner[-1])
        inner = inner[-1]
    inner[-1] = odd
    return tuple(nested) if isinstance(values, tuple) else nested
