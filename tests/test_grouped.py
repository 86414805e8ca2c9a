"""Flat likelihoods with ids of groups: what each group has alone, in any order, for any ids and sizes."""

from __future__ import annotations

import uuid
from fractions import Fraction

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.estimates.grouped import blocks
from maxrl_est.estimators import weights_and_advantages

RNG = np.random.default_rng(0)
SIZES = (1, 2, 2, 3, 8, 8, 8, 40)
CODES = RNG.permutation(np.repeat(np.arange(len(SIZES)), SIZES))
LIKELIHOODS = RNG.random(len(CODES))


def one_by_one(compute, codes=CODES, likelihoods=LIKELIHOODS):
    """The definition: each group alone."""
    expected = np.empty(len(codes))
    for code in set(codes.tolist()):
        expected[codes == code] = compute(likelihoods[codes == code])
    return expected


@pytest.mark.parametrize("objective", [None, 1, mx.Objective.expected()])
@pytest.mark.parametrize("baseline", [None, "none", "one", "one_over_n", 0.3])
def test_flat_advantages_and_weights_are_those_of_each_group_alone(objective, baseline):
    got = mx.advantages(LIKELIHOODS, objective, baseline=baseline, groups=CODES)
    np.testing.assert_array_equal(got, one_by_one(lambda l: mx.advantages(l, objective, baseline=baseline)))
    weights = mx.loo_weights(LIKELIHOODS, objective, groups=CODES)
    np.testing.assert_array_equal(weights, one_by_one(lambda l: mx.loo_weights(l, objective)))
    both = weights_and_advantages(LIKELIHOODS, objective, baseline=baseline, groups=CODES)
    np.testing.assert_array_equal(both, (weights, got))


def test_grouping_by_place_would_be_found_out():
    """On ids a b a b both blocks and strides of rows give other numbers on one of the two orders."""
    rewards = [1.0, 0.0, 1.0, 0.0]
    for ids, expected in (("abab", [0, 0, 0, 0]), ("aabb", [1, -1, 1, -1]), ("abba", [1, -1, 1, -1])):
        assert mx.advantages(rewards, 1, groups=list(ids)).tolist() == expected
    assert mx.advantages([1.0, 0.0, 1.0, 0.0, 0.0], 1, groups=list("aabbb")).tolist() == [1.0, -1.0, 1.0, -0.5, -0.5]


IDS = {
    "ints": CODES,
    "list of ints": CODES.tolist(),
    "strings": CODES.astype(str),
    "objects": np.array([f"prompt {c}" for c in CODES], dtype=object),
    "list of strings": [f"prompt {c}" for c in CODES],
    "tuples": [(c, "x") for c in CODES.tolist()],
    "uuids": [uuid.UUID(int=c) for c in CODES.tolist()],
    "NumPy's ints in a list": list(CODES),
    "ints in an object array": CODES.astype(object),
    "times": CODES.astype("datetime64[D]"),
    "floats": CODES / 7,
    "bytes": CODES.astype(bytes),
    "none among them": [None if c == 0 else c for c in CODES.tolist()],
}


@pytest.mark.parametrize("kind", IDS)
def test_ids_are_whatever_can_be_hashed(kind):
    expected = one_by_one(mx.advantages)
    np.testing.assert_array_equal(mx.advantages(LIKELIHOODS, groups=IDS[kind]), expected)


def test_results_come_in_the_callers_type_and_order():
    assert mx.advantages(LIKELIHOODS.astype(np.float32), groups=CODES).dtype == np.float32
    assert mx.loo_weights(CODES < 3, groups=CODES).dtype == np.float64
    exact = mx.advantages([Fraction(1), Fraction(0), Fraction(1)], groups=["a", "b", "a"])
    assert exact.tolist() == [0, 0, 0]
    assert isinstance(exact[0], Fraction)
    order = RNG.permutation(len(CODES))
    got = mx.advantages(LIKELIHOODS[order], groups=CODES[order])
    np.testing.assert_allclose(got, mx.advantages(LIKELIHOODS, groups=CODES)[order], rtol=1e-12)
    assert mx.advantages([], groups=[]).shape == (0,)


def test_log_likelihoods_and_an_array_to_fill_work_as_for_one_size():
    logs = np.log(LIKELIHOODS)
    got = mx.loo_weights(log_likelihoods=logs - 2.0, log_ceiling=-2.0, groups=CODES)
    np.testing.assert_allclose(got, mx.loo_weights(LIKELIHOODS, groups=CODES), rtol=1e-12)
    out = np.empty(len(CODES))
    assert mx.loo_weights(LIKELIHOODS, groups=CODES, out=out) is out
    np.testing.assert_array_equal(out, mx.loo_weights(LIKELIHOODS, groups=CODES))
    shared = LIKELIHOODS.copy()
    mx.loo_weights(shared, groups=CODES, out=shared)
    np.testing.assert_array_equal(shared, out)


def test_a_group_whose_likelihoods_are_lost_as_floats_is_named():
    logs = [-1.0, -800.0, -2.0, -900.0]
    with pytest.warns(UserWarning, match="log_likelihoods of group 'b' must have a rollout within 745") as caught:
        mx.advantages(log_likelihoods=logs, groups=list("abab"))
    assert caught[0].filename == __file__
    mx.advantages(log_likelihoods=logs, groups=list("aaaa"))  # no group has lost all, and warnings are errors


def test_the_likelihoods_are_left_alone():
    given = LIKELIHOODS.copy()
    given.flags.writeable = False
    mx.advantages(given, groups=CODES)
    np.testing.assert_array_equal(given, LIKELIHOODS)


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        ([1, 2, 1, 2], ValueError, r"groups must have an id for each of the 5 likelihoods, got 4"),
        (np.ones((5, 1)), ValueError, r"groups must have an id for each of the 5 likelihoods, got shape \(5, 1\)"),
        ([1, 2, 1, float("nan"), 2], ValueError, r"groups\[3\] must be equal to itself, got nan"),
        (np.array([1, 2, 1, np.nan, 2]), ValueError, r"groups\[3\] must be equal to itself, got nan"),
        (np.array(["NaT", *["2026-01-01"] * 4], "datetime64[D]"), ValueError, r"groups\[0\] must be equal to itself"),
        ([1, [2], 1, 1, 1], TypeError, r"groups\[1\] must be hashable, got \[2\]"),
        (np.ma.array([1, 2, 1, 2, 1], mask=[0, 0, 1, 0, 0]), ValueError, r"groups\[2\] must be an id, got a masked"),
        ("aabba", TypeError, r"groups must be a list or an array of ids, got 'aabba'"),
        ({1, 2, 3, 4, 5}, TypeError, r"groups must be a list or an array of ids, got \{1"),
        (3, TypeError, r"groups must be a list or an array of ids, got 3"),
    ],
)
def test_ids_that_name_no_groups_are_refused(ids, error, message):
    for function in (mx.advantages, mx.loo_weights, weights_and_advantages):
        with pytest.raises(error, match=message):
            function(np.full(5, 0.5), groups=ids)


def test_a_group_that_is_too_small_is_named():
    likelihoods, ids = [1, 0, 1, 0, 0], np.array(["a", "a", "b", "b", "b"], dtype=object)
    with pytest.raises(ValueError, match=r"of order T <= 2 for groups of N = 2, got T = 3.*\(group 'a'\)"):
        mx.advantages(likelihoods, 3, groups=ids)
    with pytest.raises(ValueError, match=r"of order T <= 2 for groups of N = 2, got T = 3.*\(group 'a'\)"):
        mx.loo_weights(likelihoods, 3, groups=ids)
    with pytest.raises(ValueError, match=r"N >= 2 for baseline 'mean_loo', got N = 1 \(group 7\)"):
        mx.advantages(likelihoods, baseline="mean_loo", groups=np.array([7, 8, 8, 8, 8]))
    with pytest.raises(ValueError, match="baseline must be one of"):
        mx.advantages(likelihoods, baseline="mean", groups=ids)


def test_likelihoods_have_to_be_flat_and_likelihoods():
    with pytest.raises(ValueError, match=r"likelihoods must be flat, \(M,\), where groups are given, got shape"):
        mx.advantages([[1, 0]], groups=[1, 2])
    with pytest.raises(ValueError, match=r"log_likelihoods must be flat"):
        mx.advantages(log_likelihoods=[[-1.0, 0.0]], groups=[1, 2])
    with pytest.raises(ValueError, match=r"likelihoods\[1\] must lie in \[0, 1\], got 1.5"):
        mx.advantages([1, 1.5], groups=[1, 2])


def test_blocks_hold_each_rollout_once_and_keep_the_order_in_a_group():
    rows = np.concatenate([block.rows.ravel() for block in blocks("groups", CODES, len(CODES), "likelihoods")])
    assert sorted(rows.tolist()) == list(range(len(CODES)))
    for block in blocks("groups", CODES, len(CODES), "likelihoods"):
        assert (np.diff(block.rows, axis=1) > 0).all()
        assert (CODES[block.rows] == CODES[block.ids][:, None]).all()


def test_a_hundred_thousand_groups_take_one_call_of_the_kernels_for_each_size(monkeypatch):
    from maxrl_est.estimates import checked

    calls = []
    fill = checked.fill_loo_weights
    monkeypatch.setattr(
        checked, "fill_loo_weights", lambda values, *out: calls.append(values.shape) or fill(values, *out)
    )
    codes = RNG.permutation(np.repeat(np.arange(100_000), RNG.integers(1, 4, 100_000)))
    mx.advantages(np.ones(len(codes)), groups=codes)
    assert sorted(n for _, n in calls) == [1, 2, 3]
