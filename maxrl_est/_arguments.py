"""What arguments have to be, said in one way: "n must be an int of at least 1, got 0".

A rule lives here once. A wrong type is a TypeError and a wrong value a ValueError; both name the argument, with the
index where it has one (`at`), the rule and the value. NumPy's numbers become Python's, which JSON can have.
"""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Executor
from importlib.metadata import PackageNotFoundError, version
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def whole(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """An int of at least ``least``, and at most ``most`` if that is given.

    >>> whole("n", 0)
    Traceback (most recent call last):
    ValueError: n must be an int of at least 1, got 0
    """
    rule = f"an int of at least {least}" if most is None else f"an int in [{least}, {most}]"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be {rule}, got {value!r}")
    number = int(value)
    if number < least or (most is not None and number > most):
        raise ValueError(f"{name} must be {rule}, got {number}")
    return number


def at_most(name: str, number: int, most: int) -> int:
    """The number, where it is not above ``most``: what a computation or a machine can do.

    >>> at_most("n", 10**9, 2048)
    Traceback (most recent call last):
    ValueError: n must be at most 2048, got 1000000000
    """
    if number > most:
        raise ValueError(f"{name} must be at most {most}, got {_short(number)}")
    return number


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
    if isinstance(value, bool) or not isinstance(value, Real):
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


def all_finite(name: str, values: npt.NDArray[Any]) -> None:
    """An array of finite numbers.

    >>> all_finite("theta", np.array([0.0, np.nan]))
    Traceback (most recent call last):
    ValueError: theta[1] must be finite, got nan
    """
    if fault := not_finite(name, values):
        raise ValueError(fault)


def not_finite(name: str, values: npt.NDArray[Any]) -> str:
    """What is wrong with the first value that is not finite; empty where all are."""
    if np.isfinite(values).all():
        return ""
    index = np.argwhere(~np.isfinite(values))[0]
    return f"{at(name, index)} must be finite, got {values[tuple(index)]}"


def vector(name: str, values: Any, d: int | None = None, rule: str = "numbers") -> npt.NDArray[Any]:
    """Finite numbers (d,) just as they are, so that Fractions stay exact; ``rule`` is what else the argument may be.

    >>> vector("target", [1, "2"])
    Traceback (most recent call last):
    TypeError: target[1] must be a finite number, got '2'
    """
    array = np.asarray(values, dtype=object)
    if array.ndim == 0:
        raise TypeError(f"{name} must be {rule} ({d or 'd'},), got {words(values)}")
    for index, value in np.ndenumerate(array):
        finite(at(name, index), value)
    if array.ndim != 1 or array.size == 0 or d not in (None, array.size):
        raise ValueError(f"{name} must have one number for each coordinate, ({d or 'd'},), got shape {array.shape}")
    return array


def path_or_none(name: str, value: Any) -> Path | None:
    """Where a file is, or None."""
    if value is not None and not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} must be a path or None, got {words(value)}")
    return None if value is None else Path(value)


def callable_or_none(name: str, value: Any) -> Callable[..., Any] | None:
    """A function, or None."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be a function or None, got {words(value)}")
    found: Callable[..., Any] | None = value
    return found


def executor_or_none(name: str, value: Any) -> Executor | None:
    """What runs calls as the executors of ``concurrent.futures`` do, or None."""
    if value is not None and not callable(getattr(value, "submit", None)):
        raise TypeError(f"{name} must be an executor of concurrent.futures or None, got {words(value)}")
    found: Executor | None = value
    return found


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
