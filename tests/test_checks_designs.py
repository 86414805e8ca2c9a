"""Functions of groups that a design draws, judged on these: what passes, what fails with its W, what is not asked."""

from __future__ import annotations

import functools
import re

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est import cli, designs
from maxrl_est.checks import CHECKS, CheckFailure, check_estimator, parametrize_with_checks
from maxrl_est.checks._structure import SHAPE, STRUCTURE

STAGED = designs.staged(4, 12)
ONCE = designs.until_successes(1, 8)
MIXED = designs.until_mixed(6)
J_1, J_16 = mx.Objective.maxrl(1), mx.Objective.maxrl(16)
ASKED = "effective objective"


def of_successes(rewards):
    """The mean of the scores of the successes."""
    return rewards * rewards.shape[-1] / np.maximum(rewards.sum(-1, keepdims=True), 1)


def over_the_cap(rewards):
    """Wrong: divided by the most rollouts there can be, and not by those there were."""
    return of_successes(rewards) * rewards.shape[-1] / ONCE.cap


def under(design, objective, **given):
    return functools.partial(mx.advantages, objective=objective, design=design, **given)


RIGHT = {
    "successes, solved once": (of_successes, mx.Objective.maxrl, ONCE, "J_8"),
    "successes, in stages": (of_successes, mx.Objective.maxrl, STAGED, "J_16"),
    "a row": ("maxrl", mx.Objective.maxrl, ONCE, "J_8"),
    "made for it": (under(MIXED, J_1), J_1, MIXED, "J_1"),
    "made for it, with a baseline": (under(STAGED, J_16, baseline=1), J_16, STAGED, "J_16"),
}
WRONG = {
    "RLOO in stages": ("rloo", J_1, STAGED, "11/100 pass@5 + 1/20 pass@4 + J_1"),
    "less a constant": ("maxrl_cv", J_16, STAGED, "no known objective"),
    "over the cap": (over_the_cap, mx.Objective.maxrl, ONCE, "exactly 1/8 x tsallis(2, 8)"),  # W = sum_n n/8 q^(n-1)
    "another order": (of_successes, mx.Objective.maxrl(7), ONCE, "J_8"),
    "groups of one": ("rloo", J_1, ONCE, "raised ValueError: likelihoods must have groups of N >= 2"),
    "down": (lambda r: -of_successes(r), mx.Objective.maxrl, ONCE, "descends J_8: the factor is -1"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_function_passes_as_what_it_ascends_under_the_design(name):
    function, objective, design, ascends = RIGHT[name]
    report = check_estimator(function, objective=objective, design=design, scale=1)
    assert report.verdict == "passed"
    assert re.fullmatch(rf"on 0/1 rewards (exactly )?{ascends} under {re.escape(str(design))}.*", report[ASKED].message)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_one_fails_and_is_told_what_it_ascends(name):
    function, objective, design, said = WRONG[name]
    report = check_estimator(function, objective=objective, design=design, on_fail=None)
    assert (report.verdict, report[ASKED].status) == ("failed", "failed")
    assert said in report[ASKED].message
    with pytest.raises(CheckFailure):
        check_estimator(function, objective=objective, design=design)


def first_come(rewards):
    return rewards * np.arange(rewards.shape[-1])


def noisy(rewards, rng=np.random.default_rng(0)):  # noqa: B008 - it remembers
    return of_successes(rewards) + 1e-3 * rng.standard_normal(rewards.shape)


def of_the_batch(rewards):
    return of_successes(rewards) / (1 + np.var(rewards.sum(-1)) if rewards.ndim > 1 else 1)


def writes(rewards):
    found = of_successes(rewards)
    rewards *= found
    return rewards


@pytest.mark.parametrize(
    ("function", "design", "check", "said"),
    [
        (under(designs.staged(4, 13), J_1), STAGED, SHAPE, "raised ValueError: likelihoods must be s successes and"),
        (lambda r: of_successes(r)[..., :1], STAGED, SHAPE, "returned shape"),
        (writes, ONCE, "input unchanged", "wrote to its input"),
        (noisy, ONCE, "deterministic", "returned two results"),
        (first_come, MIXED, "order of rollouts", "depends on the order of rollouts"),
        (of_the_batch, ONCE, "batch independence", "depends on the batch"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_function_of_a_group_fails_by_its_structure(function, design, check, said):
    report = check_estimator(function, design=design, on_fail=None)
    assert (report.verdict, report[check].status) == ("failed", "failed")
    assert said in report[check].message
    assert report[ASKED].status != "passed" or check == "input unchanged"


def test_rloo_in_stages_is_told_its_weight_exactly():
    check = check_estimator("rloo", objective=J_1, design=STAGED, on_fail=None)[ASKED]
    assert check.message == (
        "staged(4, 12): should ascend J_1; on 0/1 rewards it ascends exactly 11/100 pass@5 + 1/20 pass@4 + J_1; "
        "W(p) = 1 + (1/5) q^3 + (11/20) q^4, q = 1 - p"
    )
    assert str(eval(check.reproduce, {"maxrl_est": mx})) == "exactly 11/100 pass@5 + 1/20 pass@4 + J_1"
    assert check_estimator("rloo", objective=J_1, on_fail=None).passed  # in groups of n, where it is right


def test_nothing_else_is_asked_and_the_report_says_so():
    report = check_estimator(of_successes, objective=mx.Objective.maxrl, design=ONCE)
    skipped = {
        check.name for check in report.checks if (check.status, check.message) == ("skipped", "a design is given")
    }
    assert skipped == set(CHECKS) - {ASKED, *list(STRUCTURE)[:6]}
    assert report.noise == ()
    assert report.tried == ("every group of 0/1 rewards with which until_successes(1, 8) ends",)
    assert report.settings["design"] == "until_successes(1, 8)"
    assert report.settings["group_sizes"] == [8]


def test_without_an_objective_the_nearest_is_said_and_other_rewards_are_encoded():
    assert check_estimator("maxrl", design=STAGED)[ASKED].message == "on 0/1 rewards exactly J_16 under staged(4, 12)"
    signs = check_estimator(lambda r: of_successes((r + 1) / 2), design=STAGED, values=(-1, 1))
    assert "rewards -1 and 1" in signs[ASKED].message
    floats = check_estimator(under(STAGED, 1), design=STAGED, precision="float32")
    assert "J_1 under staged(4, 12)" in floats[ASKED].message


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"design": "staged(4, 12)"}, TypeError, "design must be a Design, such as maxrl_est.designs.fixed(8), got"),
        ({"design": ONCE, "group_sizes": (4,)}, ValueError, "group_sizes must not be given with a design"),
        ({"design": ONCE, "same_as": "maxrl"}, ValueError, "same_as must not be given with a design"),
        ({"design": ONCE, "monte_carlo": 100}, ValueError, "monte_carlo must not be given with a design"),
        ({"design": ONCE, "objective": J_16}, ValueError, "design must draw up to 16 rollouts or more for what is"),
        ({"design": designs.fixed(1)}, ValueError, "design must draw up to 2 rollouts or more, got fixed"),
    ],
    ids=str,
)
def test_what_does_not_go_with_a_design_is_refused(given, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        check_estimator(of_successes, **given)


def test_the_command_line_takes_rules_by_name(capsys):
    assert cli.main(["check", "maxrl", "--objective", "maxrl", "--design", "until_successes(1, 8)"]) == 0
    assert "exactly J_8 under until_successes(1, 8)" in capsys.readouterr().out
    assert cli.main(["check", "rloo", "--objective", "maxrl:1", "--design", "staged(4,12)"]) == 1
    assert "11/20) q^4" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (
            "until_solved(8)",
            "--design must be one of fixed(N), until_mixed(N), until_successes(K,N), staged(N,MORE), got",
        ),
        ("staged(4)", "--design must be one of fixed(N), "),
        ("staged(4,,2)", "--design must be one of fixed(N), "),
        ("until_successes(9,8)", "k must be an int in [1, 8], got 9"),
    ],
)
def test_what_is_no_rule_is_a_line_and_status_2(rule, says, capsys):
    assert cli.main(["check", "maxrl", "--design", rule]) == 2
    assert says in capsys.readouterr().err


def test_cases_are_asked_under_the_design():
    mark = parametrize_with_checks([of_successes, over_the_cap], objective=mx.Objective.maxrl, design=ONCE).mark
    failed = []
    for case in mark.args[1]:
        function, check = case.values
        try:
            check(function)
        except pytest.fail.Exception:
            failed.append(case.id)
        except pytest.skip.Exception:
            pass
    assert failed == [f"over_the_cap-{ASKED}"]


@pytest.mark.parametrize("argument", ["same_as", "monte_carlo", "group_sizes"])
def test_an_empty_array_beside_a_design_is_refused_by_its_name(argument):
    with pytest.raises(ValueError, match=f"^{argument} must not be given with a design"):
        check_estimator("rloo", design=ONCE, **{argument: np.array([])})
