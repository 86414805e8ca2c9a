"""SARIF 2.1.0 of OASIS, which code scanning reads: a rule for each check, a result for each fault and warning."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from maxrl_est.checks._formats._common import file_of, outcomes, told
from maxrl_est.checks._pages import page

if TYPE_CHECKING:
    from maxrl_est.checks._report import CheckReport

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"failed": "error", "failed or warned": "error", "warned": "warning"}


def document(reports: Sequence[CheckReport]) -> str:
    """One run of all reports."""
    ids = list(dict.fromkeys(check.id for report in reports for check in outcomes(report)))
    driver = {"name": "maxrl-est", "version": version("maxrl-est"), "rules": list(map(_rule, ids))}
    results = [result for report in reports for result in _results(report, ids)]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, allow_nan=False) + "\n"


def _rule(id: str) -> dict[str, Any]:
    about = page(id)
    return {
        "id": id,
        "shortDescription": {"text": about.description},
        "fullDescription": {"text": f"{about.description} {about.advice}"},
        "help": {"text": about.text, "markdown": about.text},
        "defaultConfiguration": {"level": _LEVELS.get(about.severity, "note")},
    }


def _results(report: CheckReport, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    for check in outcomes(report):
        if check.severity in ("failed", "warned"):
            yield {
                "ruleId": check.id,
                "ruleIndex": ids.index(check.id),
                "level": "error" if check.severity == "failed" else "warning",
                "message": {"text": f"{report.estimator}: {told(check)}"},
                "locations": _locations(report),
                "partialFingerprints": {"check/v1": f"{report.estimator}/{check.id}"},
            }


def _locations(report: CheckReport) -> list[dict[str, Any]]:
    file = file_of(report)
    if file is None or report.place is None:
        return []
    uri = Path(file).as_uri() if Path(file).is_absolute() else quote(file)
    region = {"startLine": max(1, report.place[1])}
    return [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}]
