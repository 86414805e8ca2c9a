"""Exact groups by how often each value occurs, against definitions and against the recursion that they replace."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.estimates._kernels import generic, repeated
from maxrl_est.selftest.reference import exact_loo_weights

GROUPS = {
    "0/1": [F(1), F(0), F(0), F(1), F(0), F(0), F(0)],
    "all fail": [F(0)] * 7,
    "all succeed": [F(1)] * 7,
    "thirds": [F(1, 3), F(2, 3), F(0), F(1, 3), F(1), F(1), F(2, 3)],
    "one value": [F(2, 7)] * 7,
    "all different": [F(k, 11) for k in (3, 0, 11, 5, 7, 1, 10)],
    "alone": [F(1, 2)],
}
groups = pytest.mark.parametrize("values", GROUPS.values(), ids=GROUPS)


def by_recursion(rows, coefficients):
    """What Fractions go through where values are many."""
    out = np.empty(rows.shape, dtype=object)
    for i, table in generic._leave_one_out(1 - rows, len(coefficients) - 1):
        out[:, i] = (table * coefficients).sum(axis=-1)
    return out


@groups
def test_weights_are_those_of_the_definition_and_of_the_recursion(values):
    rows, n = np.array([values, values[::-1]], dtype=object), len(values)
    for order in range(1, n + 1):
        c = np.array([F((-1) ** k * (k + 2), k + 1) for k in range(order)], dtype=object)
        got = np.empty(rows.shape, dtype=object)
        assert not repeated.fill_few(1 - rows, got, repeated.Weights(c, n - 1)).any()
        assert got[0].tolist() == exact_loo_weights(values, c.tolist())
        assert got.tolist() == by_recursion(rows, c).tolist()
        assert all(type(x) is F for x in got.flat)


def test_a_wrong_count_of_others_and_a_rollout_among_its_others_are_told_apart():
    rows, c = np.array([GROUPS["thirds"]], dtype=object), np.array([F(1)] * 4, dtype=object)
    expected, got = by_recursion(rows, c), np.empty(rows.shape, dtype=object)
    repeated.fill_few(1 - rows, got, repeated.Weights(c, rows.size))
    assert got.tolist() != expected.tolist()
    right = repeated.Weights(c, rows.size - 1)
    first = 1 - rows[0, 0]
    repeated.fill_few(1 - rows, got, lambda others: right({**others, first: others.get(first, 0) + 1}))
    assert got.tolist() != expected.tolist()


@pytest.mark.parametrize("values", [v for v in GROUPS.values() if len(v) > 1], ids=[k for k in GROUPS if k != "alone"])
def test_means_and_failures_of_others_are_those_of_the_definition(values):
    rows = np.array([values], dtype=object)
    means, failures = np.empty(rows.shape, dtype=object), np.empty(rows.shape, dtype=object)
    generic.mean_of_others(rows, means)
    generic.failure_of_others(rows, failures)
    for i in range(len(values)):
        others = values[:i] + values[i + 1 :]
        assert means[0, i] == sum(others) / F(len(others))
        assert failures[0, i] == math.prod(1 - x for x in others)


def test_groups_of_many_values_are_left_to_the_recursion_beside_groups_of_few():
    many = [F(k, 40) for k in range(repeated.MOST + 4)]
    few = [F(k % 2) for k in range(len(many))]
    rows, c = np.array([many, few, many[::-1]], dtype=object), np.array([F(1)] * 5, dtype=object)
    left = repeated.fill_few(1 - rows, np.empty(rows.shape, dtype=object), repeated.Weights(c, len(many) - 1))
    assert left.tolist() == [True, False, True]
    got = np.empty(rows.shape, dtype=object)
    generic.loo_weights(rows, c, False, got)
    assert got.tolist() == by_recursion(rows, c).tolist()
    assert got[0].tolist() == exact_loo_weights(many, c.tolist())


def test_floats_are_left_alone():
    out = np.full((2, 3), 7.0)
    assert repeated.fill_few(np.ones((2, 3)), out, repeated.mean).all()
    assert (out == 7.0).all()


@pytest.mark.parametrize("name", ["maxk", "maxk(1)", "maxk(3)", "maxk_loo", "maxk_loo_minus_one", "tailrl"])
@groups
def test_rows_that_sort_are_exact_by_their_definition_over_subsets(name, values):
    row, n = mx.estimators.get(name), len(values)
    k = {"maxk(1)": 1, "maxk(3)": 3}.get(name, 2)
    if n < k + ("loo" in name and "minus" not in name) and name != "tailrl":
        pytest.skip("needs more rollouts")
    got = row(np.array(values, dtype=object))
    for i in range(n):
        others = values[:i] + values[i + 1 :]
        if name == "tailrl":
            levels = sorted({F(0), *values})
            steps = [
                (b - a) * F(n, sum(x > a for x in values)) for a, b in itertools.pairwise(levels) if b <= values[i]
            ]
            assert got[i] == sum(steps)
            continue
        with_i = k * largest(others, k - 1, values[i])
        less = {"maxk_loo": k, "maxk_loo_minus_one": k - 1}
        assert got[i] == with_i - (k * largest(others, less[name]) if name in less else 0)


def largest(values, k, besides=None):
    """The mean of the largest over subsets of k, together with one value besides."""
    subsets = list(itertools.combinations(values, k))
    return sum(F(max((*subset, *([] if besides is None else [besides])))) for subset in subsets) / F(len(subsets))
