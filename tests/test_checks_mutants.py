"""Mistakes that have been made or easily are: each is found by the check that is meant for it, and by its exact bias.

And the converse: estimators with the same mean, by other baselines or other arithmetic, are not called biased.
"""

from __future__ import annotations

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est import estimators
from maxrl_est.checks import check_estimator
from maxrl_est.estimators import OverLevels
from maxrl_est.selftest.mutants import (
    ADVANTAGES,
    SAME_MEAN,
    definition,
    earlier_rollouts_only,
    others,
    scaled_over_the_batch,
    stacked,
)

OBJECTIVE, GRADED = "effective objective", "bias on graded likelihoods"
EXPECTED, MAXRL = mx.Objective.expected(), mx.Objective.maxrl
PASS_2, PASS_3 = mx.Objective.pass_at(2), mx.Objective.pass_at(3)
BEST_OF_2 = OverLevels(PASS_2)
SIZES = (3, 4, 6)


def full(values):
    return [1] * values.shape[-1]


def at_full_order(advantages):
    return lambda r: advantages(r, full(r))


def row(name):
    return estimators.get(name)


def mean(r):
    return r.sum(axis=-1, keepdims=True) / r.shape[-1]


def size(r):
    return r.shape[-1]


def safe(top, bottom):
    return np.where(bottom == 0, 0, top / np.where(bottom == 0, 1, bottom))


def average_over_the_batch(r):
    return r - r.sum() / r.size


def ordered(r):
    return np.sort(row("ustat_one")(r), axis=-1)


def next_one_as_baseline(r):
    return r - np.roll(r, 1, axis=-1)


def in_half_precision(r):
    return row("ustat")(r.astype(np.float64)).astype(np.float16).astype(np.float64)


def levels_with_weak_inequality(r):
    """#{l_j >= tau} for #{l_j > tau}: ties and the level itself are counted twice."""
    order = np.argsort(r, axis=-1)
    ascending = np.take_along_axis(r, order, axis=-1)
    steps = np.diff(ascending, axis=-1, prepend=0 * ascending[..., :1])
    result = np.empty_like(ascending)
    above = np.arange(size(r) + 1, 1, -1)
    np.put_along_axis(result, order, np.cumsum(steps * size(r) / above, axis=-1), axis=-1)
    return result


def drops_the_control_variate_of_failures(r):
    return np.where(r.sum(axis=-1, keepdims=True) == 0, 0, row("maxrl_cv")(r))


def zero_for_all_successes(r):
    return np.where((r == 1).all(axis=-1, keepdims=True), 0, row("ustat")(r))


# name: (advantages, what they should ascend, the check that must fail)
MUTANTS = {
    **{
        name: (at_full_order(f), MAXRL, OBJECTIVE if name != "plug-in powers" else GRADED)
        for name, f in ADVANTAGES.items()
    },
    "earlier rollouts only": (lambda r: earlier_rollouts_only(r, full(r)) * r, MAXRL, "order of rollouts"),
    "scaled over the batch": (lambda r: scaled_over_the_batch(r, full(r)) * r, MAXRL, "batch independence"),
    "twice": (lambda r: 2 * row("ustat")(r), MAXRL, OBJECTIVE),
    "sign": (lambda r: -row("ustat")(r), MAXRL, OBJECTIVE),
    "likelihood squared": (lambda r: row("ustat")(r) * r, MAXRL, GRADED),
    "weights without likelihood": (mx.loo_weights, MAXRL, OBJECTIVE),
    "order one": (lambda r: row("ustat(1)")(r), MAXRL, OBJECTIVE),
    "order two": (lambda r: row("ustat(2)")(r), MAXRL, OBJECTIVE),
    "rounded to 0 or 1": (lambda r: row("ustat")(1 * (r >= 1 / 2)), MAXRL, GRADED),
    "small likelihoods dropped": (lambda r: row("ustat")(np.where(r < 1 / 10, 0, r)), MAXRL, GRADED),
    "own likelihood as baseline": (lambda r: row("ustat")(r) - r, MAXRL, OBJECTIVE),
    "largest of the group as baseline": (lambda r: row("ustat")(r) - r.max(axis=-1, keepdims=True), MAXRL, OBJECTIVE),
    "pass rate of all as baseline": (lambda r: row("ustat")(r) - mean(r), MAXRL, OBJECTIVE),
    "half precision": (in_half_precision, MAXRL, GRADED),
    "sorted": (ordered, MAXRL, "order of rollouts"),
    "all successes skipped": (zero_for_all_successes, MAXRL, OBJECTIVE),
    "lower bound of the weight": (lambda r: row("plug_in_loo")(r), MAXRL, GRADED),
    "self-normalised": (lambda r: row("self_normalised")(r), MAXRL, GRADED),
    "MaxRL as shipped": (lambda r: row("maxrl_shipped")(r), MAXRL, OBJECTIVE),
    "MaxRL over K + 1": (lambda r: size(r) * r / (r.sum(axis=-1, keepdims=True) + 1), MAXRL, OBJECTIVE),
    "MaxRL without N": (lambda r: row("maxrl")(r) / size(r), MAXRL, OBJECTIVE),
    "MaxRL over sd": (lambda r: safe(r - mean(r), mean(r) * (1 - mean(r))), MAXRL, OBJECTIVE),
    "MaxRL, no gradient at K = 0": (drops_the_control_variate_of_failures, MAXRL, OBJECTIVE),
    "MaxRL with a large eps": (lambda r: r / (mean(r) + 0.01), MAXRL, OBJECTIVE),
    "centred by the group's mean": (lambda r: r - mean(r), EXPECTED, OBJECTIVE),
    "RLOO over sd": (lambda r: row("grpo")(r.astype(np.float64)), EXPECTED, OBJECTIVE),
    "centred by the batch": (average_over_the_batch, EXPECTED, "batch independence"),
    "centred by the neighbour": (next_one_as_baseline, EXPECTED, "order of rollouts"),
    "centred by the median": (lambda r: r - np.median(r.astype(float), axis=-1, keepdims=True), EXPECTED, OBJECTIVE),
    "N in place of N - 1": (lambda r: (r - mean(r)) * (size(r) + 1) / size(r), EXPECTED, OBJECTIVE),
    "pass@k of k - 1": (lambda r: row("passk(2)")(r), PASS_3, OBJECTIVE),
    "pass@k without k": (lambda r: row("passk")(r) / 2, PASS_2, OBJECTIVE),
    "pass@k with replacement": (lambda r: 3 * (1 - mean(r)) ** 2 * r, PASS_3, OBJECTIVE),
    "pass@k of all": (lambda r: 2 * mx.failure_powers(r, 1)[..., 1:] * r, PASS_2, OBJECTIVE),
    "pass@k less that of the group": (
        lambda r: row("passk")(r) - (1 - mx.failure_powers(r, 2)[..., 2:]),
        PASS_2,
        OBJECTIVE,
    ),
    "pass@k for max@k": (lambda r: row("passk")(r), BEST_OF_2, GRADED),
    "max@k for pass@k": (lambda r: row("maxk")(r), PASS_2, GRADED),
    "max@k without k": (lambda r: row("maxk")(r) / 2, BEST_OF_2, OBJECTIVE),
    "max@k of three": (lambda r: row("maxk(3)")(r), BEST_OF_2, OBJECTIVE),
    "max@k less the group's best": (
        lambda r: row("maxk")(r) - 2 * r.max(axis=-1, keepdims=True),
        BEST_OF_2,
        OBJECTIVE,
    ),
    "TailRL with weak inequality": (levels_with_weak_inequality, lambda n: OverLevels(MAXRL(n)), OBJECTIVE),
    "TailRL for MaxRL": (lambda r: row("tailrl")(r), MAXRL, GRADED),
    "MaxRL for TailRL": (lambda r: row("ustat")(r), lambda n: OverLevels(MAXRL(n)), GRADED),
    "TailRL centred for TailRL": (lambda r: row("tailrl_centred")(r), lambda n: OverLevels(MAXRL(n)), OBJECTIVE),
}


def failures(function, target):
    report = check_estimator(function, objective=target, group_sizes=SIZES, scale=1, on_fail=None)
    return {check.name: check.message for check in report.checks if check.status == "failed"}


def test_there_are_enough_mutants():
    assert len(MUTANTS) >= 40


@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_are_killed_by_the_check_meant_for_them(name):
    function, target, check = MUTANTS[name]
    found = failures(function, target)
    assert check in found
    if check == GRADED:
        assert "exact bias [" in found[GRADED]


def share_of_the_others(r):
    """omega_i l_i less half the others' best and a third of their worst."""
    rest = others(r)
    best, worst = (stacked([f(x, axis=-1) for x in rest], r) for f in (np.max, np.min))
    return definition(r, full(r)) * r - best / 2 - worst / 3


SAME = {
    **{name: (at_full_order(f), MAXRL) for name, f in SAME_MEAN.items()},
    **{
        name: (lambda r, name=name: row(name)(r), MAXRL)
        for name in ("ustat", "ustat_one", "ustat_one_over_n", "ustat_mean_loo")
    },
    "RLOO over N": (lambda r: r - (r.sum(axis=-1, keepdims=True) - r) / size(r), EXPECTED),
    "RLOO plus 7": (lambda r: row("rloo")(r) + 7, EXPECTED),
    "REINFORCE": (lambda r: row("reinforce")(r), EXPECTED),
    "average of two valid ones": (lambda r: (row("ustat_one")(r) + row("ustat_mean_loo")(r)) / 2, MAXRL),
    "in floats": (lambda r: row("ustat_one")(r.astype(np.float64)), MAXRL),
    "in short floats": (lambda r: row("ustat_one")(r.astype(np.float32)), MAXRL),
    "pass@k less that of the others": (lambda r: row("passk_loo")(r), PASS_2),
    "max@k by what is added": (lambda r: row("maxk_loo_minus_one")(r), BEST_OF_2),
}


@pytest.mark.parametrize("name", SAME)
def test_estimators_with_the_same_mean_are_not_flagged(name):
    assert failures(*SAME[name]) == {}


def test_baselines_that_know_the_others_best_are_unbiased_though_they_are_no_polynomial():
    assert failures(share_of_the_others, MAXRL) == {}
