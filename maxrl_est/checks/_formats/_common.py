"""What the formats share: where a function is, what is wrong with it, and what a reader is told of that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from maxrl_est.checks._pages import page
from maxrl_est.checks._text import undecided

if TYPE_CHECKING:
    from maxrl_est.checks._report import Check, CheckReport

UNDECIDED = "verdict"  # stands for a check, where none decides: no machine may take that for a pass


def outcomes(report: CheckReport) -> tuple[Check, ...]:
    """All checks, and where none decides, that as a failure."""
    if report.verdict != "undecided":
        return report.checks
    first = report.checks[0]
    return (*report.checks, replace(first, name=UNDECIDED, status="failed", message=undecided(report), found={}))


def file_of(report: CheckReport) -> str | None:
    """The function's file, relative to the current folder if it is below; with slashes on every system."""
    if report.place is None:
        return None
    path = Path(report.place[0]).resolve()
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()


def told(check: Check) -> str:
    """Message, line that reproduces it, and what to do, in lines."""
    lines = [f"{check.message}{check.expectation}"]
    if check.reproduce:
        lines.append(f"reproduce: {check.reproduce}")
    return "\n".join([*lines, f"{page(check.id).advice_on(check.severity)} (maxrl-est explain {check.id})"])
