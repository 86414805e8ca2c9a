"""Reports as text and in the formats that machines read, made by hand so that every status is there."""

from __future__ import annotations

import ast
import json
import re
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.checks import Check, CheckReport, NoiseRow, _code, _text
from maxrl_est.checks._formats import FORMATS
from maxrl_est.checks._formats.json import SCHEMA

LONG = (
    "N = 8: on 0/1 rewards it ascends no known objective; nearest 1.964 x J_1, off by 0.11 of it over p, which is more "
    "than the tolerance of 0.0001, and 100% of what is said here has to be read"
)
CODE = "maxrl_est.effective_weight(mine, 8).compare(maxrl_est.Objective.from_coefficients([1, 2, 3, 4, 5, 6, 7]))"
BLOCKED = "cannot be enumerated: the same input has two results"
FOUND = {"nearest": "J_1", "scale": 1.9642857, "bias": np.array([0.25, -0.125])}

PASSED = Check("shape and dtype", "passed", "finite, of the shape of the likelihoods")
FAILED = Check("effective objective", "failed", LONG, CODE, FOUND)
WARNED = Check("groups of one", "warned", "a group of one ascends 1e6 x J_1: refuse it")
SKIPPED = Check("Monte Carlo", "skipped", "only done if monte_carlo is given")
XFAILED = Check("leave-one-out", "xfailed", "not linear", "", {"at": 0.5}, "the deviation has the rollout in it")
XPASSED = Check("deterministic", "xpassed", "twice the same", "", {}, "draws noise")
DECIDED = Check("effective objective", "passed", "ascends 7/8 x J_1 at every N, to 1e-16")
PLACE = (str(Path.cwd() / "a folder" / "mine.py"), 12)


def report(*checks, name="mine.py:advantage", place=PLACE, **more):
    settings = {"objective": {2: "J_2", 8: "J_8"}, "group_sizes": [2, 8], "seed": 3, "tolerance": 1e-4, "scale": None}
    return CheckReport(name, checks, (), ("8 random groups of 8",), settings, place, **more)


MIXED = report(PASSED, WARNED, XFAILED, FAILED, SKIPPED, XPASSED)
RIGHT = report(PASSED, DECIDED, SKIPPED, name="right")
OPEN = report(
    PASSED,
    Check("effective objective", "skipped", BLOCKED),
    Check("leave-one-out", "skipped", BLOCKED),
    Check("Monte Carlo", "skipped", "only done if monte_carlo is given"),
    name="drawn",
)
ALL = (MIXED, RIGHT, OPEN)


def test_the_verdict_and_what_to_do_come_first_in_a_line_each():
    first, second, third, fourth, *_ = str(MIXED).splitlines()
    assert first == "FAILED  mine.py:advantage: effective objective, deterministic"
    assert second.startswith("advice   Choose the objective")
    assert third == "page     maxrl-est explain effective-objective"
    assert fourth == ""
    assert str(RIGHT).splitlines()[:2] == ["PASSED  right: ascends 7/8 x J_1 at every N, to 1e-16", ""]


def test_warnings_have_their_page_where_nothing_fails():
    text = str(report(PASSED, DECIDED, WARNED))
    assert text.startswith("PASSED  ")
    assert "\npage     maxrl-est explain groups-of-one\n" in text


def test_a_warning_may_ask_for_something_else_than_a_failure():
    factor = Check("effective objective", "warned", "7/8 x J_1: a constant factor")
    assert "advice   Declare what is meant: objective=, and scale=1 to insist." in str(report(factor))
    assert "Choose the objective" not in FORMATS["github"]([report(factor)])


def test_an_undecided_report_says_why_and_what_to_do():
    first, second, third, *_ = OPEN.to_text(width=100).splitlines()
    assert first.startswith("UNDECIDED  drawn: no check of what it ascends could run: cannot be enumerated")
    assert second.startswith("advice   Declare objective=")
    assert third == "page     maxrl-est explain verdict"


def test_known_faults_pass_and_are_named():
    known = report(PASSED, XFAILED)
    assert known.summary == "PASSED  mine.py:advantage: its known fault and no other: leave-one-out"
    assert "known    leave-one-out: the deviation has the rollout in it" in str(known)


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.parametrize("verbose", [False, True])
def test_lines_fit_the_width(width, verbose):
    name = "/home/someone/with/a/long/path/to/their/trainer/source/code/mine.py:advantage_of_a_group"
    rows = (NoiseRow("Bandit(1/4: 1/10, 1/4: 1/2, 1/2: 9/10)", 8, "this function", 0.1234567),)
    long = CheckReport(name, (*MIXED.checks, Check("noise", "passed", "x" * 300)), rows, MIXED.tried, MIXED.settings)
    lines = long.to_text(width=width, verbose=verbose).splitlines()
    code = [line for line in lines if "maxrl_est." in line or "'" in line]
    assert max(len(line) for line in {*lines} - {*code} if "maxrl-est explain" not in line) <= width
    if width >= 80:
        assert max(map(len, lines)) <= width
    assert "advantage_of_a_group: effective" in lines[0] or width < 60


def test_code_that_was_broken_into_lines_is_the_same_when_pasted():
    lines = str(MIXED).splitlines()
    start = next(index for index, line in enumerate(lines) if "reproduce: " in line)
    end = next(index for index, line in enumerate(lines) if "known fault: " in line)
    pasted = "\n".join(lines[start:end]).partition("reproduce: ")[2]
    assert end > start + 1  # it was broken
    assert ast.dump(ast.parse(pasted, mode="eval")) == ast.dump(ast.parse(CODE, mode="eval"))


def test_strings_and_what_stands_outside_brackets_are_not_broken():
    assert _code.wrapped("f('a b c d e f g', 1) - 1", 8, "", "  ") == ["f('a b c d e f g',", "  1) - 1"]
    assert _code.wrapped(r"f('a\' b', 2)", 4, "", "") == [r"f('a\' b',", "2)"]


def test_a_reason_is_given_once_for_all_checks_that_it_skips():
    text = str(OPEN)
    assert text.count("cannot be enumerated") == 2  # the verdict, and here
    assert "skipped effective objective, leave-one-out (cannot be enumerated: the same input" in " ".join(text.split())


def test_passed_checks_are_a_line_and_all_lines_where_asked_for():
    assert "finite, of the shape" not in str(MIXED)
    assert "passed   1 of 6 checks" in str(MIXED)
    whole = MIXED.to_text(verbose=True)
    assert "passed   shape and dtype\n         finite, of the shape" in whole
    assert "tried    8 random groups of 8" in whole
    asked = "asked objective J_2 at N = 2, J_8 at N = 8; group_sizes 2, 8; seed 3; tolerance 0.0001"
    assert asked in " ".join(whole.split())


def test_the_line_to_paste_for_a_known_fault_is_printed():
    flat = " ".join(str(MIXED).split())
    assert "'effective objective': KnownFault('WHY IT IS SO', {'nearest': 'J_1', 'scale': 1.9643, " in flat


def test_colours_come_from_the_painter_alone():
    painted = MIXED.to_text(lambda line, tone: f"<{tone}>{line}")
    assert painted.startswith("<bad>FAILED  ")
    assert "\n<bad>failed   effective objective\n" in painted
    assert "\n<warn>warned   groups of one\n" in painted
    assert "\n<good>passed   1 of 6 checks\n" in painted
    assert "<" not in str(MIXED)


def test_what_would_move_the_cursor_is_written_out():
    text = str(report(Check("shape and dtype", "failed", "raised \x1b[2J\r\nx\x07")))
    assert r"raised \x1b[2J x\x07" in text
    assert text.isprintable() or set(re.findall(r"[^ -~]", text)) == {"\n"}


def test_notebooks_show_the_verdict_and_a_tone_for_each_status():
    page = MIXED._repr_html_()
    assert "FAILED  mine.py:advantage" in page
    for tone, name in (("bad", "effective objective"), ("warn", "groups of one"), ("good", "shape and dtype")):
        assert f'<tr class="{tone}"><td>{name}</td>' in page


def test_json_carries_its_schema_the_tool_and_whatever_was_asked_and_found():
    document = json.loads(FORMATS["json"](ALL))
    assert document["schema"] == SCHEMA == "maxrl_est.check/1"
    assert document["tool"] == {"name": "maxrl-est", "version": mx.__version__}
    assert document["passed"] is False
    mixed, right, undecided = document["reports"]
    assert (mixed["file"], mixed["line"]) == ("a folder/mine.py", 12)
    assert [mixed[name] for name in ("function", "objective", "group_sizes", "seed", "tolerance", "scale")] == [
        "mine.py:advantage", {"2": "J_2", "8": "J_8"}, [2, 8], 3, 1e-4, None,
    ]  # fmt: skip
    assert [entry["verdict"] for entry in (mixed, right, undecided)] == ["failed", "passed", "undecided"]
    failed = mixed["checks"][3]
    assert failed["id"] == "effective-objective"
    assert failed["found"] == {"nearest": "J_1", "scale": 1.9642857, "bias": [0.25, -0.125]}
    assert failed["reproduce"] == CODE
    assert failed["advice"]
    severities = [check["severity"] for check in mixed["checks"]]
    assert severities == ["passed", "warned", "passed", "failed", "skipped", "failed"]


def test_the_entries_of_the_json_are_those_that_its_page_lists_and_no_other():
    """The schema is a promise: an entry that goes away, or comes without a word, is seen here."""
    document = json.loads(FORMATS["json"]([MIXED]))
    mixed = document["reports"][0]
    assert list(document) == ["schema", "tool", "passed", "reports"]
    assert list(mixed) == [
        "function", "file", "line", "verdict", "passed", "summary", "objective", "group_sizes", "seed", "tolerance",
        "scale", "tried", "checks", "noise", "prompts",
    ]  # fmt: skip
    assert list(mixed["checks"][0]) == [
        "id", "name", "status", "severity", "message", "reproduce", "found", "reason", "known_fault", "advice", "page",
    ]  # fmt: skip
    page = _text.page("formats").text
    for name in (*document, *mixed, *mixed["checks"][0]):
        assert f"`{name}`" in page


def test_json_has_what_json_has_no_numbers_for_as_text():
    check = Check("noise", "passed", "x", found={"bias": float("inf"), "exact": Fraction(7, 8)})
    (entry,) = report(check, place=None).to_dict()["checks"]
    assert entry["found"] == {"bias": "inf", "exact": "7/8"}
    assert report(check, place=None).to_dict()["file"] is None


def test_annotations_are_one_line_each_at_the_place_of_the_function():
    lines = FORMATS["github"]([MIXED]).splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["::warning", "::error", "::error", "::notice"]
    place = "file=a folder/mine.py,line=12,title="
    assert lines[1].startswith(f"::error {place}mine.py%3Aadvantage%3A effective objective::N = 8: on 0/1 rewards")
    assert "100%25 of what is said here has to be read%0Areproduce: maxrl_est." in lines[1]
    assert lines[3].endswith("::FAILED  mine.py:advantage: effective objective, deterministic")


def test_annotations_escape_what_would_end_them():
    made = FORMATS["github"]([report(Check("noise", "failed", "a\r\nb: 5%, c"), name="f,g:h", place=("x,y.py", 1))])
    first = made.splitlines()[0]
    assert "file=" in first
    assert "x%2Cy.py,line=1,title=f%2Cg%3Ah%3A noise::a%0D%0Ab: 5%25, c%0A" in first


def test_an_undecided_report_is_an_error_in_every_format():
    assert FORMATS["github"]([OPEN]).startswith(
        "::error file=a folder/mine.py,line=12,title=drawn%3A undecided::no check"
    )
    case = ElementTree.fromstring(FORMATS["junit"]([OPEN])).find(".//testcase[@name='verdict']")
    assert case.find("failure").get("message").startswith("no check of what it ascends could run")
    (result,) = json.loads(FORMATS["sarif"]([OPEN]))["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("verdict", "error")
    assert json.loads(FORMATS["json"]([OPEN]))["passed"] is False


def test_junit_has_a_suite_for_each_function_and_a_case_for_each_check():
    root = ElementTree.fromstring(FORMATS["junit"](ALL))
    assert root.tag == "testsuites"
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "14", "failures": "3", "errors": "0", "skipped": "6",
    }  # fmt: skip
    assert [suite.get("name") for suite in root] == ["mine.py:advantage", "right", "drawn"]
    cases = {case.get("name"): case for case in root[0]}
    assert list(cases) == [check.name for check in MIXED.checks]
    failure = cases["effective objective"].find("failure")
    assert failure.get("message") == LONG
    assert CODE in failure.text
    assert cases["effective objective"].get("file") == "a folder/mine.py"
    assert "the deviation has the rollout in it" in cases["leave-one-out"].find("skipped").get("message")
    assert cases["deterministic"].find("failure") is not None  # a known fault that did not come
    assert cases["groups of one"].find("system-out").text.startswith("warning: a group of one")


def test_junit_is_xml_whatever_a_function_says():
    nasty = "raised \x00\x1b[31m <b>&amp; ]]> \ud800 \ufffe caf\u00e9"
    text = FORMATS["junit"]([report(Check("shape and dtype", "failed", nasty), name="a<b>\x01")])
    root = ElementTree.fromstring(text.encode())
    assert root[0].get("name") == r"a<b>\x01"
    assert root.find(".//failure").get("message") == r"raised \x00\x1b[31m <b>&amp; ]]> \ud800 \ufffe café"


def test_sarif_has_a_rule_for_each_check_and_a_result_for_each_fault_and_warning():
    log = json.loads(FORMATS["sarif"](ALL))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["shortDescription"]["text"].endswith(".")
        assert rule["help"]["markdown"].startswith("# ")
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
    found = [(result["ruleId"], result["level"]) for result in run["results"]]
    assert found == [
        ("groups-of-one", "warning"),
        ("effective-objective", "error"),
        ("deterministic", "error"),
        ("verdict", "error"),
    ]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert unquote(place["artifactLocation"]["uri"]) == "a folder/mine.py"
        assert " " not in place["artifactLocation"]["uri"]
        assert place["region"] == {"startLine": 12}


def test_what_has_no_file_has_no_location():
    (run,) = json.loads(FORMATS["sarif"]([report(FAILED, place=None)]))["runs"]
    assert run["results"][0]["locations"] == []
    assert FORMATS["github"]([report(FAILED, place=None)]).startswith("::error title=")


def test_a_file_elsewhere_keeps_its_whole_path(tmp_path):
    elsewhere = report(FAILED, place=(str(tmp_path / "mine.py"), 3))
    assert elsewhere.to_dict()["file"] == (tmp_path / "mine.py").resolve().as_posix()
    (run,) = json.loads(FORMATS["sarif"]([elsewhere]))["runs"]
    (location,) = run["results"][0]["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"].startswith("file:///")
