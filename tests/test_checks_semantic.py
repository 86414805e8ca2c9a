"""Wrong and right functions, written without sight of the checks: no wrong one passes, and no right one fails."""

from __future__ import annotations

import pytest

from maxrl_est.checks import check_estimator
from semantic import RIGHT, WRONG


def report_of(entry):
    return check_estimator(entry.function, objective=entry.objective, on_fail=None, **entry.options)


@pytest.mark.parametrize("name", WRONG)
def test_no_wrong_function_passes(name):
    assert report_of(WRONG[name]).verdict == "failed"


@pytest.mark.parametrize("name", RIGHT)
def test_no_right_function_fails(name):
    report = report_of(RIGHT[name])
    assert [str(check) for check in report.checks if not check.ok] == []
    assert report.verdict == "passed"
