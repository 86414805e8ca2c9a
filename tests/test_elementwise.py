"""Formulas side by side: the same numbers as of arrays, and worked out once where objects are the same."""

from __future__ import annotations

import operator
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.estimates.elementwise import elementwise, total
from maxrl_est.estimators._counted import Counted
from maxrl_est.estimators._lifted import _by_mean, _expected

VALUES = [F(0), F(1, 3), F(1), F(1, 7)]


def test_fractions_get_what_arrays_of_them_do_though_each_pair_is_asked_once():
    asked = []

    def less(x, y):
        asked.append((x, y))
        return x - y

    rows = np.array([VALUES, VALUES[::-1], VALUES[:1] * 4], dtype=object)
    means = rows.sum(axis=1, keepdims=True) / 4
    got = elementwise(less, rows, means)
    assert got.dtype == object
    assert (got == rows - means).all()
    assert len(asked) == 4 + 4 + 1


def test_floats_and_empty_arrays_are_arrays_in_the_formula():
    rows = np.array(VALUES, dtype=float)
    assert elementwise(operator.sub, rows, rows.sum(keepdims=True)).tolist() == (rows - rows.sum()).tolist()
    nothing = elementwise(operator.neg, np.empty((0, 3), dtype=object))
    assert (nothing.shape, nothing.dtype) == ((0, 3), object)


def test_a_single_number_beside_groups_is_the_same_for_all_of_them():
    rows = np.array([VALUES, VALUES[::-1]], dtype=object)
    assert (elementwise(operator.sub, rows, np.array(F(1, 2))) == rows - F(1, 2)).all()
    assert mx.effective_weight("ustat_one", 5).exact  # its constant is such a number


def test_totals_count_the_same_object_in_its_own_group_only():
    low, high = F(1, 3), F(1, 7)
    rows = np.array([[low] * 4, [high] * 4, [low, high, high, high]], dtype=object)  # two objects
    for groups in (rows, np.array([VALUES, VALUES[::-1]], dtype=object)):
        assert total(groups).tolist() == groups.sum(axis=1, keepdims=True).tolist()
        assert all(type(x) is F for x in total(groups).flat)
    assert total(rows[0]).tolist() == [4 * low]
    assert total(rows[:0]).shape == (0, 1)


@pytest.mark.parametrize("exact", [False, True])
def test_a_lift_by_the_mean_is_the_rule_where_outcomes_are_certain_as_it_is_by_expectation(exact):
    kind = object if exact else float
    rows = np.array([[F(1), F(0), F(0), F(1)], [F(0)] * 4, [F(1)] * 4, [F(1), F(1, 2), F(0), F(0)]]).astype(kind)
    pair = Counted(mx.estimators.get("maxrl_shipped"))(4, exact)
    got, expected = _by_mean(rows, pair), _expected(rows, pair)
    assert got.tolist() == expected.tolist()
    assert (got[:3] == mx.estimators.get("maxrl_shipped")(rows[:3])).all()
