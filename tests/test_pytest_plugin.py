"""The pytest plugin, in runs of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

HEAD = """
import maxrl_est as mx

def centred(r):
    return r - r.mean(-1, keepdims=True)
"""
RIGHT = (
    HEAD
    + """
def test_mine(check_advantages):
    report = check_advantages(mx.advantages, objective=mx.Objective.maxrl)
    assert report.passed
"""
)
WRONG = (
    HEAD
    + """
def test_mine(check_advantages):
    check_advantages(centred, objective=mx.Objective.expected(), scale=1, group_sizes=(2, 8))
"""
)
FAULTS = """
from maxrl_est.checks import KnownFault

known = {
    "effective objective": KnownFault("7/8", {"N": 8, "nearest": "expected", "scale": 0.875, "off": 0.0}),
    "leave-one-out": KnownFault("7/8", {"N": 8, "likelihood": 1.0, "grows": 0.875, "unbiased": 1.0}),
    "bias on graded likelihoods": KnownFault(
        "7/8",
        {"N": 8, "problem": "Bandit(1/2: 0, 1/3: 1/3, 1/6: 1)", "mean": [-0.12153, 0.016204, 0.10532]},
    ),
}
"""
KNOWN = (
    HEAD
    + FAULTS
    + """
def test_mine(check_advantages):
    check_advantages(
        centred, objective=mx.Objective.expected(), scale=1, group_sizes=(2, 8), expected_failed_checks=known
    )
"""
)
STEP = """
def rloo(b):
    r = b.rewards
    a = r - (r.sum(-1, keepdims=True) - r) / (r.shape[-1] - 1)
    return a[..., None] * b.mask / (r.shape[-2] * r.shape[-1])

def halved(b):
    return rloo(b) / b.parts

def test_right(check_update):
    assert check_update(rloo, n=2).passed

def test_wrong(check_update):
    check_update(halved)
"""
CASES = (
    HEAD
    + FAULTS
    + """
faults = {"centred": known, "rloo": {"leave-one-out": KnownFault("wrongly expected", {"N": 8})}}

@mx.parametrize_with_checks(
    [centred, "rloo"],
    objective=mx.Objective.expected(),
    expected_failed_checks=faults,
    scale=1,
    group_sizes=(2, 8),
)
def test_each(estimator, check):
    check(estimator)
"""
)


@pytest.fixture
def run(tmp_path):
    """Run pytest on a file with that text; returns the exit status and what it printed."""

    def run(text, *options):
        (tmp_path / "test_it.py").write_text(text)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", *options, "test_it.py"]
        environment = {**os.environ, "COLUMNS": "200", "PYTEST_ADDOPTS": ""}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


def test_a_right_function_passes_with_a_line_in_the_summary(run):
    status, text = run(RIGHT)
    assert status == 0
    assert "= advantage functions (maxrl_est) =" in text
    assert "PASSED  advantages: on 0/1 rewards exactly J_N at N = 2, 3" in text


def test_a_wrong_function_fails_with_the_whole_report_and_says_so_in_the_summary(run):
    status, text = run(WRONG)
    assert status == 1
    assert "E[g] misses the gradient of expected by 12.5%" in " ".join(text.split())
    assert "maxrl-est explain effective-objective" in text
    *_, last = (line for line in text.splitlines() if line.startswith("FAILED  "))
    assert last == "FAILED  centred: effective objective, leave-one-out, bias on graded likelihoods"
    assert "Traceback" not in text


def test_known_failures_pass_and_are_named(run):
    status, text = run(KNOWN)
    assert status == 0
    assert "PASSED  centred: its known faults and no other: effective objective, leave-one-out, bias on" in text


def test_options_choose_group_sizes_seed_and_sampling(run):
    status, text = run(
        RIGHT, "--maxrl-est-group-sizes", "2,5", "--maxrl-est-monte-carlo", "500", "--maxrl-est-seed", "3"
    )
    assert status == 0
    assert "exactly J_N at N = 2, 5" in text


def test_sampling_finds_a_bias(run):
    status, text = run(WRONG, "--maxrl-est-monte-carlo", "4000")
    assert status == 1
    assert re.search(r"failed +Monte Carlo BIASED \(N = 8, .* false alarm 1e-09", " ".join(text.split()))


def test_junit_files_carry_every_check(run, tmp_path):
    status, _ = run(RIGHT, "--junitxml", "report.xml")
    assert status == 0
    properties = {x.get("name"): x.get("value") for x in ElementTree.parse(tmp_path / "report.xml").iter("property")}
    assert properties["maxrl_est"].startswith("PASSED  advantages: on 0/1 rewards exactly J_N")
    assert properties["maxrl_est: advantages: bias on graded likelihoods"].startswith("passed: exactly unbiased")


def test_steps_are_checked_and_reported_as_functions_are(run, tmp_path):
    status, text = run(STEP, "--junitxml", "report.xml")
    assert status == 1
    assert "it divides by the number of micro-batches a second time" in " ".join(text.split())
    assert "Traceback" not in text
    assert text.count("\nPASSED  rloo: ") == 1
    assert "\nFAILED  halved: micro-batches\n" in text
    properties = {x.get("name"): x.get("value") for x in ElementTree.parse(tmp_path / "report.xml").iter("property")}
    assert properties["maxrl_est"] == "FAILED  halved: micro-batches"
    assert properties["maxrl_est: halved: padding"].startswith("passed: more padding")


def test_every_check_is_a_case_and_wrong_expectations_fail(run):
    status, text = run(CASES, "-v")
    assert status == 1
    assert re.search(r"test_each\[centred-effective objective\] XFAIL", text)
    assert re.search(r"test_each\[rloo-bias on graded likelihoods\] PASSED", text)
    assert re.search(r"test_each\[rloo-leave-one-out\] FAILED", text)  # expected to fail, and passed
    assert "1 failed" in text


def test_reports_of_workers_reach_the_summary(run):
    pytest.importorskip("xdist")
    status, text = run(RIGHT, "-n", "1")
    assert status == 0
    assert "PASSED  advantages: on 0/1 rewards exactly J_N at N = 2, 3" in text


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        (
            "--maxrl-est-group-sizes",
            "2,b",
            "argument --maxrl-est-group-sizes: must be ints with commas between, such as 2,4,8, got '2,b'",
        ),
        ("--maxrl-est-group-sizes", "2,1025", "group_sizes[1] must be an int in [1, 1024], got 1025"),
        ("--maxrl-est-monte-carlo", "1", "monte_carlo must be an int of at least 2, got 1"),
    ],
)
def test_bad_options_are_named(run, option, value, message):
    status, text = run(RIGHT, option, value)
    assert status != 0
    assert message in text


def test_a_run_without_the_fixture_prints_nothing_and_imports_nothing(run):
    text = """
import sys
def test_it():
    assert not {"numpy", "numba", "scipy"} & set(sys.modules)
"""
    status, printed = run(text)
    assert status == 0
    assert "maxrl_est)" not in printed


TRAINER = """
import maxrl_est as mx

def maxrl_advantages(r):
    return mx.advantages(r)

def grpo_advantages(r):
    return (r - r.mean(-1, keepdims=True)) / (r.std(-1, keepdims=True) + 1e-6)
"""


RECIPE = re.search(r"# test_advantages.py\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.S)[1]


@pytest.fixture
def recipe(run, tmp_path):
    """Run README's example on a trainer; returns the exit status and what it printed."""

    def recipe(trainer):
        (tmp_path / "my_trainer.py").write_text(trainer)
        return run(RECIPE)

    return recipe


def test_the_example_of_the_readme_runs_as_it_stands(recipe):
    status, printed = recipe(TRAINER)
    assert status == 0
    assert "4 xfailed" in printed
    assert "PASSED  maxrl_advantages: " in printed


@pytest.mark.parametrize("fault", ["-(r - r.mean(-1, keepdims=True))", "abs(r - r.mean(-1, keepdims=True))"])
def test_another_fault_in_place_of_the_known_one_fails_the_example(recipe, fault):
    status, printed = recipe(TRAINER.replace("(r - r.mean(-1, keepdims=True))", fault, 1))
    assert status == 1
    assert "this is not the fault that is known" in printed
