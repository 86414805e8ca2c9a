"""Blocks of groups on threads, and results written where the caller wants them."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.estimates import settled, threads
from maxrl_est.estimates._kernels import _choice
from maxrl_est.selftest.adversarial import FAMILIES

FUNCTIONS = (mx.loo_weights, mx.advantages)
GROUPS = np.random.default_rng(0).random((37, 12))

each = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)


@each
@pytest.mark.parametrize("n_threads", [2, 3, 64])
@pytest.mark.parametrize("family", FAMILIES)
def test_threads_change_no_bit_at_full_order(function, n_threads, family):
    rng = np.random.default_rng(0)
    groups = np.array([FAMILIES[family](24, rng) for _ in range(11)])
    np.testing.assert_array_equal(function(groups, n_threads=n_threads), function(groups))
    single = groups.astype(np.float32)
    np.testing.assert_array_equal(function(single, n_threads=n_threads), function(single))


@each
def test_threads_change_at_most_a_unit_in_the_last_place_at_other_orders(function):
    np.testing.assert_array_max_ulp(function(GROUPS, 5, n_threads=4), function(GROUPS, 5), maxulp=2)


@each
def test_groups_that_are_told_by_ids_have_threads_too(function):
    ids = np.repeat(np.arange(37), 12)
    got = function(GROUPS.reshape(-1), groups=ids, n_threads=3)
    np.testing.assert_array_equal(got, function(GROUPS).reshape(-1))


def test_blocks_are_on_threads_of_their_own_and_every_group_is_in_one():
    seen, numbers = [], np.arange(10)
    here = threading.get_ident()
    threads.in_blocks(lambda block: seen.append((threading.get_ident(), block.tolist())), 4, numbers)
    assert sorted(number for _, block in seen for number in block) == numbers.tolist()
    assert here not in {ident for ident, _ in seen}
    assert len(seen) == 4


def test_there_are_no_more_threads_than_groups():
    seen = []
    threads.in_blocks(lambda block: seen.append(len(block)), 10**30, np.arange(3))
    assert seen == [1, 1, 1]


def test_threads_compute_as_the_job_that_started_them_is_settled(monkeypatch):
    monkeypatch.setattr(_choice, "setting", lambda: "auto")
    with settled(1, 1):
        expected = mx.loo_weights(GROUPS)
        np.testing.assert_array_equal(mx.loo_weights(GROUPS, n_threads=3), expected)
    with settled(float("inf"), 1):
        assert (mx.loo_weights(GROUPS, n_threads=3) != expected).any()


def test_an_error_in_a_block_is_that_of_the_call():
    def fail(block):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        threads.in_blocks(fail, 2, np.arange(4))


@each
@pytest.mark.parametrize("wrong", [0, -1, 2.0, True, "2", None])
def test_a_number_of_threads_is_an_int_of_at_least_1(function, wrong):
    for options in ({}, {"groups": np.zeros(0)}, {"groups": np.zeros(37 * 12)}):
        likelihoods = GROUPS.reshape(-1)[: len(options["groups"])] if options else GROUPS
        with pytest.raises((TypeError, ValueError), match=f"^n_threads must be an int of at least 1, got {wrong!r}$"):
            function(likelihoods, n_threads=wrong, **options)


@each
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("options", [{}, {"objective": 3}, {"n_threads": 2}], ids=str)
def test_results_are_written_where_they_are_wanted(function, dtype, options):
    groups = GROUPS.astype(dtype)
    expected = function(groups, **options)
    for place in (np.empty((37, 12), dtype), np.empty((12, 37), dtype).T, np.empty((37, 24), dtype)[:, ::2]):
        assert function(groups, out=place, **options) is place
        np.testing.assert_array_equal(place, expected)
    itself = groups.copy()
    np.testing.assert_array_equal(function(itself, out=itself, **options), expected)


@each
def test_results_of_ids_are_written_there_as_well(function):
    ids, place = np.repeat(np.arange(37), 12), np.empty(37 * 12)
    assert function(GROUPS.reshape(-1), groups=ids, out=place) is place
    np.testing.assert_array_equal(place.reshape(37, 12), function(GROUPS))


@each
def test_a_place_of_another_dtype_or_shape_is_refused(function):
    with pytest.raises(ValueError, match=r"out must be an array of float64 and shape \(37, 12\), got float32"):
        function(GROUPS, out=np.empty((37, 12), np.float32))
    with pytest.raises(ValueError, match="out must be an array without a mask"):
        function(GROUPS, out=np.ma.masked_all((37, 12)))
    with pytest.raises(ValueError, match="out must be writeable"):
        function(GROUPS, out=np.broadcast_to(0.0, (37, 12)))


def test_float32_in_any_order_of_bytes_is_float32():
    expected = mx.loo_weights(GROUPS.astype(np.float32))
    got = mx.loo_weights(GROUPS.astype(">f4"))
    assert got.dtype == np.dtype(np.float32)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("n", [2, 8, 16, 31, 64, 128, 300])
def test_float32_is_rounded_once_at_most(family, n):
    single = FAMILIES[family](n, np.random.default_rng(0)).astype(np.float32)
    expected = mx.loo_weights(single.astype(np.float64))
    got = mx.loo_weights(single)
    assert got.dtype == np.float32
    unit = np.spacing(expected.astype(np.float32)).astype(np.float64)
    assert np.max(np.abs(got - expected) / unit) <= 0.51
