"""A function is one thing, in floats, which train, and in Fractions, which proofs are of; where it is two, it fails."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx

ARMS = mx.problems.Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1, 3), F(1)])


def right(l):
    return mx.advantages(l)


def wrong(l):
    """Of a lower order."""
    return mx.advantages(l, max(1, np.shape(l)[-1] - 1), baseline="none")


def right_in_floats(l):
    return wrong(l) if l.dtype == object else right(l)


def right_in_fractions(l):
    return right(l) if l.dtype == object else wrong(l)


def failed(function, n, **options):
    report = mx.check_estimator(function, objective=mx.Objective.maxrl, group_sizes=(1, n), on_fail=None, **options)
    return {check.name: check.message for check in report.checks if check.status == "failed"}


@pytest.mark.parametrize("binary_only", [False, True])
@pytest.mark.parametrize("n", [2, 5, 16])
def test_a_function_that_is_right_in_floats_alone_fails_as_another_one_in_fractions(n, binary_only):
    """By that check alone: whatever else is asked is asked of floats."""
    found = failed(right_in_floats, n, binary_only=binary_only)
    assert [*found] == ["reward types"]
    assert "Fraction rewards" in found["reward types"]
    assert not failed(right, n, binary_only=binary_only)


@pytest.mark.parametrize("binary_only", [False, True])
@pytest.mark.parametrize("n", [2, 5, 16])
def test_a_function_that_is_right_in_fractions_alone_fails_for_what_it_does_in_floats(n, binary_only):
    assert {"reward types", "effective objective"} <= set(failed(right_in_fractions, n, binary_only=binary_only))


def test_functions_that_take_no_fractions_are_not_asked_for_them():
    def in_floats(l):
        return right(np.asarray(l, dtype=np.float64))

    def refuses(l):
        if l.dtype == object:
            raise TypeError("no Fractions")
        return right(l)

    assert not failed(in_floats, 4) | failed(refuses, 4)


@pytest.mark.parametrize("function", [right_in_floats, right_in_fractions])
def test_measures_are_of_floats_where_the_two_differ_and_do_not_call_themselves_exact(function):
    trains = right if function is right_in_floats else wrong
    weight, moments = mx.effective_weight(function, 4), mx.exact_moments(ARMS, function, 4)
    assert not weight.exact
    assert weight.nearest().objective == mx.effective_weight(trains, 4).nearest().objective
    assert not moments.exact
    assert moments.mean.astype(float) == pytest.approx(mx.exact_moments(ARMS, trains, 4).mean.astype(float), rel=1e-9)
    assert mx.effective_weight(trains, 4).exact
    assert mx.exact_moments(ARMS, trains, 4).exact
