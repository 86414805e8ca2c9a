"""Annotations of GitHub Actions: a line for each fault, warning and verdict, at the function's line of its file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from maxrl_est.checks._formats._common import UNDECIDED, file_of, outcomes, told
from maxrl_est.checks._text import summary

if TYPE_CHECKING:
    from maxrl_est.checks._report import CheckReport

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _DATA | str.maketrans({":": "%3A", ",": "%2C"})


def document(reports: Sequence[CheckReport]) -> str:
    """The annotations of all reports."""
    return "".join(f"{line}\n" for report in reports for line in _lines(report))


def _lines(report: CheckReport) -> Iterator[str]:
    for check in outcomes(report):
        if check.severity in ("failed", "warned"):
            command = "error" if check.severity == "failed" else "warning"
            title = report.verdict if check.name == UNDECIDED else check.name
            yield _annotation(command, report, f"{report.estimator}: {title}", told(check))
    yield _annotation("notice", report, "maxrl-est", summary(report))


def _annotation(command: str, report: CheckReport, title: str, message: str) -> str:
    properties = {"title": title}
    file = file_of(report)
    if file is not None and report.place is not None:
        properties = {"file": file, "line": str(report.place[1]), **properties}
    given = ",".join(f"{name}={value.translate(_PROPERTY)}" for name, value in properties.items())
    return f"::{command} {given}::{message.translate(_DATA)}"
