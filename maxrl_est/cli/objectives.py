"""What --objective takes: one table of its forms, which `maxrl-est list objectives` shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from maxrl_est.cli.console import Misuse, as_misuse

if TYPE_CHECKING:
    from maxrl_est.objectives import Objective


_FAR = re.compile(r"[eE][+-]?0*[0-9]{4}")  # exponents that a Fraction would spell out


@dataclass(frozen=True, slots=True)
class Form:
    """One form: a word, and capital letters for numbers. ``method`` of `Objective` takes these numbers."""

    text: str
    method: str
    says: str
    per_size: bool = False  # whether the method itself is meant, which takes each group size


FORMS = (
    Form("expected", "expected", "the pass rate p itself: what REINFORCE and RLOO ascend"),
    Form("maxrl", "maxrl", "log p truncated at the group size, whichever that is", per_size=True),
    Form("maxrl:T", "maxrl", "log p truncated at order T"),
    Form("pass:K", "pass_at", "pass@K, the chance that one of K attempts succeeds"),
    Form("all:K", "all_of", "pass^K, the chance that all of K attempts succeed"),
    Form("tsallis:Q:T", "tsallis", "Tsallis' logarithm, w(p) = p^-Q, truncated at order T"),
)


def declared(text: str | None, largest: int) -> Objective | Callable[[int], Objective] | None:
    """The objective that a text names; its order is at most the largest group size."""
    from maxrl_est.objectives import Objective

    if text is None:
        return None
    word, *given = text.split(":")
    for form in FORMS:
        name, *letters = form.text.split(":")
        if (word, len(given)) == (name, len(letters)):
            method: Any = getattr(Objective, form.method)
            numbers = [_number(letter, value, largest) for letter, value in zip(letters, given, strict=True)]
            with as_misuse():
                found: Objective | Callable[[int], Objective] = method if form.per_size else method(*numbers)
            return found
    forms = [form.text for form in FORMS]
    raise Misuse(f"--objective must be {', '.join(forms[:-1])} or {forms[-1]}, got {text!r}")


def _number(letter: str, text: str, largest: int) -> int | Fraction:
    return fraction("Q in --objective", text) if letter == "Q" else _order(text, largest)


def _order(text: str, largest: int) -> int:
    if not (text.isdecimal() and len(text) < 20 and 1 <= int(text) <= largest):
        rule = f"an int in [1, {largest}], as no group of --group-sizes is larger"
        raise Misuse(f"the order in --objective must be {rule}, got {text!r}")
    return int(text)


def fraction(option: str, text: str) -> Fraction:
    """The number that a decimal or a fraction is, exactly."""
    try:
        if _FAR.search(text):
            raise ValueError
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise Misuse(f"{option} must be a number such as 0.3 or 3/10, got {text!r}") from None
