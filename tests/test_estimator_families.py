"""pass@k, the best of k and TailRL from subsets and levels enumerated, and the coefficients that rows declare."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction as F

import numpy as np
import pytest

from maxrl_est import estimators, exact_moments
from maxrl_est.measures import target_gradient
from maxrl_est.problems import Bandit
from maxrl_est.selftest.mutants import mean_product

GROUPS = [
    np.array([F(1, 2), F(1, 2), F(0), F(1), F(1, 3)]),  # with a tie
    np.array([F(0), F(0), F(0), F(0), F(0)]),
    np.array([F(1, 7), F(6, 7), F(1, 9), F(2, 7), F(1)]),
]
BINARY = [np.array([F(int(i < k)) for i in range(5)]) for k in range(6)]
ARMS = Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1, 3), F(1)])


def best(values, k, member=None):
    """Mean of the largest over k-subsets, of those with a member if one is named; of the empty set it is 0."""
    subsets = [s for s in itertools.combinations(range(len(values)), k) if member is None or member in s]
    return sum((max((values[j] for j in s), default=F(0)) for s in subsets), F(0)) / len(subsets)


def passes(values, k, member=None):
    """Mean over k-subsets of the chance that one of them is accepted."""
    subsets = [s for s in itertools.combinations(range(len(values)), k) if member is None or member in s]
    return sum((1 - math.prod([1 - values[j] for j in s]) for s in subsets), F(0)) / len(subsets)


@pytest.mark.parametrize("values", GROUPS + BINARY, ids=str)
@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_pass_at_k_and_best_of_k_are_means_over_subsets(values, k):
    every = range(5)
    rest = [np.delete(values, i) for i in every]
    assert estimators.get(f"maxk({k})")(values).tolist() == [k * best(values, k, i) for i in every]
    less_without = [k * (best(values, k, i) - best(rest[i], k - 1)) for i in every]
    assert estimators.get(f"maxk_loo_minus_one({k})")(values).tolist() == less_without
    alone = [k * (passes(values, k, i) - passes(rest[i], k - 1)) for i in every]
    assert estimators.get(f"passk({k})")(values).tolist() == alone
    if k < 5:
        less_others = [k * (best(values, k, i) - best(rest[i], k)) for i in every]
        assert estimators.get(f"maxk_loo({k})")(values).tolist() == less_others
        less_others = [k * (passes(values, k, i) - passes(rest[i], k)) for i in every]
        assert estimators.get(f"passk_loo({k})")(values).tolist() == less_others


def test_the_largest_over_all_subsets_is_not_that_over_subsets_with_a_member():
    values = GROUPS[0]
    assert estimators.get("maxk")(values).tolist() != [2 * best(values, 2)] * 5


@pytest.mark.parametrize("values", BINARY, ids=str)
def test_on_binary_rewards_families_meet(values):
    def row(name):
        return estimators.get(name)(values).tolist()

    for k in (1, 2, 4):
        assert row(f"maxk_loo({k})") == row(f"passk_loo({k})")
        assert row(f"maxk_loo_minus_one({k})") == row(f"passk({k})")
    assert row("tailrl") == row("maxrl")
    assert row("tailrl_centred") == row("maxrl_shipped")
    assert row("plug_in_loo") == row("maxrl")


def test_at_k_one_both_leave_one_out_rows_are_rloo():
    for values in GROUPS:
        expected = estimators.get("rloo")(values).tolist()
        assert estimators.get("maxk_loo(1)")(values).tolist() == expected
        assert estimators.get("passk_loo(1)")(values).tolist() == expected


@pytest.mark.parametrize("values", GROUPS, ids=str)
def test_tailrl_divides_each_level_by_those_above_it(values):
    levels = sorted({F(0), *values})
    expected = [
        sum(5 * (high - low) / sum(x > low for x in values) for low, high in itertools.pairwise(levels) if own > low)
        for own in values
    ]
    assert estimators.get("tailrl")(values).tolist() == expected
    assert estimators.get("tailrl_centred")(values).sum() == 0


LEVELS = ["maxk", "maxk_loo", "maxk_loo_minus_one", "maxk(3)", "maxk_loo(3)", "tailrl", "tailrl_centred"]


@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("n", [4, 5])
def test_rows_over_levels_are_exactly_unbiased_for_their_target(name, n):
    row = estimators.get(name)
    mean = exact_moments(ARMS, row, n).mean
    assert mean.tolist() == target_gradient(ARMS, row.target(n)).tolist()
    assert mean.tolist() != target_gradient(ARMS, row.target(n).objective).tolist()  # not that of the pass rate


def test_off_by_one_in_the_number_above_a_level_is_biased():
    def wrong(values):  # l_j >= tau for l_j > tau counts those at the lower end of a level too
        return estimators.get("tailrl")(values) * values.shape[-1] / (values.shape[-1] + 1)

    target = estimators.get("tailrl").target(4)
    assert exact_moments(ARMS, wrong, 4).mean.tolist() != target_gradient(ARMS, target).tolist()


NAMES = [*estimators.names(), "ustat(2)", "ustat_pass_loo(2)", "passk(3)", "passk_loo(3)", "ustat_one_over_n(1)"]
AFFINE = {
    "reinforce",
    "rloo",
    "mean_centred",
    "ustat",
    "ustat_one",
    "ustat_one_over_n",
    "ustat_pass_loo",
    "passk",
    "passk_loo",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_coefficients_that_a_row_declares_are_its_own(name, n):
    row = estimators.get(name)
    declared = row.affine(n)
    if declared is None:
        return
    values = GROUPS[2][:n]
    c, d = declared
    expected = []
    for i, own in enumerate(values):
        rest = np.delete(values, i)
        slope = sum((x * mean_product(rest, k) for k, x in enumerate(c) if x), F(0))
        constant = sum((x * mean_product(rest, k) for k, x in enumerate(d) if x), F(0))
        expected.append(slope * own - constant)
    assert row(values).tolist() == expected


def test_all_polynomial_rows_but_one_declare_coefficients():
    assert {name for name in estimators.names() if estimators.get(name).affine(5)} == AFFINE


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("maxk(5)", "likelihoods must have groups of N >= 5 for subsets of 5, got N = 4"),
        ("maxk_loo(4)", "likelihoods must have groups of N >= 5 for max@4 of the others, got N = 4"),
        ("passk_loo(4)", "likelihoods must have groups of N >= 5 for pass@4 of the others, got N = 4"),
        ("passk(5)", "likelihoods must have groups of N >= 5 for pass@5, got N = 4"),
    ],
)
def test_more_rollouts_than_there_are_is_refused(name, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        estimators.get(name)([0.5, 0.2, 0.1, 0.9])


LARGE = 2e-13  # relative to the largest; measured worst: 3e-15


def test_large_groups_stay_accurate():
    values = np.linspace(0, 1, 1000)
    exact = estimators.get("maxk(500)")(np.array([F(x) for x in values]))
    got = estimators.get("maxk(500)")(values)
    assert abs(got - exact.astype(float)).max() <= LARGE * abs(exact).max()
