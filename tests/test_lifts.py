"""Lifts of rules for 0/1 rewards: what they are, by every flip and every level; what they ascend; what is refused."""

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
from maxrl_est.estimators import OverLevels, get
from maxrl_est.problems import Bandit

groups = st.lists(st.fractions(0, 1, max_denominator=9), min_size=2, max_size=6).map(np.array)
small = settings(max_examples=40, deadline=None)
ARMS = Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(0), F(1, 3), F(1)])
TIED = np.array([F(1, 2), F(1, 2), F(0), F(1), F(1, 3)])
A = (F(7), F(-2, 3), F(5, 2), F(1, 4), F(3), F(-1))  # of a success among 1..6
B = (F(-1), F(4, 5), F(0), F(9, 2), F(-3), F(2, 7))  # of a failure among 0..5


def rule(likelihoods):
    """Any numbers for each count of 0/1 rewards, in groups of up to 6."""
    counts = np.asarray(likelihoods).sum(axis=-1).astype(int)
    chosen = [[A[k - 1] if l == 1 else B[k] for l in row] for k, row in zip(counts.flat, likelihoods, strict=True)]
    exact = np.array(chosen, dtype=object).reshape(likelihoods.shape)
    return exact if likelihoods.dtype == object else exact.astype(np.float64)


def by_flips(values, a=A, b=B, *, with_i=False, failures=0):
    """Mean of a_{1+K} or b_K over all flips of the others; wrong with i's own flip in K, or b of another K."""
    size, found = len(values), []
    for i, own in enumerate(values):
        rest = list(values) if with_i else [*values[:i], *values[i + 1 :]]
        total = F(0)
        for flips in itertools.product((0, 1), repeat=len(rest)):
            chance = math.prod([l if flip else 1 - l for l, flip in zip(rest, flips, strict=True)])
            k = min(sum(flips), size - 1)
            total += chance * (own * a[k] + (1 - own) * b[min(k + failures, size - 1)])
        found.append(total)
    return found


def by_levels(values, a=A, b=B, *, weak=False, fewer=0):
    """Sum over the steps between levels of a_n or b_n; wrong with l >= tau at the lower end, or n of another size."""
    levels, found = sorted({F(0), F(1), *values}), []
    for own in values:
        total = F(0)
        for low, high in itertools.pairwise(levels):
            above = [l >= low if weak else l > low for l in values]
            wins = own >= low if weak else own > low
            n = max(sum(above) - fewer, 1 if wins else 0)
            total += (high - low) * (a[n - 1] if wins else b[min(n, len(values) - 1)])
        found.append(total)
    return found


@small
@given(groups)
def test_the_mean_lift_is_the_mean_over_all_flips(values):
    assert mx.lift(rule, "mean")(values).tolist() == by_flips(values)


@small
@given(groups)
def test_the_level_lift_is_the_sum_over_all_levels(values):
    assert mx.lift(rule, "levels")(values).tolist() == by_levels(values)


WRONG = {
    "its own flip among the others": ("mean", lambda values: by_flips(values, with_i=True)),
    "b of one success more": ("mean", lambda values: by_flips(values, failures=1)),
    "b of one success fewer": ("mean", lambda values: by_flips(values, A, (B[0], *B))),
    "divided by N - 1": ("mean", lambda values: [x * F(len(values), len(values) - 1) for x in by_flips(values)]),
    "l >= tau for l > tau": ("levels", lambda values: by_levels(values, weak=True)),
    "one above too few": ("levels", lambda values: by_levels(values, fewer=1)),
}


def gradient(how, n):
    """W(E l) grad E l, or Int W(P(l > tau)) grad P(l > tau) dtau, for W of the rule."""
    weight = mx.effective_weight(rule, n)
    if how == "mean":
        return (weight.value(ARMS.pass_rate) * ARMS.grad_pass_rate).tolist()
    total = 0 * ARMS.grad_pass_rate
    for low, high in itertools.pairwise(ARMS.likelihoods.tolist()):
        above = ARMS.likelihoods > low
        slope = ARMS.probabilities[above] @ ARMS.scores[above]
        total = total + (high - low) * weight.value(ARMS.probabilities[above].sum()) * slope
    return total.tolist()


@pytest.mark.parametrize("how", ["mean", "levels"])
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_whatever_the_rule_a_lift_is_an_exact_gradient(how, n):
    found = mx.exact_moments(ARMS, mx.lift(rule, how), n)
    assert found.exact
    assert found.mean.tolist() == gradient(how, n)
    if n > 1:
        assert found.mean.tolist() != gradient({"mean": "levels", "levels": "mean"}[how], n)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_lifts_are_told_apart_by_a_group_and_by_what_they_ascend(name):
    how, wrong = WRONG[name]
    assert mx.lift(rule, how)(TIED).tolist() != wrong(TIED)

    def of_batch(values):
        return np.array([wrong(row) for row in np.vectorize(F, otypes=[object])(values)], dtype=object)

    assert mx.exact_moments(ARMS, of_batch, 4).mean.tolist() != gradient(how, 4)


IDENTITIES = [
    ("maxrl", "mean", "ustat"),
    ("maxrl_cv", "mean", "ustat_one"),
    ("maxrl_shipped", "mean", "ustat_pass_loo"),
    ("rloo", "mean", "rloo"),
    ("passk(2)", "mean", "passk(2)"),
    ("maxk_loo_minus_one(2)", "mean", "passk(2)"),
    ("maxrl", "levels", "tailrl"),
    ("maxrl_shipped", "levels", "tailrl_centred"),
    ("rloo", "levels", "rloo"),
    ("passk(2)", "levels", "maxk_loo_minus_one(2)"),
    ("ustat", "levels", "tailrl"),
]


@pytest.mark.parametrize(("name", "how", "expected"), IDENTITIES)
@small
@given(groups)
def test_lifts_of_rows_are_rows(name, how, expected, values):
    assert mx.lift(name, how)(values).tolist() == get(expected)(values).tolist()


def test_the_lifts_differ():
    assert mx.lift("maxrl", "mean")(TIED).tolist() != get("tailrl")(TIED).tolist()
    assert mx.lift("maxrl_shipped", "mean")(TIED).tolist() != get("maxrl_shipped")(TIED).tolist()


@pytest.mark.parametrize("how", ["mean", "levels"])
@pytest.mark.parametrize("name", ["maxrl", "maxrl_cv", "maxrl_shipped", "rloo", "ustat_one", "mean_centred", "grpo"])
def test_on_binary_rewards_a_lift_is_the_rule_itself(name, how):
    for n in (2, 3, 6):
        rewards = np.tril(np.ones((n + 1, n)), -1)
        assert mx.lift(name, how)(rewards).tolist() == pytest.approx(get(name)(rewards), rel=1e-14)


@pytest.mark.parametrize(("name", "how"), [("grpo_mean_lift", "mean"), ("grpo_level_lift", "levels")])
def test_rows_of_grpo_are_its_lifts_and_ascend_what_it_does_on_binary_rewards(name, how):
    values = np.random.default_rng(0).random((3, 5))
    assert get(name)(values).tolist() == mx.lift("grpo", how)(values).tolist()
    n, deviation = 5, lambda k: math.sqrt(k * (5 - k) / 20) + 1e-4
    a = [(1 - k / n) / deviation(k) for k in range(1, n + 1)]
    b = [-k / n / deviation(k) for k in range(n)]
    brute = by_flips(values[0].tolist(), a, b) if how == "mean" else by_levels(values[0].tolist(), a, b)
    assert get(name)(values[0]) == pytest.approx(brute, rel=1e-12)
    weight = mx.effective_weight("grpo", n)
    assert mx.effective_weight(name, n).value(0.3) == pytest.approx(weight.value(0.3), rel=1e-13)


def test_the_mean_lift_follows_the_gradient_of_the_pass_rate_where_grpo_does_not():
    gradient = ARMS.grad_pass_rate.astype(float)
    for name, follows in (("grpo_mean_lift", True), ("grpo_level_lift", False), ("grpo", False)):
        mean = mx.exact_moments(ARMS, name, 4).mean
        off = mean - (mean @ gradient) / (gradient @ gradient) * gradient
        assert bool(np.linalg.norm(off) < 1e-12 * np.linalg.norm(mean)) is follows


def test_real_rewards_have_levels_and_no_mean_of_flips():
    rewards = np.array([F(-2), F(5, 2), F(-2), F(7)])
    lifted = mx.lift("maxrl_shipped", "levels")
    assert lifted(rewards).tolist() == get("tailrl_centred")(rewards).tolist()
    with pytest.raises(ValueError, match=r"^likelihoods\[0\] must lie in \[0, 1\], got -2"):
        mx.lift("maxrl_shipped", "mean")(rewards)


@pytest.mark.parametrize("how", ["mean", "levels"])
def test_batches_of_any_axes_in_any_floats_give_what_fractions_give(how):
    exact = np.array([F(k % 11, 10) for k in range(60)]).reshape(3, 4, 5)
    lifted = mx.lift(rule, how)
    expected = lifted(exact).astype(float)
    got = lifted(exact.astype(float))
    assert got == pytest.approx(expected, rel=1e-13, abs=1e-13)
    assert lifted(exact.astype(np.float32)).dtype == np.float32
    assert lifted(exact[:0]).shape == (0, 4, 5)


def test_equal_likelihoods_have_equal_advantages_at_every_level():
    found = mx.lift("grpo", "levels")([0.3, 0.7, 0.3, 0.7, 0.1])
    assert (found[0], found[1]) == (found[2], found[3])


def test_many_groups_are_computed_in_blocks():
    values = np.random.default_rng(1).random((1100, 64))
    lifted = mx.lift("grpo", "mean")
    whole = lifted(values)
    assert np.array_equal(whole[-3:], lifted(values[-3:]))


def test_a_rule_is_asked_once_for_a_group_size():
    asked = []

    def counting(likelihoods):
        asked.append(likelihoods.shape)
        return get("rloo")(likelihoods)

    lifted = mx.lift(counting, "mean")
    lifted([0.5, 0.25])
    first = len(asked)
    lifted([[1.0, 0.75]] * 9)
    assert len(asked) == first
    assert {shape[1] for shape in asked} == {2}
    lifted([0.5, 0.25, 0.75])
    assert len(asked) > first


def test_a_lift_has_a_name_and_the_target_of_its_row():
    assert mx.lift("grpo", "mean").name == "lift(grpo, 'mean')"
    assert mx.lift(rule, "levels").name == "lift(rule, 'levels')"
    assert mx.lift("maxrl_shipped", "mean").target(4) == mx.Objective.maxrl(3)
    assert mx.lift("maxrl_shipped", "levels").target(4) == OverLevels(mx.Objective.maxrl(3))
    assert mx.lift("tailrl", "mean").target(4) == mx.Objective.maxrl(4)
    assert mx.lift("mean_less_variance", "levels").target(4) == get("mean_less_gini").target(4)
    assert mx.lift("maxrl_shipped", "mean").target(1) is mx.lift("grpo", "mean").target(4) is None
    assert mx.lift(rule, "mean").target(4) is None


def test_a_lift_goes_where_an_estimator_does():
    for how in ("mean", "levels"):
        lifted = mx.lift("maxrl_shipped", how)
        assert pickle.loads(pickle.dumps(lifted))([0.5, 0.25]).tolist() == lifted([0.5, 0.25]).tolist()
        assert mx.check_estimator(lifted, group_sizes=[2, 4, 8]).passed
        assert str(mx.effective_weight(lifted, 4)).endswith("exactly J_3")
        assert mx.lift(lifted, how)([0.5, 0.25, 1.0]).tolist() == lifted([0.5, 0.25, 1.0]).tolist()
    assert not mx.check_estimator("maxrl_shipped", group_sizes=[2, 4, 8], on_fail=None).passed


ALIKE = "rule must treat rollouts of one reward alike, got "
ALONE = "rule must judge each group by itself, got "


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda l: l * np.arange(l.shape[-1]), ValueError, ALIKE + "[0.0, 1.0, 0.0] and not [0.0, 0.0, 0.0]"),
        (lambda l: l * (l[..., :1] + 1), ValueError, ALIKE),
        (lambda l: 1e-6 * l * np.arange(l.shape[-1]), ValueError, ALIKE),
        (lambda l: l * np.array([1, 2, 1]), ValueError, ALIKE),  # which its mirror image does not show
        (lambda l: l - l.mean(), ValueError, ALONE + "[0.0, 0.0, 0.0] and not [-0.5, -0.5, -0.5] for [0.0, 0.0, 0.0]"),
        (lambda l: l * len(l), ValueError, ALONE + "[1.0, 0.0, 0.0] and not [4.0, 0.0, 0.0] for [1.0, 0.0, 0.0]"),
        (lambda l: l[..., :1], ValueError, "rule must return shape (4, 3), got (4, 1)"),
        (lambda l: l / l.sum(axis=-1, keepdims=True), ValueError, "what rule returns[0, 0] must be finite, got nan"),
        (lambda l: l + 1j, TypeError, "rule must return real numbers, got dtype complex128"),
    ],
)
def test_what_is_no_rule_is_refused_in_one_line(wrong, error, message):
    with np.errstate(invalid="ignore"), pytest.raises(error) as caught:
        mx.lift(wrong, "mean")([0.5, 0.25, 0.0])
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_fractions_are_exact_or_refused():
    with pytest.raises(TypeError, match=r"^likelihoods must be floats, since a standard deviation is irrational"):
        mx.lift("grpo", "mean")(TIED)
    with pytest.raises(TypeError, match=r"^rule must give Fractions for Fractions, got .* of type float"):
        mx.lift(lambda l: l.astype(float), "levels")(TIED)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("rloo", "median"), ValueError, "how must be one of mean, levels, got 'median'; did you mean 'mean'?"),
        (("rloo", None), TypeError, "how must be one of mean, levels, got None"),
        (("rlo", "mean"), ValueError, "rule must be a name in the table, got 'rlo'; did you mean 'rloo'?"),
        ((3, "mean"), TypeError, "rule must be a name, a row or a function of likelihoods (..., N), got 3"),
        (("sumo", "mean"), TypeError, "rule must be a function of groups of rollouts, got sumo, which draws"),
    ],
)
def test_what_is_no_lift_is_refused(arguments, error, message):
    with pytest.raises(error, match="^" + re.escape(message)):
        mx.lift(*arguments)


def test_groups_that_are_too_large_or_too_small_for_the_rule_are_refused():
    with pytest.raises(ValueError, match=r"^likelihoods must have groups of N <= 2048 for a lift, got N = 2049$"):
        mx.lift("rloo", "levels")(np.zeros(2049))
    with pytest.raises(
        ValueError, match=r"^likelihoods must have groups of N >= 2 for the mean of the others, got N = 1$"
    ):
        mx.lift("rloo", "levels")([0.5])
