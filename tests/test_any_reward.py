"""Rows that need no [0, 1]: real rewards, whose formulas follow a shift of all of them and stay unbiased."""

from __future__ import annotations

import itertools
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx

ANY = ["reinforce", "rloo", "mean_centred", "grpo", "grpo_population", "maxrl_shipped"]
BEST = ["maxk", "maxk_loo", "maxk_loo_minus_one", "tailrl", "tailrl_centred"]
LEVELS = [*BEST, "median", "mean_less_gini", "mean_less_variance", "grpo_level_lift"]
REWARDS = np.array([-2.0, -0.5, 3.0, 0.0, 3.0, -2.0, 7.25])
SHIFTS = {  # what adding 1 to all rewards adds to advantages; the others' is 0
    "reinforce": 1,
    "maxk": 2,
    "tailrl": 1,
}


def test_these_rows_say_so_and_no_others():
    assert [name for name in mx.estimators.names() if mx.estimators.get(name).any_reward] == [*ANY, *LEVELS]
    assert mx.estimators.get("maxk(3)").any_reward


@pytest.mark.parametrize("name", [name for name in (*ANY, *LEVELS) if name != "maxrl_shipped"])
def test_a_shift_of_all_rewards_shifts_advantages_by_a_constant(name):
    row = mx.estimators.get(name)
    for shift in (-10.0, -1.0, 0.5, 100.0):
        expected = row(REWARDS) + shift * SHIFTS.get(name, 0)
        np.testing.assert_allclose(row(REWARDS + shift), expected, atol=1e-12)
    assert np.ptp(row(REWARDS)) > 1


@pytest.mark.parametrize("name", [*ANY, *LEVELS])
def test_what_they_give_in_0_to_1_is_as_before_and_the_order_is_free(name):
    row, likelihoods = mx.estimators.get(name), REWARDS[[0, 1, 2, 6]]
    scaled = (likelihoods + 2) / 9.25
    np.testing.assert_allclose(row(scaled), row.function(scaled[None])[0])
    np.testing.assert_allclose(row(likelihoods[::-1]), row(likelihoods)[::-1], atol=1e-13)
    assert row(likelihoods.astype(np.float32)).dtype == np.float32


def test_shipped_maxrl_turns_its_sign_where_the_mean_is_below_0():
    row = mx.estimators.get("maxrl_shipped")
    assert row([1.0, -1.0, -1.0, -1.0]).tolist() == [-3, 1, 1, 1]
    assert row([1.0, -1.0]).tolist() == [0, 0]


REAL = (F(-3), F(-1, 2), F(2))
CHANCES = (F(1, 2), F(1, 3), F(1, 6))


def mean_gradient(function, n):
    """E (1/N) sum_i A_i S_i (3,) over all groups of a softmax policy of three outcomes."""
    total = np.array([F(0)] * 3, dtype=object)
    for drawn in itertools.product(range(3), repeat=n):
        chance = np.prod([CHANCES[a] for a in drawn])
        advantages = function([REAL[a] for a in drawn])
        for a, advantage in zip(drawn, advantages, strict=True):
            score = np.array([F(a == b) - CHANCES[b] for b in range(3)], dtype=object)
            total += chance * advantage * score / n
    return total


def over_levels(objective):
    """The gradient of Int J(P(l > tau)) dtau from below all rewards, where the chance is 1 and has no gradient."""
    total = np.array([F(0)] * 3, dtype=object)
    for low, high in itertools.pairwise(REAL):
        above = np.array([F(reward > low) for reward in REAL], dtype=object)
        chance = above @ np.array(CHANCES, dtype=object)
        total += (high - low) * objective.weight(chance) * np.array(CHANCES, dtype=object) * (above - chance)
    return total


@pytest.mark.parametrize(
    ("name", "objective"),
    [
        ("reinforce", mx.Objective.expected()),
        ("rloo", mx.Objective.expected()),
        ("maxk", mx.Objective.pass_at(2)),
        ("maxk_loo", mx.Objective.pass_at(2)),
        ("maxk_loo_minus_one(3)", mx.Objective.pass_at(3)),
        ("tailrl", mx.Objective.maxrl(3)),
        ("tailrl_centred", mx.Objective.maxrl(2)),
        ("mean_less_gini", mx.Objective.from_coefficients([F(3, 2), -1])),
    ],
)
def test_what_is_unbiased_is_so_for_rewards_below_0(name, objective):
    got = mean_gradient(mx.estimators.get(name), 3)
    assert (got == over_levels(objective)).all()
    assert (mean_gradient(lambda rewards: mx.estimators.get(name)(np.abs(rewards)), 3) != got).any()


@pytest.mark.parametrize("name", [*ANY, *LEVELS])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_refused(name, value):
    with pytest.raises(ValueError, match=r"^likelihoods\[0, 1\] must be finite, of a size up to 1e\+100, got "):
        mx.estimators.get(name)([[0.0, value, 1.0, 2.0]])


@pytest.mark.parametrize("name", ["ustat", "passk", "maxrl", "plug_in_loo", "vimco"])
def test_other_rows_need_likelihoods(name):
    with pytest.raises(ValueError, match=r"^likelihoods\[1\] must lie in \[0, 1\], got -0.5"):
        mx.estimators.get(name)([0.5, -0.5])
