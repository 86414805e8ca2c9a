"""Verdicts up to a factor, an eps and rounding, each said; and what a factor, an eps or an encoding must not hide."""

from __future__ import annotations

import re

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.checks import check_estimator

EXPECTED = mx.Objective.expected()
SIZES = (2, 4, 8)


def mean(r):
    return r.mean(axis=-1, keepdims=True)


def centred(r):
    return r - mean(r)


def rloo(r):
    return centred(r) * r.shape[-1] / (r.shape[-1] - 1)


def shipped(eps):
    return lambda r: centred(r) / (mean(r) + eps)


def order_below(n):
    return mx.Objective.maxrl(n - 1)


def objective_of(function, **options):
    return check_estimator(function, **{"group_sizes": SIZES, "on_fail": None, **options})["effective objective"]


# A constant factor is a learning rate.


def test_a_factor_that_depends_on_the_group_size_passes_and_is_said():
    report = check_estimator(centred, objective=EXPECTED, group_sizes=SIZES)
    assert report["effective objective"].status == "warned"
    assert report["effective objective"].message == (
        "on 0/1 rewards exactly expected times a factor that depends on N: 1/2, 3/4, 7/8 at N = 2, 4, 8"
    )
    assert report["bias on graded likelihoods"].message == "exactly unbiased for the same objective"


def test_a_constant_factor_passes_and_is_said():
    found = objective_of(lambda r: 3 * rloo(r), objective=EXPECTED)
    assert found.status == "warned"
    assert found.message == (
        "on 0/1 rewards exactly 3 x expected at N = 2, 4, 8: a constant factor, as a learning rate is"
    )


def test_a_scale_is_insisted_on_where_it_is_given():
    assert objective_of(lambda r: 3 * rloo(r), objective=EXPECTED, scale=3).status == "passed"
    found = objective_of(lambda r: 3 * rloo(r), objective=EXPECTED, scale=1)
    assert found.status == "failed"
    assert found.message == "N = 8: should ascend 1 x expected; on 0/1 rewards the factor is 3"
    assert not check_estimator(centred, objective=EXPECTED, scale=1, group_sizes=SIZES, on_fail=None).passed


@pytest.mark.parametrize("factor", [-1, -1e-3])
def test_a_negative_factor_is_no_learning_rate(factor):
    report = check_estimator(lambda r: factor * rloo(r), group_sizes=SIZES, on_fail=None)
    assert report["effective objective"].status == "failed"
    assert "it descends J_1" in report["effective objective"].message
    assert report["bias on graded likelihoods"].status == "failed"


def test_a_factor_on_graded_likelihoods_has_to_be_that_on_binary_rewards():
    def doubled_where_graded(r):
        graded = ((r > 0) & (r < 1)).any(axis=-1, keepdims=True)
        return rloo(r) * np.where(graded, 2, 1)

    report = check_estimator(doubled_where_graded, objective=EXPECTED, group_sizes=SIZES, on_fail=None)
    assert {check.name for check in report.checks if check.status == "failed"} == {
        "is a gradient",
        "leave-one-out",
        "bias on graded likelihoods",
    }


# An eps is below the tolerance, and said.


def test_a_small_eps_passes_with_what_it_does():
    found = objective_of(shipped(1e-6), objective=order_below, binary_only=True)
    assert found.status == "passed"
    assert found.message == "on 0/1 rewards J_{N-1} at N = 2, 4, 8, up to 6e-06 (tolerance 0.0001)"


def test_a_large_eps_fails_unless_the_tolerance_is_the_users():
    found = objective_of(shipped(1e-4), objective=order_below, binary_only=True)
    assert found.status == "failed"
    assert "J_7" in found.message
    assert objective_of(shipped(1e-4), objective=order_below, binary_only=True, tolerance=1e-2).status == "passed"
    assert objective_of(shipped(1e-6), objective=order_below, binary_only=True, tolerance=1e-9).status == "failed"


def test_an_eps_that_takes_the_signal_away_is_said():
    report = check_estimator(shipped(1e-6), same_as=shipped(1e-6), group_sizes=SIZES)
    assert report["small likelihoods"].status == "warned"
    found = report["small likelihoods"].message
    assert "-fold between likelihoods 0.001 and 1e-09 from 0" in found
    assert found.endswith("an eps in a denominator, below which nothing is learnt")
    for right in ("rloo", "ustat", "maxk", "ustat_pass_loo"):
        sizes = (3, 8)
        assert check_estimator(right, group_sizes=sizes, on_fail=None)["small likelihoods"].status == "passed"


# Rounding is measured, and "exactly" is said of rationals.


def in_format(dtype):
    def rounded(r):
        r = np.asarray(r, dtype=dtype)
        others = (r.sum(axis=-1, keepdims=True) - r) / dtype(max(1, r.shape[-1] - 1))
        return np.array((r - others).tolist(), dtype=np.float64).reshape(r.shape)

    return rounded


def test_float32_behind_python_floats_is_no_fault():
    report = check_estimator(in_format(np.float32), objective=EXPECTED)
    assert report["effective objective"].message.endswith(", to rounding in float32")
    assert "it computes in float32" in report.tried[-1]


def test_half_precision_is_one():
    assert not check_estimator(in_format(np.float16), objective=EXPECTED, group_sizes=(8,), on_fail=None).passed


def test_a_precision_that_is_stated_is_let_pass():
    half = in_format(np.float16)
    assert check_estimator(half, objective=EXPECTED, group_sizes=(8,), precision="float16").passed
    wrong = check_estimator(lambda r: half(r) * (1 + 0.1 * r), precision="float16", group_sizes=(8,), on_fail=None)
    assert not wrong.passed
    with pytest.raises(ValueError, match=r"^precision must be one of float64, bfloat16, float16, float32, got 'half'"):
        check_estimator(half, precision="half")


def test_the_tolerance_is_not_that_of_the_format():
    found = objective_of(lambda r: in_format(np.float32)(r) * (1 + 1e-3 * r), objective=EXPECTED)
    assert found.status == "failed"


# Two other rewards.


def test_shipped_maxrl_pushes_hard_prompts_down_where_failures_are_minus_one():
    def without_eps(r):
        average = mean(r)
        return np.where(average == 0, 0, centred(r) / np.where(average == 0, 1, average))

    found = objective_of(without_eps, values=(-1, 1), group_sizes=(8,))
    assert found.status == "failed"
    assert found.message.endswith("negative for p below 0.5: it pushes hard prompts down")
    assert found.message.startswith("N = 8: on rewards -1 and 1 it ascends no known objective")


def test_the_two_rewards_may_be_any():
    report = check_estimator(rloo, values=(-1, 1), group_sizes=SIZES)
    assert report["effective objective"].message.startswith("on rewards -1 and 1 exactly 2 x J_1 at N = 2, 4, 8")
    assert report["bias on graded likelihoods"].status == "skipped"
    rule = "values must be two numbers (low, high), low < high, got "
    for wrong in ((1, -1), (0, 1, 2), (0, 0)):
        with pytest.raises(ValueError, match=f"^{re.escape(rule + str(wrong))}"):
            check_estimator(rloo, values=wrong)


def test_both_functions_are_given_the_two_rewards():
    def over_the_size_of_the_mean(r):
        average = mean(r)
        return np.where(average == 0, 0, centred(r) / np.where(average == 0, 1, abs(average)))

    def over_the_mean(r):
        average = mean(r)
        return np.where(average == 0, 0, centred(r) / np.where(average == 0, 1, average))

    asked = {"values": (-1, 1), "group_sizes": SIZES, "on_fail": None}
    assert check_estimator(over_the_mean, same_as="maxrl_shipped", **asked)["same function"].status == "passed"
    wrong = check_estimator(over_the_size_of_the_mean, same_as="maxrl_shipped", **asked)
    assert wrong["same function"].status == "failed"
    assert check_estimator(over_the_size_of_the_mean, same_as="maxrl_shipped", group_sizes=SIZES, on_fail=None).passed


def test_ints_stay_ints_and_groups_of_several_sizes_stay_so_with_two_rewards():
    def truncates_integers(r):
        found = np.zeros_like(r)
        found[...] = rloo(r)
        return found

    asked = {"values": (-1, 1), "group_sizes": SIZES, "on_fail": None}
    assert check_estimator(truncates_integers, **asked)["reward types"].status == "failed"

    def by_ids(rewards, index):
        rewards = np.asarray(rewards, dtype=np.float64)
        same = np.asarray(index)[:, None] == np.asarray(index)
        return rewards - same @ rewards / same.sum(axis=1)

    assert check_estimator(by_ids, **asked)["ragged batches"].status == "passed"


# Is it that function?


def test_what_it_is_and_what_it_ascends_are_two_questions():
    def grpo(r):
        return centred(r) / (r.std(axis=-1, ddof=1, keepdims=True) + 1e-4)

    report = check_estimator(grpo, same_as="grpo", group_sizes=SIZES)
    assert report["same function"].message == "the advantages of grpo in all groups tried"
    assert report["effective objective"].message == "not asked: same_as is given, and no objective"
    assert report.verdict == "passed"
    report = check_estimator(grpo, same_as="grpo_population", group_sizes=SIZES, tolerance=1e-2)
    assert report["same function"].message.startswith("the advantages of grpo_population times a factor that depends")
    assert not check_estimator(grpo, same_as="grpo_population", scale=1, group_sizes=SIZES, on_fail=None).passed
    assert not check_estimator(grpo, same_as="rloo", group_sizes=SIZES, on_fail=None).passed
    with pytest.raises(ValueError, match=r"^same_as must be a name in the table, got 'rlo'; did you mean 'rloo'\?"):
        check_estimator(grpo, same_as="rlo")


# What can and cannot be judged.


def test_a_baseline_that_remembers_is_not_called_biased():
    class Remembers:
        def __init__(self):
            self.average = 0.5

        def __call__(self, r):
            found = r - self.average
            self.average = 0.9 * self.average + 0.1 * r.mean()
            return found

    report = check_estimator(Remembers(), objective=EXPECTED, on_fail=None)
    assert [check.name for check in report.checks if check.status == "failed"] == ["deterministic"]
    assert "remembers earlier calls" in report["deterministic"].message
    assert report["leave-one-out"].message.startswith("cannot be enumerated: returned two results")


def test_a_baseline_over_the_batch_is_not_called_bent():
    report = check_estimator(lambda r: r - r.mean(), objective=EXPECTED, on_fail=None)
    assert [check.name for check in report.checks if check.status == "failed"] == ["batch independence"]
    assert report["leave-one-out"].status == "skipped"


def test_a_group_of_one_with_a_huge_advantage_is_said():
    def over_eps(r):
        return centred(r) / (mean(r) + 1e-6) if r.shape[-1] > 1 else r / 1e-6

    found = check_estimator(over_eps, binary_only=True, group_sizes=(1, 4))["groups of one"]
    assert found.status == "warned"
    assert found.message.startswith("a group of one ascends 1000000 x J_1")


@pytest.mark.parametrize("on_fail", ["raise", "warn", None])
def test_nothing_but_the_report_comes_out_whatever_the_function_does(on_fail):
    def raises_for_ties(r):
        if (np.diff(np.sort(r, axis=-1), axis=-1) == 0).any():
            raise KeyError("tied")
        return r

    def nothing(r):
        return None

    for function in (raises_for_ties, nothing, lambda r: "no", lambda r: np.argsort(np.argsort(r)) - 1.5):
        if on_fail == "raise":
            with pytest.raises(mx.checks.CheckFailure):
                check_estimator(function)
        elif on_fail == "warn":
            with pytest.warns(UserWarning, match="FAILED"):
                assert not check_estimator(function, on_fail="warn").passed
        else:
            assert check_estimator(function, on_fail=None).verdict == "failed"


def test_the_cause_is_named_for_rules_that_choose_among_ties():
    def first_of_the_best(r):
        return (np.arange(r.shape[-1]) == r.argmax(axis=-1)[..., None]) * 1.0

    def centred_ranks(r):
        return np.argsort(np.argsort(r, axis=-1), axis=-1) - (r.shape[-1] - 1) / 2

    for function in (first_of_the_best, centred_ranks):
        report = check_estimator(function, on_fail=None)
        assert report["order of rollouts"].status == "failed"
        assert "depends on the order of rollouts, where likelihoods are tied" in report["order of rollouts"].message


def test_a_function_for_some_sizes_says_which():
    def pass_at_4(r):
        return rloo(r) * (1 / (r.shape[-1] // 4))

    report = check_estimator(pass_at_4, on_fail=None)
    assert report["shape and dtype"].status == "failed"
    assert report["shape and dtype"].message.startswith("raised ZeroDivisionError")
    assert report["shape and dtype"].message.endswith(
        "it fails at N = 2, 3 only: if it is not meant for these, check it with group_sizes=[4, 8, 16, 64]"
    )
    assert check_estimator(pass_at_4, group_sizes=[4, 8, 16, 64], on_fail=None)["shape and dtype"].status == "passed"


def test_large_groups_are_taken():
    def of_floats(r):
        return rloo(r.astype(np.float64))

    report = check_estimator(of_floats, objective=EXPECTED, group_sizes=np.array([2, 1024], dtype=np.int32))
    assert "at N = 2, 1024" in report["effective objective"].message


# What is not declared.


def test_the_best_of_k_is_known_without_being_declared():
    report = check_estimator("maxk", group_sizes=(3, 8))
    assert report["bias on graded likelihoods"].message == "exactly unbiased for the same objective"
    for wrong in ("maxk", "tailrl"):
        report = check_estimator(wrong, objective=lambda n: mx.Objective.maxrl(n), group_sizes=(3, 8), on_fail=None)
        assert report["leave-one-out"].status == "failed"


def test_an_objective_that_nobody_knows_is_not_called_bent():
    own = mx.Objective.from_coefficients([1, 0, 5, 1, 1])

    def ours(r):
        return mx.advantages(r, own, baseline="none")

    report = check_estimator(ours, group_sizes=(8,), on_fail=None)
    assert report["effective objective"].status == "failed"
    assert report["leave-one-out"].message == "each advantage is linear in its own likelihood"
    assert check_estimator(ours, objective=own, group_sizes=(8,)).passed


def test_a_mixture_that_few_rollouts_have_too_is_a_warning_where_nothing_is_declared():
    half = mx.Objective.tsallis(0.5, 4)
    found = objective_of(lambda r: mx.advantages(r, half), group_sizes=(8,))
    assert found.status == "warned"
    assert found.message.endswith("declare objective= if that is meant, since few rollouts have many such weights")
    assert objective_of(lambda r: mx.advantages(r, half), objective=half, group_sizes=(8,)).status == "passed"


# What is no number, or not asked, is no pass.


def test_nan_for_an_array_that_is_not_contiguous_is_no_pass():
    def contiguous_only(r):
        return rloo(r) if r.flags.c_contiguous else np.full(r.shape, np.nan)

    assert check_estimator(contiguous_only, on_fail=None, group_sizes=SIZES)["memory layout"].status == "failed"


def test_a_known_fault_whose_check_does_not_run_is_not_found():
    known = {"groups of one": mx.checks.KnownFault("none", {"returned": "nan"})}
    report = check_estimator("rloo", group_sizes=(8,), expected_failed_checks=known, on_fail=None)
    assert report["groups of one"].status == "xpassed"
    assert not report.passed
