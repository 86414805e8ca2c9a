"""`check_estimator`: right functions pass, and each wrong one fails the check that is meant for it."""

import json
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.checks import CheckFailure, check_estimator

UNBIASED = ("reinforce", "rloo", "ustat", "ustat_one", "ustat_seed", "ustat_pass_loo", "ustat_mean_loo")
BINARY_ONLY = ("maxrl", "maxrl_cv", "maxrl_shipped")
BIASED = {
    "mean_centred": {"effective objective", "bias on graded likelihoods"},
    "grpo": {"effective objective", "leave-one-out", "bias on graded likelihoods"},
    "grpo_population": {"effective objective", "leave-one-out", "bias on graded likelihoods"},
    "self_normalised": {"leave-one-out", "bias on graded likelihoods"},
}


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


@pytest.mark.parametrize("name", UNBIASED)
def test_unbiased_estimators_pass_every_check(name):
    assert check_estimator(mx.estimators.get(name)).passed


@pytest.mark.parametrize("name", BINARY_ONLY)
def test_binary_estimators_pass_for_binary_rewards_and_fail_for_graded_ones(name):
    row = mx.estimators.get(name)
    assert check_estimator(row, binary_only=True).passed
    assert failed(row) == {"leave-one-out", "bias on graded likelihoods"}


@pytest.mark.parametrize("name", BIASED)
def test_biased_estimators_fail_exactly_the_checks_that_say_why(name):
    assert failed(mx.estimators.get(name)) == BIASED[name]


def test_every_estimator_of_the_table_is_either_shown_to_pass_or_to_fail():
    assert {*UNBIASED, *BINARY_ONLY, *BIASED} == set(mx.estimators.names())


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
    assert "no known objective; nearest 0.8899 x J_5" in messages["effective objective"]
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


def test_variances_stand_beside_those_of_unbiased_estimators_only():
    report = check_estimator(mx.estimators.get("ustat_one"))
    graded = [row for row in report.variances if row.problem.startswith("Bandit")]
    assert graded[0].estimator == "this function"
    assert "self_normalised" not in {row.estimator for row in graded}
    assert [r.total_variance for r in graded[1:]] == sorted(r.total_variance for r in graded[1:])


@pytest.mark.parametrize("sizes", [[], [1], [0, 4], [65]])
def test_group_sizes_that_decide_nothing_are_refused(sizes):
    with pytest.raises(ValueError, match="group_sizes is"):
        check_estimator(mx.estimators.get("rloo"), group_sizes=sizes)


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
    assert "bias on graded likelihoods" in failed(only_for_two_or_more)  # float32 errors in float64 clothes


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
        check_estimator(function, group_sizes=(2, 4)).checks[-1].message
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
