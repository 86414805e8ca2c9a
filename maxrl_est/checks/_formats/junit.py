"""JUnit's XML: a suite for each function, a case for each check."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from maxrl_est.checks._formats._common import file_of, outcomes, told

if TYPE_CHECKING:
    from maxrl_est.checks._report import Check, CheckReport

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(reports: Sequence[CheckReport]) -> str:
    """One file of all reports; a known fault that is found counts as skipped, as pytest has it."""
    suites = [_suite(report) for report in reports]
    root = ElementTree.Element("testsuites", {"name": "maxrl-est", **_sums(suites)})
    root.extend(suites)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _suite(report: CheckReport) -> ElementTree.Element:
    cases = [_case(report, check) for check in outcomes(report)]
    counts = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": 0,
        "skipped": sum(case.find("skipped") is not None for case in cases),
    }
    suite = ElementTree.Element(
        "testsuite", {"name": _clean(report.estimator), **{name: str(count) for name, count in counts.items()}}
    )
    suite.extend(cases)
    return suite


def _case(report: CheckReport, check: Check) -> ElementTree.Element:
    place = {}
    file = file_of(report)
    if file is not None and report.place is not None:
        place = {"file": _clean(file), "line": str(report.place[1])}
    case = ElementTree.Element("testcase", {"classname": _clean(report.estimator), "name": check.name, **place})
    message = _clean(f"{check.message}{check.expectation}")
    if check.severity == "failed":
        failure = ElementTree.SubElement(case, "failure", {"message": message, "type": check.id})
        failure.text = _clean(told(check))
    elif check.status in ("skipped", "xfailed"):
        ElementTree.SubElement(case, "skipped", {"message": message})
    else:
        output = ElementTree.SubElement(case, "system-out")
        output.text = message if check.severity == "passed" else f"warning: {_clean(told(check))}"
    return case


def _sums(suites: Sequence[ElementTree.Element]) -> dict[str, str]:
    names = ("tests", "failures", "errors", "skipped")
    return {name: str(sum(int(suite.get(name, 0)) for suite in suites)) for name in names}


def _clean(text: str) -> str:
    """Without the characters that XML cannot have, which are written out."""
    return _NO_XML.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
