"""`check_estimator`: right functions pass, and each wrong one fails the check that is meant for it."""

import json
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.checks import CHECKS, CheckFailure, KnownFault, check_estimator, parametrize_with_checks
from maxrl_est.files import formats


def failed(function, **options):
    report = check_estimator(function, on_fail=None, **options)
    return {check.name for check in report.checks if check.status == "failed"}


def centred(r):
    return r - r.mean(axis=-1, keepdims=True)


def writes_to_its_input(r):
    r *= 1.0
    r[..., 0] += 0.0
    r -= 0.1
    return r


def depends_on_position(r):
    return r * np.arange(1, r.shape[-1] + 1)


def depends_on_the_batch(r):
    return r - r.mean()


def returns_nan_when_all_fail(r):
    with np.errstate(invalid="ignore"):
        return centred(r) / r.mean(axis=-1, keepdims=True)


RNG = np.random.default_rng(0)


def random_noise(r):
    return r + RNG.normal(size=r.shape)


def sums_the_group(r):
    return r.sum(axis=-1)


def raises(r):
    raise RuntimeError("out of cheese")


def weights_from_all_values(r):
    return mx.failure_powers(r, r.shape[-1] - 1).sum(axis=-1)[..., None] * r


def one_order_less(r):
    return mx.advantages(r, max(1, r.shape[-1] - 1))


WRONG = {
    writes_to_its_input: "input unchanged",
    depends_on_position: "order of rollouts",
    depends_on_the_batch: "batch independence",
    returns_nan_when_all_fail: "extreme groups",
    random_noise: "deterministic",
    sums_the_group: "shape and dtype",
    raises: "shape and dtype",
    weights_from_all_values: "bias on graded likelihoods",
}


@pytest.mark.parametrize(("function", "name"), WRONG.items(), ids=lambda x: getattr(x, "__name__", ""))
def test_each_wrong_function_fails_the_check_meant_for_it(function, name):
    assert name in failed(function)


def test_a_declared_objective_is_held_against_the_function():
    assert failed(one_order_less, objective=mx.Objective.maxrl) >= {"effective objective"}
    assert not failed(mx.advantages, objective=mx.Objective.maxrl)
    assert not failed(lambda r: mx.advantages(r, mx.Objective.pass_at(3)), objective=mx.Objective.pass_at(3))


def test_the_message_names_the_exact_bias_and_the_nearest_objective():
    report = check_estimator(weights_from_all_values, on_fail=None)
    messages = {check.name: check.message for check in report.checks}
    assert "no known objective; nearest 0.8913 x J_35" in messages["effective objective"]
    assert "exact bias [" in messages["bias on graded likelihoods"]


def test_a_function_that_raises_is_reported_with_the_input_that_did_it():
    report = check_estimator(raises, on_fail=None)
    assert report.checks[0].message.startswith("raised RuntimeError: out of cheese for likelihoods [")
    assert {check.status for check in report.checks[1:]} == {"skipped"}


def test_failures_raise_by_default_with_the_whole_report():
    with pytest.raises(CheckFailure, match="bias on graded likelihoods") as failure:
        check_estimator(mx.estimators.get("self_normalised"))
    assert json.dumps(failure.value.report.to_dict())


def test_groups_of_one_are_refused_or_named():
    notes = {}
    for name in ("rloo", "ustat", "maxrl_shipped"):
        report = check_estimator(mx.estimators.get(name), binary_only=True)
        notes[name] = next(check.message for check in report.checks if check.name == "groups of one")
    assert notes["rloo"].startswith("refused")
    assert notes["ustat"] == "ascends J_1"
    assert notes["maxrl_shipped"] == "ascends 0 (no learning)"


def test_noise_stands_beside_that_of_unbiased_estimators_only():
    report = check_estimator(mx.estimators.get("ustat_one"), group_sizes=(4, 8))
    graded = [row for row in report.noise if row.problem.startswith("Bandit")]
    assert graded[0].estimator == "this function"
    assert "self_normalised" not in {row.estimator for row in graded}
    assert [r.noise for r in graded[1:]] == sorted(r.noise for r in graded[1:])


def test_noise_is_per_signal_so_that_a_factor_changes_nothing():
    def rows(function):
        return {(row.problem, row.estimator): row.noise for row in check_estimator(function, group_sizes=(8,)).noise}

    ours = rows(centred)
    for problem in {problem for problem, _ in ours}:
        assert ours[problem, "this function"] == pytest.approx(ours[problem, "rloo"], rel=1e-12)
    assert rows("rloo").keys() == ours.keys()


@pytest.mark.parametrize("sizes", [[], [1], (1,)])
def test_group_sizes_that_decide_nothing_are_refused(sizes):
    with pytest.raises(ValueError, match=r"^group_sizes must have a size of at least 2, got "):
        check_estimator(mx.estimators.get("rloo"), group_sizes=sizes)


def test_a_group_size_given_twice_is_refused():
    with pytest.raises(ValueError, match=r"^group_sizes\[2\] must differ from group_sizes\[0\], got 4 again"):
        check_estimator("rloo", group_sizes=[4, 2, 4])


def in_float32(r):
    r = np.asarray(r, dtype=np.float32)
    return r - (r.sum(axis=-1, keepdims=True) - r) / np.float32(r.shape[-1] - 1)


def drops_small_likelihoods(r):
    return mx.advantages(np.where(r < 0.05, 0.0, r))


def bends_between_the_usual_values(r):
    return r + r * (r - 0.5) * (r - 1)


def only_for_two_or_more(r):
    assert r.shape[-1] > 1, "N >= 2"
    return in_float32(r).astype(np.float64)


def returns_zero(r):
    return np.zeros_like(r)


def exits(r):
    raise SystemExit(3)


def test_rounding_is_judged_in_the_dtype_that_is_returned():
    assert not failed(in_float32, group_sizes=(2, 3, 4, 8))
    assert not failed(only_for_two_or_more)  # float32 errors in float64 clothes
    report = check_estimator(only_for_two_or_more)
    assert "it computes in float32" in report.tried[-1]
    assert report["effective objective"].message.endswith("to rounding in float32")


def test_what_happens_between_the_usual_values_is_seen():
    assert failed(drops_small_likelihoods) >= {"leave-one-out", "bias on graded likelihoods"}
    assert "leave-one-out" in failed(bends_between_the_usual_values)


def test_refusing_groups_of_one_is_no_fault_and_nan_is():
    notes = {check.name: check for check in check_estimator(only_for_two_or_more, on_fail=None).checks}
    assert notes["groups of one"].message.startswith("refused: AssertionError: N >= 2")
    with np.errstate(invalid="ignore"):
        notes = {check.name: check for check in check_estimator(in_float32, on_fail=None).checks}
    assert notes["groups of one"].status == "failed"
    assert "is checked at other group sizes" in notes["groups of one"].message


def test_only_exact_arithmetic_is_called_exact():
    def in_floats(r):
        r = r.astype(np.float64)
        return r - (r.sum(axis=-1, keepdims=True) - r) / (r.shape[-1] - 1)

    messages = [
        check_estimator(function, group_sizes=(2, 4))["bias on graded likelihoods"].message
        for function in (mx.estimators.get("rloo"), in_floats)
    ]
    assert messages == ["exactly unbiased for the same objective", "unbiased to rounding for the same objective"]


def test_doing_nothing_ascends_nothing():
    assert "effective objective" in failed(returns_zero)


def test_a_function_that_exits_is_reported():
    assert check_estimator(exits, on_fail=None).checks[0].message.startswith("raised SystemExit: 3")


def test_objectives_given_in_floats_are_met_by_exact_estimators_of_them():
    objective = mx.Objective.tsallis(0.3, 2)
    assert not failed(lambda r: mx.advantages(r, objective), objective=mx.Objective.tsallis(F(3, 10), 2))


# Expected failures, callbacks, and what to do at a failure.


def known_faults(function, **options):
    report = check_estimator(function, on_fail=None, **options)
    return {check.name: KnownFault("known", check.found) for check in report.checks if check.status == "failed"}


def grpo(r):
    return (r - r.mean(axis=-1, keepdims=True)) / (r.std(axis=-1, keepdims=True) + 1e-6)


def test_expected_failures_are_strict():
    expected = {"objective": mx.Objective.expected(), "scale": 1, "group_sizes": (2, 8)}
    known = known_faults(centred, **expected)
    assert set(known) == {"effective objective", "leave-one-out", "bias on graded likelihoods"}
    assert check_estimator(centred, expected_failed_checks=known, **expected).passed
    report = check_estimator(
        centred, expected_failed_checks=known | {"deterministic": KnownFault("?", {})}, on_fail=None, **expected
    )
    assert not report.passed
    assert report["deterministic"].status == "xpassed"
    assert "take it off the list" in report["deterministic"].expectation


@pytest.mark.parametrize("other", [lambda r: -grpo(r), lambda r: abs(grpo(r)), lambda r: 1.01 * grpo(r)])
def test_a_known_fault_does_not_excuse_another(other):
    known = known_faults(grpo, objective=mx.Objective.expected())
    report = check_estimator(grpo, objective=mx.Objective.expected(), expected_failed_checks=known)
    assert report.passed
    report = check_estimator(other, objective=mx.Objective.expected(), expected_failed_checks=known, on_fail=None)
    assert report["effective objective"].status == "failed"
    stated = "this is not the fault that is known, 'effective objective': KnownFault('known', {'N': 64,"
    assert stated in report["effective objective"].message


def test_the_line_to_paste_is_the_known_fault():
    report = check_estimator(grpo, on_fail=None, group_sizes=(8,))
    lines = [check.known_fault for check in report.checks if check.known_fault]
    known = eval("{" + " ".join(lines) + "}", {"KnownFault": KnownFault})
    assert check_estimator(grpo, expected_failed_checks=known, group_sizes=(8,)).passed


def test_an_unknown_name_among_expected_failures_is_refused_with_the_closest():
    with pytest.raises(ValueError, match=r"^a name in expected_failed_checks .*; did you mean 'leave-one-out'\?"):
        check_estimator(centred, expected_failed_checks={"leave one out": "?"})
    with pytest.raises(ValueError, match=r"^a name in expected_failed_checks must be one of"):
        parametrize_with_checks([centred], expected_failed_checks={"centred": {"xyz": KnownFault("?", {})}})


def test_expected_failures_that_do_not_say_what_is_found_are_refused():
    for wrong in (["leave-one-out"], {"leave-one-out"}):
        with pytest.raises(TypeError, match=r"^expected_failed_checks must be a dict of KnownFaults"):
            check_estimator(centred, expected_failed_checks=wrong)
    with pytest.raises(TypeError, match=r"^expected_failed_checks\['leave-one-out'\] must be a maxrl_est.checks.Known"):
        check_estimator(centred, expected_failed_checks={"leave-one-out": "bent"})
    with pytest.raises(TypeError, match=r"^found must be a dict of what the check finds, got 'x'"):
        KnownFault("?", "x")
    with pytest.raises(TypeError, match=r"^reason must be a str, got 3"):
        KnownFault(3, {})


def test_a_check_of_the_report_is_found_by_its_name():
    report = check_estimator("rloo", group_sizes=(2,))
    assert report["deterministic"].status == "passed"
    with pytest.raises(ValueError, match=r"did you mean 'deterministic'\?"):
        report["determinist"]


def test_the_callback_sees_every_check_as_it_is_done():
    seen = []
    report = check_estimator(mx.estimators.get("rloo"), callback=seen.append)
    assert tuple(seen) == report.checks
    assert [check.name for check in seen] == list(CHECKS)


def test_a_failure_warns_if_asked_to():
    with pytest.warns(UserWarning, match="misses the gradient"):
        report = check_estimator(mx.estimators.get("self_normalised"), on_fail="warn")
    assert not report.passed
    with pytest.raises(ValueError, match=r"^on_fail must be one of raise, warn, got 'ignore'"):
        check_estimator(centred, on_fail="ignore")


def test_lines_that_reproduce_a_failure_do():
    report = check_estimator(mx.estimators.get("self_normalised"), on_fail=None)
    line = report["bias on graded likelihoods"].reproduce
    bandit = "maxrl_est.problems.Bandit([1/2, 1/3, 1/6], [0, 1/3, 1])"
    assert line == f"maxrl_est.exact_moments({bandit}, maxrl_est.estimators.get('self_normalised'), 8).mean"
    got = eval(line, {"maxrl_est": mx})
    truth = (
        mx.Objective.maxrl(8).weight(F(5, 18))
        * mx.problems.Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1, 3), F(1)]).grad_pass_rate
    )
    assert np.linalg.norm(got - truth.astype(float)) / np.linalg.norm(truth.astype(float)) == pytest.approx(
        0.193, abs=5e-4
    )


@pytest.mark.parametrize("wrong", [3, None, mx.estimators.get("sumo"), "sumo"], ids=repr)
def test_what_is_no_function_of_likelihoods_is_refused(wrong):
    with pytest.raises(TypeError, match=r"^estimator must be .*function of likelihoods \(\.\.\., N\), got "):
        check_estimator(wrong)


def test_a_name_is_checked_as_its_row():
    report = check_estimator("rloo", objective=mx.Objective.expected())
    assert report == check_estimator(mx.estimators.get("rloo"), objective=mx.Objective.expected())
    assert report.estimator == "rloo"
    with pytest.raises(ValueError, match="did you mean 'rloo'"):
        check_estimator("rlo")


def test_names_and_functions_become_cases_alike():
    mark = parametrize_with_checks(["rloo", centred], group_sizes=(2, 3))
    names = [case.id for case in mark.mark.args[1]]
    assert names == [f"{name}-{title}" for name in ("rloo", "centred") for title in (*CHECKS, "verdict")]
    with pytest.raises(TypeError, match=r"^estimators must be a list of functions or names, got 'rloo'"):
        parametrize_with_checks("rloo")


def test_reports_are_shown_as_tables_and_given_as_columns(monkeypatch):
    monkeypatch.setattr(formats, "to_dataframe", dict)
    found = check_estimator("self_normalised", group_sizes=(2, 3), on_fail=None)["leave-one-out"].found
    known = {"leave-one-out": KnownFault("in-sample <weights>", found)}
    report = check_estimator("self_normalised", expected_failed_checks=known, group_sizes=(2, 3), on_fail=None)
    page = report._repr_html_()
    assert page.startswith("<table><tr><th>FAILED  self_normalised: is a gradient, bias on graded likelihoods</th>")
    assert '<tr class="bad"><td>bias on graded likelihoods</td><td>failed</td>' in page
    assert '<tr class=""><td>leave-one-out</td><td>xfailed</td>' in page
    assert "(expected: in-sample &lt;weights&gt;)" in page
    assert page.count("<td>this function</td>") == 4  # on each of four laws
    frame = report.to_dataframe()
    assert frame["name"] == list(CHECKS)
    assert set(frame) == {"name", "status", "message", "reproduce", "found", "reason"}
    assert dict(zip(frame["name"], frame["reason"], strict=True))["leave-one-out"] == "in-sample <weights>"
