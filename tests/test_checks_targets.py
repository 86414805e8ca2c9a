"""`check_estimator` with other targets, with sampling, where it cannot decide, and the lines that repeat a failure."""

import re

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.checks import CheckFailure, check_estimator, parametrize_with_checks
from maxrl_est.checks._asked import subject_of
from maxrl_est.checks._bias import BINARY
from maxrl_est.checks._noise import _bounds
from maxrl_est.estimators import LogMean, OverLevels


def failed(function, **options):
    report = check_estimator(function, on_fail=None, **options)
    return {check.name for check in report.checks if check.status == "failed"}


def centred(r):
    return r - r.mean(axis=-1, keepdims=True)


def depends_on_position(r):
    return r * np.arange(1, r.shape[-1] + 1)


def depends_on_the_batch(r):
    return r - r.mean()


def weights_from_all_values(r):
    return mx.failure_powers(r, r.shape[-1] - 1).sum(axis=-1)[..., None] * r


# Targets that are no objective of the pass rate.


def test_other_targets_are_held_against_their_own_gradients():
    best_of_two = OverLevels(mx.Objective.pass_at(2))
    report = check_estimator(mx.estimators.get("maxk"), objective=best_of_two)
    assert report["leave-one-out"].status == "passed"
    assert report["bias on graded likelihoods"].message == "exactly unbiased for the same objective"
    assert "bias on graded likelihoods" in failed(mx.estimators.get("passk"), objective=best_of_two)
    assert "bias on graded likelihoods" in failed(mx.estimators.get("tailrl"), objective=mx.Objective.maxrl)


def test_functions_of_positive_likelihoods_are_given_no_other():
    def log_mean(r):
        assert (r > 0).all()
        return r.shape[-1] * np.broadcast_to(np.log(r.mean(axis=-1, keepdims=True)), r.shape)

    report = check_estimator(log_mean, objective=LogMean, positive_only=True)
    assert report.passed
    assert report["effective objective"].status == "skipped"
    assert failed(lambda r: 2 * log_mean(r), objective=LogMean, positive_only=True, scale=1) == {
        "leave-one-out",
        "bias on graded likelihoods",
    }
    bent = failed(lambda r: log_mean(r) + r, objective=LogMean, positive_only=True)
    assert bent == {"leave-one-out", "bias on graded likelihoods"}


# Sampling, as an option: error rate 1e-9.


def test_sampling_finds_a_bias_and_no_bias_where_there_is_none():
    def message(function):
        report = check_estimator(function, objective=mx.Objective.maxrl, monte_carlo=20_000, on_fail=None)
        return report["Monte Carlo"]

    wrong, right = message(weights_from_all_values), message(mx.advantages)
    assert (wrong.status, right.status) == ("failed", "skipped")
    assert wrong.message.startswith("BIASED (N = 8")
    assert right.message.startswith("INCONCLUSIVE (N = 8")
    assert "false alarm 1e-09" in right.message
    assert "it finds a bias of" in right.message
    with pytest.raises(ValueError, match=r"^monte_carlo must be an int of at least 2, got 1"):
        check_estimator(mx.advantages, monte_carlo=1)


def test_array_layouts_that_change_the_result_are_found():
    def flat(r):
        return r - np.frombuffer(r.tobytes("A"), dtype=r.dtype).reshape(r.shape).mean(axis=-1, keepdims=True)

    assert "memory layout" in failed(flat)

    def writes(r):
        r[..., 0] += 0
        return r

    assert "memory layout" in failed(writes)


# What enumeration cannot decide, and functions and arguments that are no good.


def test_a_baseline_that_depends_on_the_order_is_not_called_biased():
    def next_one_as_baseline(r):
        return r - np.roll(r, 1, axis=-1)

    report = check_estimator(next_one_as_baseline, objective=mx.Objective.expected(), monte_carlo=20_000, on_fail=None)
    assert {check.name for check in report.checks if check.status == "failed"} == {"order of rollouts"}
    assert report["bias on graded likelihoods"].message.startswith("cannot be enumerated: depends on the order of")
    assert report["Monte Carlo"].status == "skipped"


def test_bounds_are_not_taken_from_groups_in_one_order_where_the_order_counts():
    def larger_if_it_falls(r):
        return r * np.where(r[..., :1] > r[..., -1:], 50, 1)  # never in groups that ascend

    options = {"objective": mx.Objective.expected(), "monte_carlo": 2_000, "on_fail": None}
    check = check_estimator(larger_if_it_falls, **options)["Monte Carlo"]
    assert check.status == "skipped"
    assert check.message.startswith("BIASED")
    assert "evidence asymptotic" in check.message
    assert "evidence betting" in check_estimator(centred, **options)["Monte Carlo"].message


def test_a_function_that_raises_on_few_likelihoods_is_reported():
    def raises_on_two_successes(r):
        if (r.sum(axis=-1) == 2).any():
            raise KeyError("two")
        return r

    report = check_estimator(raises_on_two_successes, on_fail=None, group_sizes=(3, 4, 8))
    assert "raised KeyError: 'two'" in report["effective objective"].message


def test_functions_of_positive_likelihoods_with_an_objective_are_not_given_zero():
    def in_logarithms(r):
        assert (r > 0).all()
        return np.exp(np.log(r))

    assert check_estimator(in_logarithms, objective=mx.Objective.expected(), positive_only=True).passed
    assert check_estimator("vimco")["bias on graded likelihoods"].status == "passed"


def test_what_could_not_be_checked_is_undecided_and_no_pass():
    def in_logarithms(r):
        return np.log(r)

    report = check_estimator(in_logarithms, positive_only=True, on_fail=None)
    assert report["leave-one-out"].message == report["bias on graded likelihoods"].message == "no objective is declared"
    assert (report.verdict, report.passed) == ("undecided", False)
    with pytest.raises(CheckFailure, match="UNDECIDED"):
        check_estimator(in_logarithms, positive_only=True)


def test_sizes_below_what_a_target_needs_are_left_out():
    sizes = {}
    for name, target in (("maxk(3)", OverLevels(mx.Objective.pass_at(3))), ("passk(3)", mx.Objective.pass_at(3))):
        report = check_estimator(mx.estimators.get(name), objective=target, group_sizes=(2, 3, 4))
        sizes[name] = report["effective objective"].message
    assert set(sizes.values()) == {"on 0/1 rewards exactly pass@3 at N = 3, 4"}


def test_noise_is_compared_at_a_size_that_is_asked_for():
    report = check_estimator(mx.estimators.get("passk(9)"), objective=mx.Objective.pass_at(9), group_sizes=(9, 10))
    assert {row.n for row in report.noise} == {9}
    assert {row.estimator for row in report.noise} == {"this function", "passk(9)"}


def test_known_estimators_of_any_order_compete():
    report = check_estimator(mx.estimators.get("ustat(2)"), objective=mx.Objective.maxrl(2), group_sizes=(4,))
    rivals = {row.estimator for row in report.noise}
    assert rivals >= {"ustat(2)", "ustat_one(2)", "ustat_pass_loo(2)", "ustat_mean_loo(2)", "ustat_prior(2)"}
    assert "times that of ustat_prior(2) at N = 4" in report["noise"].message


WHOLE = "an int of at least"


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"seed": -1}, ValueError, f"seed must be {WHOLE} 0, got -1"),
        ({"seed": True}, TypeError, f"seed must be {WHOLE} 0, got True"),
        ({"monte_carlo": 1}, ValueError, f"monte_carlo must be {WHOLE} 2, got 1"),
        ({"monte_carlo": 2.5}, TypeError, f"monte_carlo must be {WHOLE} 2, got 2.5"),
        ({"monte_carlo": True}, TypeError, f"monte_carlo must be {WHOLE} 2, got True"),
        ({"group_sizes": 4}, TypeError, "group_sizes must be a list of ints in [1, 1024], got 4"),
        ({"group_sizes": (0, 4)}, ValueError, "group_sizes[0] must be an int in [1, 1024], got 0"),
        ({"group_sizes": (4, 1025)}, ValueError, "group_sizes[1] must be an int in [1, 1024], got 1025"),
        ({"group_sizes": (2, 2.5)}, TypeError, "group_sizes[1] must be an int in [1, 1024], got 2.5"),
        ({"group_sizes": (4, True)}, TypeError, "group_sizes[1] must be an int in [1, 1024], got True"),
    ],
    ids=str,
)
def test_other_bad_arguments_are_refused(given, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        check_estimator(centred, **given)
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        parametrize_with_checks([centred], **given)


RULE = "an Objective, such as maxrl_est.Objective.expected(), or another target"


@pytest.mark.parametrize("wrong", ["expected", "maxrl:4", 1, [mx.Objective.expected()]], ids=repr)
def test_what_is_no_target_is_refused_and_not_called_a_fault_of_the_function(wrong):
    message = f"objective must be {RULE}, or a function of the group size, got {wrong!r}"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}"):
        check_estimator("rloo", objective=wrong)
    message = f"objective(8) must be {RULE}, or None, got {wrong!r}"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}"):
        check_estimator("rloo", objective=lambda n: wrong if n == 8 else mx.Objective.expected())


def test_group_sizes_that_are_all_too_small_for_the_objective_are_refused():
    with pytest.raises(ValueError, match=r"^group_sizes must have a size of at least 5, got \[1, 2, 4\]"):
        check_estimator("ustat(5)", objective=mx.Objective.maxrl(5), group_sizes=(1, 2, 4))


@pytest.mark.parametrize(
    ("function", "name"), [(depends_on_position, "order of rollouts"), (depends_on_the_batch, "batch independence")]
)
def test_lines_for_structure_reproduce_it(function, name):
    line = check_estimator(function, on_fail=None, group_sizes=(2, 4))[name].reproduce
    assert abs(eval(line, {"numpy": np, function.__name__: function})).max() > 0.01


def test_lines_for_weights_and_samples_reproduce_a_failure():
    def squares(r):
        return r * r

    report = check_estimator(
        squares, objective=mx.Objective.expected(), monte_carlo=20_000, group_sizes=(4, 8), on_fail=None
    )
    names = {"numpy": np, "maxrl_est": mx, squares.__qualname__: squares}
    bent = report["leave-one-out"].reproduce.replace(squares.__qualname__, "squares")
    low, middle, high = eval(bent, names | {"squares": squares})
    assert (low, high) == (0, 1)
    assert middle == 0.25
    drawn = report["Monte Carlo"].reproduce.replace(squares.__qualname__, "squares")
    assert eval(drawn, names | {"squares": squares}).verdict == "BIASED"


def test_bounds_of_sampled_estimates_are_those_that_the_largest_one_attains():
    """Of REINFORCE where all succeed, a score of 3/4 times the reward of 1: half of that would refuse what is drawn."""
    subject = subject_of("reinforce", group_sizes=[4])
    low, high = _bounds(subject, BINARY, 4)
    assert high == pytest.approx([0.75], rel=1e-8)
    assert high >= 0.75
    assert low.tolist() == (-high).tolist()


def test_sampling_certifies_to_the_relative_tolerance_of_the_check():
    """Said in its plan: of the norm of the gradient, 3/16 of a coin of 1/4, at an order of 1."""
    report = check_estimator(
        "reinforce", group_sizes=[4], binary_only=True, tolerance=0.01, monte_carlo=50, on_fail=None
    )
    assert f"wrong certificate of a bias below ({0.01 * 3 / 16:.4g}) 1e-09" in report["Monte Carlo"].message
