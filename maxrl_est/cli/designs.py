"""What --design takes: the rules of `maxrl_est.designs` with their numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maxrl_est.cli.console import Misuse, as_misuse

if TYPE_CHECKING:
    from maxrl_est.estimators.designs import Design

RULES = {"fixed": "N", "until_mixed": "N", "until_successes": "K,N", "staged": "N,MORE"}
WORDS = ", ".join(f"{name}({numbers})" for name, numbers in RULES.items())


def design(text: str | None) -> Design | None:
    """The design that a text names, None for None; Misuse where it is none.

    >>> str(design("until_successes(1,16)"))
    'until_successes(1, 16)'
    """
    from maxrl_est.estimators import designs

    if text is None:
        return None
    match = re.fullmatch(r"(\w+)\((\d+(?:, ?\d+)?)\)", text)
    if not match or match[1] not in RULES or match[2].count(",") != RULES[match[1]].count(","):
        raise Misuse(f"--design must be one of {WORDS}, got {text}")
    with as_misuse():
        made: Design = getattr(designs, match[1])(*map(int, match[2].split(",")))
    return made
