"""Wrong and right training steps: a wrong one fails the check that is to find it, for its cause, and no right one."""

from __future__ import annotations

import pytest

from maxrl_est.checks import check_step
from steps_right import RIGHT as USUAL_RIGHT
from steps_right_styles import RIGHT as OF_OTHER_STYLES
from steps_usual import USUAL
from steps_wrong import WRONG as OF_REWARDS
from steps_wrong_ratios import WRONG as OF_RATIOS
from steps_wrong_terms import WRONG as OF_TERMS

WRONG = OF_REWARDS | OF_RATIOS | OF_TERMS
RIGHT = USUAL_RIGHT | OF_OTHER_STYLES


def test_the_tables_are_large_and_no_name_is_in_both():
    assert len(WRONG) == len(OF_REWARDS) + len(OF_RATIOS) + len(OF_TERMS) >= 80
    assert len(RIGHT) == len(USUAL_RIGHT) + len(OF_OTHER_STYLES) >= 25
    assert not {*WRONG} & {*RIGHT}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_step_fails_the_check_of_its_fault_which_names_the_cause(name):
    entry = WRONG[name]
    report = check_step(entry.step, on_fail=None, **entry.options)
    check = report[entry.check]
    assert check.status == entry.status
    assert [word for word in entry.words if word not in check.message] == []
    assert entry.status == "warned" or report.verdict == "failed"


@pytest.mark.parametrize("name", RIGHT)
def test_no_check_fails_a_right_step(name):
    entry = RIGHT[name]
    report = check_step(entry.step, on_fail=None, **entry.options)
    assert [str(check) for check in report.checks if not check.ok] == []
    assert report.verdict == "passed"


@pytest.mark.parametrize("name", USUAL)
def test_what_trainers_do_knowingly_is_a_warning_that_says_how_far_off_it_is(name):
    step, warned, words = USUAL[name]
    report = check_step(step, on_fail=None)
    assert [str(check) for check in report.checks if not check.ok] == []
    assert {check.name for check in report.checks if check.status == "warned"} == {*warned}
    messages = " ".join(report[check].message for check in warned)
    assert [word for word in words if word not in messages] == []
