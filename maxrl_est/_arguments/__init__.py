"""What arguments have to be, said in one way: "n must be an int of at least 1, got 0".

A rule lives here once. A wrong type is a TypeError and a wrong value a ValueError; both name the argument, with the
index where it has one (`at`), the rule and the value. NumPy's numbers become Python's, which JSON can have.
"""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Executor

_LONGEST = 100  # characters of a value in a message


def is_int(value: Any) -> bool:
    """Whether it is an int of Python or NumPy; a bool is none, and no span of time, which NumPy has for one."""
    return isinstance(value, Integral) and is_number(value)


def is_number(value: Any) -> bool:
    """Whether it is an int, a float or a Fraction, or one of NumPy's; a bool is none."""
    return isinstance(value, Real) and not isinstance(value, bool) and type(value).__name__ != "timedelta64"


def whole(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """An int of at least ``least``, and at most ``most`` if that is given.

    >>> whole("n", 0)
    Traceback (most recent call last):
    ValueError: n must be an int of at least 1, got 0
    """
    rule = f"an int of at least {least}" if most is None else f"an int in [{least}, {most}]"
    if not is_int(value):
        raise TypeError(f"{name} must be {rule}, got {words(value)}")
    number = int(value)
    if number < least or (most is not None and number > most):
        raise ValueError(f"{name} must be {rule}, got {short(number)}")
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


def at_most(name: str, number: int, most: int) -> int:
    """The number, where it is not above ``most``: what a computation or a machine can do.

    >>> at_most("n", 10**9, 2048)
    Traceback (most recent call last):
    ValueError: n must be at most 2048, got 1000000000
    """
    if number > most:
        raise ValueError(f"{name} must be at most {most}, got {short(number)}")
    return number


def finite(name: str, value: Any) -> float:
    """A finite number.

    >>> finite("baseline", float("nan"))
    Traceback (most recent call last):
    ValueError: baseline must be finite, got nan
    """
    number = _number(name, value, "a finite number")
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {short(value)}")
    return number


def positive(name: str, value: Any) -> float:
    """A finite number above 0."""
    number = _number(name, value, "a number above 0")
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be finite and above 0, got {short(value)}")
    return number


def rate(name: str, value: Any) -> float:
    """A number between 0 and 1, both excluded."""
    number = _number(name, value, "a number in (0, 1)")
    if not 0 < number < 1:
        raise ValueError(f"{name} must lie in (0, 1), got {short(value)}")
    return number


def _number(name: str, value: Any, rule: str) -> float:
    """The number as a float, infinite where no float is so large."""
    if not is_number(value):
        raise TypeError(f"{name} must be {rule}, got {words(value)}")
    number: Any = value
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def short(value: Any) -> str:
    """A number of any length in a line.

    >>> from fractions import Fraction
    >>> short(10**5000), short(Fraction(-1, 10**5000))
    ('about 10^5000', 'about -10^-5000')
    """
    try:
        text = str(value)
    except ValueError:  # an int, or a part of a Fraction, of more digits than Python writes
        size = math.log10(abs(value.numerator)) - math.log10(value.denominator)
        text = f"about {'-' if value < 0 else ''}10^{size:.0f}"
    return text if len(text) <= 40 else f"{text[:37]}..."


def listed(name: str, values: Any, what: str) -> list[Any]:
    """A list of what there are several of, in an order: which strings and sets are not.

    >>> listed("sizes", 3, "ints")
    Traceback (most recent call last):
    TypeError: sizes must be a list of ints, got 3
    """
    if isinstance(values, str | bytes | Set | Mapping) or not several(values):
        raise TypeError(f"{name} must be a list of {what}, got {words(values)}")
    return list(values)


def several(values: Any) -> bool:
    """Whether they are what can be gone through: no string, and no array of one number."""
    return isinstance(values, Iterable) and not isinstance(values, str | bytes) and getattr(values, "ndim", 1) != 0


def seed_of(name: str, value: Any) -> int:
    """A seed: as many bits as NumPy's generators begin with."""
    return at_most(name, whole(name, value, 0), (1 << 128) - 1)


def flag(name: str, value: Any) -> bool:
    """True or False, and nothing that only counts as one."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {words(value)}")
    return value


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
        raise TypeError(f"{name} must be one of {', '.join(names)}, got {words(value)}")
    if value not in names:
        hint = closest(value, names)
        raise ValueError(f"{name} must be one of {', '.join(names)}, got {words(value)}{hint and '; '}{hint}")
    return value


def closest(value: str, names: Iterable[str]) -> str:
    """A question about the name that may have been meant; empty if none is close.

    >>> closest("roo", ["rloo", "grpo"])
    "did you mean 'rloo'?"
    """
    close = difflib.get_close_matches(value, list(names), n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def printable(text: str) -> str:
    r"""The same with escapes for what is no letter on a screen: ends of lines, controls of terminals, half characters.

    >>> printable("red \x1b[31m\n")
    'red \\x1b[31m\\n'
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


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
    return str(getattr(thing, "name", None) or getattr(thing, "__name__", None) or stable_repr(thing))


def words(thing: Any) -> str:
    """What messages say of a value: its `stable_repr` in one short line, of any value.

    >>> words(10**5000), words([10**5000])
    ('about 10^5000', 'a list')
    """
    try:
        line = re.sub(r"\s+", " ", stable_repr(thing))
    except ValueError:  # something has an int of more digits than Python writes
        return short(thing) if is_number(thing) else f"a {type(thing).__name__}"
    if len(line) <= _LONGEST:
        return line
    return short(thing) if is_number(thing) else f"{line[: _LONGEST - 3]}..."


def stable_repr(thing: Any) -> str:
    """The repr without addresses, which change from process to process."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(thing))


def versions(*packages: str) -> dict[str, str]:
    """Versions by name, of the packages that are installed."""
    from importlib.metadata import PackageNotFoundError, version  # slow, and workers never ask

    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
