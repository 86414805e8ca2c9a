"""Advantages of any symmetric kernel: rows that are such, by subsets; what they ascend; what is refused."""

from __future__ import annotations

import itertools
import math
import pickle
import re
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import maxrl_est as mx
from maxrl_est.estimators import _any_kernel, get
from maxrl_est.problems import Bandit

small = settings(max_examples=25, deadline=None)
rewards = st.fractions(-3, 3, max_denominator=9)
groups = st.lists(rewards, min_size=4, max_size=7).map(np.array)
likelihoods = st.lists(st.fractions(0, 1, max_denominator=9), min_size=4, max_size=7).map(np.array)
ARMS = Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1, 3), F(1)])
GROUP = np.array([F(1, 2), F(-1), F(3), F(1, 2), F(2, 7)])


def largest(x):
    return x.max(axis=-1)


def average(x):
    return x.mean(axis=-1)


def product(x):
    return x.prod(axis=-1)


def middle(x):
    return np.median(x, axis=-1)


def less_gini(x):
    return x.mean(axis=-1) - abs(x[..., 0] - x[..., 1]) / 4


def less_variance(x):
    return x.mean(axis=-1) - (x[..., 0] - x[..., 1]) ** 2 / 4


IDENTITIES = [
    (largest, 2, "none", "maxk(2)"),
    (largest, 3, "none", "maxk(3)"),
    (largest, 2, "loo", "maxk_loo(2)"),
    (largest, 3, "loo", "maxk_loo(3)"),
    (average, 1, "none", "reinforce"),
    (average, 1, "loo", "rloo"),
    (average, 3, "loo", "rloo"),
    (middle, 1, "loo", "median(1)"),
    (middle, 3, "loo", "median"),
    (middle, 5, "loo", "median(5)"),
    (less_gini, 2, "loo", "mean_less_gini"),
    (less_variance, 2, "loo", "mean_less_variance"),
]


@pytest.mark.parametrize(("kernel", "m", "baseline", "row"), IDENTITIES)
@small
@given(groups)
def test_rows_that_are_kernels_are_what_subsets_give(kernel, m, baseline, row, values):
    if len(values) >= m + (baseline == "loo"):
        got = mx.advantage_of(kernel, m, baseline=baseline)(values)
        assert got.tolist() == get(row)(values).tolist()
        assert got.astype(float) == pytest.approx(get(row)(values.astype(float)), rel=1e-12, abs=1e-12)


@small
@given(likelihoods)
def test_the_product_of_m_is_the_chance_that_all_of_m_succeed(values):
    for m in (1, 2, 4):
        expected = mx.advantages(values, mx.Objective.all_of(m), baseline="none")
        assert mx.advantage_of(product, m)(values).tolist() == expected.tolist()


def defined(values, kernel, m, baseline, *, factor=None, replaced=False, itself=False):
    """From the definition, or wrong: another factor, subsets with replacement, rollout i left in its baseline."""
    size, found = len(values), []
    choose = itertools.combinations_with_replacement if replaced else itertools.combinations
    subsets = list(choose(range(size), m))
    h = {s: kernel(values[list(s)]) for s in subsets}
    for i in range(size):
        with_i = [h[s] for s in subsets if i in s]
        without = [h[s] for s in subsets if itself or i not in s]
        less = sum(without) / F(len(without)) if baseline == "loo" else 0
        found.append((factor or m) * (sum(with_i) / F(len(with_i)) - less))
    return found


WRONG = {
    "a factor N": {"factor": 5},
    "a factor m - 1": {"factor": 1},
    "subsets with replacement": {"replaced": True},
    "rollout i in its own baseline": {"itself": True},
}


@pytest.mark.parametrize("baseline", ["none", "loo"])
@pytest.mark.parametrize("kernel", [largest, product, less_variance])
def test_advantages_are_means_over_subsets_and_no_wrong_version(kernel, baseline):
    got = mx.advantage_of(kernel, 2, baseline=baseline)(GROUP).tolist()
    assert got == defined(GROUP, kernel, 2, baseline)
    for name, how in WRONG.items():
        if baseline == "loo" or "itself" not in how:
            assert got != defined(GROUP, kernel, 2, baseline, **how), name


def derivative(kernel, m):
    """Of E h at the arms by their logits, from E h alone: along any line a polynomial of degree m, by differences."""
    probabilities = ARMS.probabilities

    def mean(chances):
        tuples = itertools.product(range(3), repeat=m)
        return sum(math.prod(chances[list(t)]) * kernel(ARMS.likelihoods[list(t)]) for t in tuples)

    slopes = []
    for b in range(3):
        direction = probabilities * [F(a == b) - probabilities[b] for a in range(3)]
        values = np.array([mean(probabilities + t * direction) for t in range(m + 1)], dtype=object)
        slopes.append(sum(F((-1) ** (k + 1), k) * np.diff(values, k)[0] for k in range(1, m + 1)))
    return slopes


@pytest.mark.parametrize("baseline", ["none", "loo"])
@pytest.mark.parametrize(("kernel", "m"), [(largest, 2), (product, 3), (middle, 3), (less_variance, 2), (average, 1)])
def test_their_mean_is_exactly_the_derivative_of_the_mean_of_the_kernel(kernel, m, baseline):
    found = mx.exact_moments(ARMS, mx.advantage_of(kernel, m, baseline=baseline), 4)
    assert found.exact
    assert found.mean.tolist() == derivative(kernel, m)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_versions_are_biased(name):
    def of_batch(values):
        exact = np.vectorize(F, otypes=[object])(values)
        return np.array([defined(row, largest, 2, "loo", **WRONG[name]) for row in exact], dtype=object)

    assert mx.exact_moments(ARMS, of_batch, 5).mean.tolist() != derivative(largest, 2)


@pytest.mark.parametrize("row", ["median", "median(1)", "mean_less_gini", "mean_less_variance"])
def test_rows_of_kernels_are_exactly_unbiased_for_their_target(row):
    row = get(row)
    for n in (4, 5):
        mean = mx.exact_moments(ARMS, row, n).mean
        assert mean.tolist() == mx.target_gradient(ARMS, row.target(n)).tolist()
    assert mx.check_estimator(row, objective=row.target, group_sizes=[4, 8]).passed


def test_two_prices_of_spread_are_one_on_binary_rewards_and_two_on_graded_ones():
    binary = np.array([F(1), F(0), F(0), F(1), F(1)])
    assert get("mean_less_gini")(binary).tolist() == get("mean_less_variance")(binary).tolist()
    assert get("mean_less_gini")(GROUP).tolist() != get("mean_less_variance")(GROUP).tolist()
    assert mx.effective_weight("mean_less_gini", 4).bernstein == mx.effective_weight("mean_less_variance", 4).bernstein
    gini, variance = (get(name).target(4) for name in ("mean_less_gini", "mean_less_variance"))
    assert mx.target_gradient(ARMS, gini).tolist() != mx.target_gradient(ARMS, variance).tolist()


def test_the_median_names_its_target_and_refuses_an_even_number():
    assert get("median(5)").target(8).name == "levels of majority of 5"
    assert get("median(5)").target(8).objective.value(F(1)) == 0
    assert get("median(5)").target(8).objective.value(F(0)) == -1
    assert get("median(4)").target(8) is None
    with pytest.raises(ValueError, match=r"^k of median must be odd, got 4$"):
        get("median(4)")(np.zeros(8))


LARGE = 2e-13  # relative to the largest; measured worst: 2e-15


@pytest.mark.parametrize("name", ["median(101)", "mean_less_gini", "mean_less_variance"])
def test_large_groups_stay_accurate(name):
    values = np.linspace(-1, 1, 400) ** 3
    exact = get(name)(np.array([F(x) for x in values]))
    assert abs(get(name)(values) - exact.astype(float)).max() <= LARGE * float(abs(exact).max())


def test_one_far_reward_leaves_the_advantages_of_the_others_as_they_are():
    values = np.array([1e9, 0.5, 0.25, 0.75, 0.5])
    got = mx.advantage_of(lambda x: x.min(axis=-1), 4, baseline="loo")(values)
    assert got[0] == 4 * (0.25 * 3 / 4 + 0.5 / 4 - 0.25)  # the sum over all subsets less those with it would round


def test_batches_of_any_axes_in_any_floats_and_many_blocks(monkeypatch):
    estimator = mx.advantage_of(middle, 3, baseline="loo")
    values = np.random.default_rng(0).normal(size=(2, 3, 6))
    expected = estimator(values)
    assert expected.shape == (2, 3, 6)
    assert expected[1, 2] == pytest.approx(estimator(values[1, 2]), rel=1e-14)
    assert estimator(values.astype(np.float32)).dtype == np.float32
    assert estimator(values[:0]).shape == (0, 3, 6)
    monkeypatch.setattr(_any_kernel, "_AT_ONCE", 40)
    assert estimator(values) == pytest.approx(expected, rel=1e-13)


def test_an_advantage_has_a_name_and_goes_where_an_estimator_does():
    estimator = mx.advantage_of(largest, 2, baseline="loo")
    assert estimator.name == "advantage_of(largest, 2, baseline='loo')"
    assert mx.advantage_of(largest, 2).name == "advantage_of(largest, 2)"
    assert pickle.loads(pickle.dumps(estimator))(GROUP).tolist() == estimator(GROUP).tolist()
    assert mx.check_estimator(estimator, group_sizes=[3, 4, 8]).passed
    assert str(mx.effective_weight(estimator, 4)).endswith("exactly pass@2")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3, 2), TypeError, "kernel must be a function of rewards (..., m), got 3"),
        ((largest, 0), ValueError, "m must be an int of at least 1, got 0"),
        ((largest, 2.0), TypeError, "m must be an int of at least 1, got 2.0"),
        ((largest, True), TypeError, "m must be an int of at least 1, got True"),
    ],
)
def test_what_is_no_kernel_of_m_is_refused(arguments, error, message):
    with pytest.raises(error, match="^" + re.escape(message) + "$"):
        mx.advantage_of(*arguments)


def test_what_is_no_baseline_is_refused():
    with pytest.raises(ValueError, match=r"^baseline must be one of none, loo, got 'mean'$"):
        mx.advantage_of(largest, 2, baseline="mean")


@pytest.mark.parametrize(
    ("kernel", "m", "values", "error", "message"),
    [
        (
            lambda x: x[..., 0],
            2,
            [1.0, 0.5, 0.0],
            ValueError,
            "kernel must be the same for any order of its 2 rollouts",
        ),
        (lambda x: x[..., 0] * x[..., 1] + x[..., 2], 3, GROUP, ValueError, "kernel must be the same for any order of"),
        (np.median, 2, [1.0, 0.5, 0.0], ValueError, "kernel must return shape (1, 3), got ()"),
        (lambda x: np.log(x.min(axis=-1)), 2, [1.0, 0.5, 0.0], ValueError, "what kernel returns[0, 1] must be finite"),
        (lambda x: np.sqrt(x.max(axis=-1).astype(float)), 1, [F(1, 4)], TypeError, "kernel must give Fractions for"),
        (largest, 4, [1.0, 0.5, 0.0], ValueError, "likelihoods must have groups of N >= 4 for subsets of 4, got N = 3"),
        (largest, 2, [np.nan, 0.5, 0.0], ValueError, "likelihoods[0] must be finite, of a size up to 1e+100, got nan"),
    ],
)
def test_what_a_kernel_cannot_do_is_refused_when_it_is_called(kernel, m, values, error, message):
    with np.errstate(divide="ignore"), pytest.raises(error, match="^" + re.escape(message)) as caught:
        mx.advantage_of(kernel, m)(values)
    assert "\n" not in str(caught.value)


def test_a_baseline_of_the_others_needs_more_than_m():
    rule = r"^likelihoods must have groups of N >= 3 for subsets of 2 of the others, got N = 2$"
    with pytest.raises(ValueError, match=rule):
        mx.advantage_of(largest, 2, baseline="loo")([0.5, 0.25])
    assert mx.advantage_of(largest, 2)([0.5, 0.25]).tolist() == [1.0, 1.0]


def test_too_many_subsets_are_refused_before_any_is_made():
    rule = "m must make subsets of at most 10000000 rollouts in all, got 8: 2 groups of 40 have 76904685 subsets each"
    with pytest.raises(ValueError, match=f"^{re.escape(rule)}$"):
        mx.advantage_of(largest, 8)(np.zeros((2, 40)))


def pairs_of_four(x):
    return x[..., 0] * x[..., 2] + x[..., 1] * x[..., 3]


@pytest.mark.parametrize(
    ("kernel", "m"),
    [
        (lambda x: x[..., 1], 3),  # "the middle one", of what is not sorted
        (lambda x: x[..., 0] * x[..., -1], 3),
        (lambda x: x[..., 0] * x[..., -1], 5),
        (pairs_of_four, 4),
        (lambda x: 1e-6 * x[..., 0], 2),
    ],
)
def test_no_kernel_that_tells_its_rollouts_apart_is_taken(kernel, m):
    """A reversal alone would see none of the first four: each is its own mirror image."""
    with pytest.raises(ValueError, match=rf"^kernel must be the same for any order of its {m} rollouts"):
        mx.advantage_of(kernel, m)([0.9, 0.1, 0.5, 0.7, 0.3])
