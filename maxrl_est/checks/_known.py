"""Faults that are known: what exactly is found, so that another fault is not taken for this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from maxrl_est._arguments import is_number, one_of, positive, words

Found: TypeAlias = Mapping[str, Any]
"""What a check found, by name: numbers, lists of numbers and words."""


@dataclass(frozen=True, slots=True)
class KnownFault:
    """A fault that a check is known to find, stated so that the check fails when it finds something else.

    Reports print the line to paste for each check that fails. Not a way to have a check left out: it has to fail, and
    as stated.

    Parameters
    ----------
    reason : why it is so, in words
    found : what the check finds, by name: numbers, lists of numbers, words
    tolerance : by how much numbers may differ, relative to the largest number of their entry

    Raises
    ------
    TypeError, ValueError
        For what is not as above.

    >>> fault = KnownFault("divides by the standard deviation", {"nearest": "J_1", "scale": 2.1})
    >>> fault.matches({"nearest": "J_1", "scale": 2.1001}), fault.matches({"nearest": "J_1", "scale": -2.1})
    (True, False)
    """

    reason: str
    found: Found
    tolerance: float = 1e-3

    def __post_init__(self) -> None:
        if not isinstance(self.reason, str):
            raise TypeError(f"reason must be a str, got {words(self.reason)}")
        if not isinstance(self.found, Mapping):
            raise TypeError(f"found must be a dict of what the check finds, got {words(self.found)}")
        object.__setattr__(self, "tolerance", positive("tolerance", self.tolerance))

    def matches(self, found: Found) -> bool:
        """Whether this is what was found.

        >>> KnownFault("biased", {"bias": [0.5, 0.0]}).matches({"bias": [0.5, 0.1]})
        False
        """
        return self.found.keys() == found.keys() and all(
            _alike(value, found[name], self.tolerance) for name, value in self.found.items()
        )


KnownFaults: TypeAlias = Mapping[str, KnownFault]
"""Known faults by the names of the checks that find them."""


def _alike(stated: Any, found: Any, tolerance: float) -> bool:
    if isinstance(stated, str) or isinstance(found, str):
        return bool(stated == found)
    first, second = np.atleast_1d(stated).astype(np.float64), np.atleast_1d(found).astype(np.float64)
    if first.shape != second.shape:
        return False
    return bool(np.all(abs(first - second) <= tolerance * np.max(abs(first), initial=0.0)))


def known(faults: Any, names: Mapping[str, Any]) -> KnownFaults:
    """The same faults; TypeError or ValueError where they are not by names of checks, or do not say what is found."""
    if not isinstance(faults, Mapping):
        raise TypeError(
            f"expected_failed_checks must be a dict of KnownFaults by the names of checks, got {words(faults)}"
        )
    for name, fault in faults.items():
        one_of("a name in expected_failed_checks", name, names)
        if not isinstance(fault, KnownFault):
            rule = "a maxrl_est.checks.KnownFault, which says what is found (a report prints the line to paste)"
            raise TypeError(f"expected_failed_checks[{name!r}] must be {rule}, got {words(fault)}")
    return faults


def line(name: str, found: Found, reason: str = "WHY IT IS SO") -> str:
    """What to paste into ``expected_failed_checks`` for a check that found this.

    >>> line("effective objective", {"nearest": "J_1", "scale": 2.09961}, "divides by the sd")
    "'effective objective': KnownFault('divides by the sd', {'nearest': 'J_1', 'scale': 2.0996}),"
    """
    return f"{name!r}: KnownFault({reason!r}, {_short(dict(found))!r}),"


def _short(value: Any) -> Any:
    """The same with five digits of each number, which are ten times more than a known fault needs."""
    if isinstance(value, Mapping):
        return {key: _short(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_short(entry) for entry in value]
    if isinstance(value, int) or not is_number(value):
        return value
    return float(f"{float(value):.5g}")
