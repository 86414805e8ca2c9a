"""What arguments have to be, said in one way: "n must be an int of at least 1, got 0".

A rule lives here once. A wrong type is a TypeError and a wrong value a ValueError; both name the argument, with the
index where it has one (`at`), the rule and the value. NumPy's numbers become Python's, which JSON can have.
"""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Collection, Iterable
from importlib.metadata import PackageNotFoundError, version
from numbers import Integral, Real
from typing import Any


def is_int(value: Any) -> bool:
    """Whether it is an int of Python or NumPy; a bool is none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether it is an int, a float or a Fraction, or one of NumPy's; a bool is none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def whole(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """An int of at least ``least``, and at most ``most`` if that is given.

    >>> whole("n", 0)
    Traceback (most recent call last):
    ValueError: n must be an int of at least 1, got 0
    """
    rule = f"an int of at least {least}" if most is None else f"an int in [{least}, {most}]"
    if not is_int(value):
        raise TypeError(f"{name} must be {rule}, got {value!r}")
    number = int(value)
    if number < least or (most is not None and number > most):
        raise ValueError(f"{name} must be {rule}, got {number}")
    return number


def different(name: str, values: list[int]) -> None:
    """ValueError for an int that comes again.

    >>> different("seeds", [0, 1, 0])
    Traceback (most recent call last):
    ValueError: seeds[2] must differ from seeds[0], got 0 again
    """
    for index, value in enumerate(values):
        if value in values[:index]:
            raise ValueError(f"{name}[{index}] must differ from {name}[{values.index(value)}], got {value} again")


def finite(name: str, value: Any) -> float:
    """A finite number.

    >>> finite("baseline", float("nan"))
    Traceback (most recent call last):
    ValueError: baseline must be finite, got nan
    """
    number = _number(name, value, "a finite number")
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {_short(value)}")
    return number


def positive(name: str, value: Any) -> float:
    """A finite number above 0."""
    number = _number(name, value, "a number above 0")
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be finite and above 0, got {_short(value)}")
    return number


def rate(name: str, value: Any) -> float:
    """A number between 0 and 1, both excluded."""
    number = _number(name, value, "a number in (0, 1)")
    if not 0 < number < 1:
        raise ValueError(f"{name} must lie in (0, 1), got {_short(value)}")
    return number


def _number(name: str, value: Any, rule: str) -> float:
    """The number as a float, infinite where no float is so large."""
    if not is_number(value):
        raise TypeError(f"{name} must be {rule}, got {value!r}")
    number: Any = value
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _short(value: Any) -> str:
    """A number of any length in a line."""
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def all_finite(name: str, values: Any) -> None:
    """An array of finite numbers.

    >>> import numpy as np
    >>> all_finite("theta", np.array([0.0, np.nan]))
    Traceback (most recent call last):
    ValueError: theta[1] must be finite, got nan
    """
    if fault := not_finite(name, values):
        raise ValueError(fault)


def not_finite(name: str, values: Any) -> str:
    """What is wrong with the first value of an array that is not finite; empty where all are."""
    import numpy as np  # here, since commands that need no numbers do without

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
    array = entries(values)
    if array.dtype.kind in "iuf":
        all_finite(name, array)
        return array
    if array.ndim == 0:
        raise TypeError(f"{name} must be an array of finite numbers, got {words(values)}")
    for index, x in np.ndenumerate(array.astype(object)):
        finite(at(name, index), x)
    ints = array.size and all(isinstance(x, Integral) for x in array.flat)
    return array.astype(np.int64 if ints else np.float64)


def entries(values: Any) -> npt.NDArray[Any]:
    """A copy as an array that makes no numbers of bools and no strings of numbers, as NumPy does in lists of both."""
    return np.array(values) if hasattr(values, "__array__") else np.array(values, dtype=object)


def listed(name: str, values: Any, what: str) -> list[Any]:
    """A list of what there are several of, which a string is not.

    >>> listed("sizes", 3, "ints")
    Traceback (most recent call last):
    TypeError: sizes must be a list of ints, got 3
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable) or getattr(values, "ndim", 1) == 0:
        raise TypeError(f"{name} must be a list of {what}, got {words(values)}")
    return list(values)


def flag(name: str, value: Any) -> bool:
    """True or False, and nothing that only counts as one."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {words(value)}")
    return bool(value)


def callable_or_none(name: str, value: Any) -> Any:
    """A function, or None."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be a function or None, got {words(value)}")
    return value


def path_or_none(name: str, value: Any) -> Any:
    """The path of a file, or None."""
    if not isinstance(value, str | os.PathLike | None):
        raise TypeError(f"{name} must be a path or None, got {words(value)}")
    return value


def executor_or_none(name: str, value: Any) -> Any:
    """What work can be submitted to, or None."""
    if value is not None and not callable(getattr(value, "submit", None)):
        raise TypeError(f"{name} must be an Executor of concurrent.futures or None, got {words(value)}")
    return value


def one_of(name: str, value: Any, names: Collection[str]) -> str:
    """One of some names.

    >>> one_of("baseline", "mean", ("none", "mean_loo"))
    Traceback (most recent call last):
    ValueError: baseline must be one of none, mean_loo, got 'mean'; did you mean 'mean_loo'?
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {', '.join(names)}, got {value!r}")
    if value not in names:
        hint = closest(value, names)
        raise ValueError(f"{name} must be one of {', '.join(names)}, got {value!r}{hint and '; '}{hint}")
    return value


def closest(value: str, names: Iterable[str]) -> str:
    """A question about the name that may have been meant; empty if none is close.

    >>> closest("roo", ["rloo", "grpo"])
    "did you mean 'rloo'?"
    """
    close = difflib.get_close_matches(value, list(names), n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def at(name: str, index: Iterable[Any]) -> str:
    """How an entry of an array is written.

    >>> at("likelihoods", (0, 3)), at("likelihoods", ())
    ('likelihoods[0, 3]', 'likelihoods')
    """
    numbers = ", ".join(str(int(i)) for i in index)
    return f"{name}[{numbers}]" if numbers else name


def name_of(thing: Any) -> str:
    """What messages and reports call a function, a row or a problem: its own name, and nothing that changes by process.

    >>> name_of(name_of), name_of(3)
    ('name_of', '3')
    """
    return str(getattr(thing, "name", None) or getattr(thing, "__name__", None) or words(thing))


def words(thing: Any) -> str:
    """The repr without addresses, which change from process to process."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(thing))


def versions(*packages: str) -> dict[str, str]:
    """Versions by name, of the packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
