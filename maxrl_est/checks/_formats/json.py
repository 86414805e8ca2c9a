"""JSON whose shape is told by its ``schema``: ``maxrl-est explain formats`` is its description."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from maxrl_est.checks._formats._common import file_of
from maxrl_est.checks._pages import page
from maxrl_est.checks._text import summary
from maxrl_est.files.formats import plain

if TYPE_CHECKING:
    from maxrl_est.checks._report import Check, CheckReport

SCHEMA = "maxrl_est.check/1"
SETTINGS = ("objective", "group_sizes", "seed", "tolerance", "scale")  # what every report has; null where not given


def document(reports: Sequence[CheckReport]) -> str:
    """The reports as one object."""
    return json.dumps(as_dict(reports), indent=2, allow_nan=False) + "\n"


def as_dict(reports: Sequence[CheckReport]) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "maxrl-est", "version": version("maxrl-est")},
        "passed": bool(reports) and all(report.passed for report in reports),
        "reports": list(map(report_as_dict, reports)),
    }


def report_as_dict(report: CheckReport) -> dict[str, Any]:
    """One report."""
    settings = {name: value if value != {} else None for name, value in report.settings.items()}
    found: dict[str, Any] = plain(
        {
            "function": report.estimator,
            "file": file_of(report),
            "line": report.place[1] if report.place else None,
            "verdict": report.verdict,
            "passed": report.passed,
            "summary": summary(report),
            **dict.fromkeys(SETTINGS),
            **settings,
            "tried": report.tried,
            "checks": list(map(_check, report.checks)),
            "noise": [
                {
                    "problem": row.problem,
                    "n": row.n,
                    "estimator": row.estimator,
                    "noise": row.noise,
                    "times_limit": row.times_limit,
                }
                for row in report.noise
            ],
            "prompts": [
                {"responses": row.responses, "prompt": row.prompt, "share": row.share, "degrees": row.degrees}
                for row in report.prompts
            ],
        }
    )
    return found


def _check(check: Check) -> dict[str, Any]:
    wrong = check.severity in ("failed", "warned")
    return {
        "id": check.id,
        "name": check.name,
        "status": check.status,
        "severity": check.severity,
        "message": check.message,
        "reproduce": check.reproduce,
        "found": check.found,
        "reason": check.reason,
        "known_fault": check.known_fault,
        "advice": page(check.id).advice_on(check.severity) if wrong else "",
        "page": f"maxrl-est explain {check.id}",
    }
