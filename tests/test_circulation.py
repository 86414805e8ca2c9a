"""The tools of the study of circulation, held against enumeration, differences and laws with known answers."""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import maxrl_est as mx

ROOT = Path(__file__).parents[1]
get = mx.estimators.get


@pytest.fixture
def part(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT)])  # at the end: the installed package comes first
    return lambda name: import_module(f"analysis.circulating.{name}")


def linear_policy(seed, prompts=3, answers=5):
    """A task with rewards on four levels, a softmax policy for it, and parameters."""
    rng = np.random.default_rng(seed)
    rewards = np.arange(4)[rng.integers(4, size=(prompts, answers))] / 3
    task = mx.tasks.ContextualBandit(rng.standard_normal((prompts, 2)), rewards)
    policy = mx.policies.SoftmaxPolicy(mx.policies.MLP((2, answers)))
    return task, policy, rng.standard_normal(policy.network.size)


@pytest.mark.parametrize("name", ["grpo", "maxrl_shipped", "ustat_mean_loo"])
@pytest.mark.parametrize("n", [2, 5])
def test_updates_and_jacobians_are_those_of_enumeration_and_its_differences(part, name, n):
    """Rejects slopes transposed, N for N - 1, chances without their curvature, and that without the mean of S S'."""
    one_forms = part("one_forms")
    task, policy, theta = linear_policy(n)
    form = one_forms.Advantages(get(name), np.arange(4) / 3, n)

    def mean(theta):
        return mx.exact_moments(task.at(policy, theta), name, n).mean

    law = task.at(policy, theta)
    np.testing.assert_allclose(one_forms.update(law, form), mean(theta), rtol=0, atol=1e-15)
    steps = 1e-4 * np.eye(len(theta))
    differences = np.array([(mean(theta + step) - mean(theta - step)) / 2e-4 for step in steps]).T
    np.testing.assert_allclose(one_forms.jacobian(law, form), differences, rtol=0, atol=2e-9)


def test_all_groups_have_a_key_of_their_own_and_as_many_orders_as_there_are(part):
    one_forms = part("one_forms")
    groups = one_forms.counts(5, 3)
    assert len(groups) == 21
    assert (groups.sum(axis=1) == 5).all()
    assert (np.diff(one_forms.keys(groups, 5)) > 0).all()
    assert sum(map(one_forms.orders, groups)) == 3**5


def test_the_antisymmetric_share_is_that_of_a_turn_and_of_a_gradient(part):
    share = part("one_forms").antisymmetric_share
    angle = 0.3
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert share(turn) == pytest.approx(np.sin(angle))
    assert share(turn + turn.T) == 0


@pytest.mark.parametrize("count", [3, 4])
def test_nothing_is_left_over_of_a_gradient_and_none_of_it_is_added_by_one(part, count):
    """Rejects gradients of chances as c - mu and as c alone, and a share of the squares."""
    one_forms, levels = part("one_forms"), np.linspace(0, 1, count)
    laws = np.random.default_rng(count).dirichlet(np.ones(count), 60)
    both = (
        lambda l: get("grpo")(l) - 2 * get("rloo")(l),
        get("grpo"),
        get("ustat"),
        get("tailrl"),
        get("grpo_level_lift"),
    )
    forms = [one_forms.Advantages(rule, levels, 4) for rule in both]
    left = one_forms.beyond_gradients(forms, laws, 4)
    sizes = [np.linalg.norm([one_forms.by_logits(mu, form) for mu in laws]) for form in forms[:2]]
    assert left[0] * sizes[0] == pytest.approx(left[1] * sizes[1])
    assert left[1] > 0.1
    assert left[2:] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", ["grpo", "maxrl_shipped"])
def test_an_update_that_is_no_gradient_is_the_same_and_above_zero_all_round_its_loop(part, name):
    """Rejects a second prompt that gives where it should take, and one that moves regardless of its weight."""
    pump = part("money_pump")
    loop = pump.Loop(get(name), 4)
    found = [loop.update(get(name), angle) for angle in np.linspace(0.1, 13, 20)]
    expected = pump.of_circle(get(name), 4).mean() / 2
    assert expected > 0.005
    np.testing.assert_allclose(found, expected, rtol=1e-11)
    np.testing.assert_allclose(loop.chances(0.4), loop.chances(0.4 + pump.TURN), rtol=1e-13)
    turns = loop.ascent(get(name), pump.TURN / 6 / expected, 12)
    np.testing.assert_allclose(loop.chances(turns[-1]), loop.chances(0.0), rtol=1e-11)
    assert turns[-1] == pytest.approx(2 * pump.TURN)


def test_scores_of_a_loop_are_the_derivatives_of_its_laws(part):
    """Rejects heights without 1 / N, and laws placed at the other side."""
    loop, step = part("money_pump").Loop(get("grpo"), 4), 1e-5
    for angle in (0.2, 1.9, 4.4):
        scores = np.concatenate([prompt.scores[:, 0] for _, prompt in loop.law(angle).prompts])
        slopes = (np.log(loop.chances(angle + step)) - np.log(loop.chances(angle - step))) / (2 * step)
        np.testing.assert_allclose(scores, slopes, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", ["rloo", "ustat_mean_loo", "tailrl_centred", "maxk_loo", "grpo_mean_lift"])
def test_a_gradient_gains_nothing_on_a_loop(part, name):
    pump = part("money_pump")
    loop = pump.Loop(get("grpo"), 4)
    found = np.array([loop.update(get(name), angle) for angle in pump.angles(36)])
    assert found.mean() == pytest.approx(0, abs=1e-13)
    assert found.min() < -0.01 < 0.01 < found.max()


def test_a_prompt_has_one_answer_with_full_marks_and_a_form_in_common(part):
    tasks = part("graded_tasks")
    rubric, bonus = tasks.rubric(3).likelihoods, tasks.bonus(3).likelihoods
    assert np.unique(rubric).tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert np.unique(bonus).tolist() == [0, 0.25, 0.75, 1]
    assert ((rubric == 1).sum(axis=1) == 1).all()
    assert ((bonus == 1).sum(axis=1) == 1).all()
    assert len(np.unique(rubric.argmax(axis=1))) > 8
    form = (bonus == 0.25) | (bonus == 1)
    assert (form.any(axis=0) == form.all(axis=0)).all()
    assert form[0].sum() == 8


def test_what_is_said_of_harm_follows_the_numbers(part):
    """A lift and grpo change places, and the lift is worse where it was better."""
    harm, rows, quantities = (
        part("harm"),
        part("rows"),
        {"mean reward": 0.5, "full marks": 0.2, "log mean reward": -1.0},
    )
    gaps = {"grpo": 0.0, "grpo_level_lift": 0.1}
    found = [
        rows.row(quantity, about, rows.N, name, seed, value + gaps.get(name, 0.01 * (-1) ** seed) + seed / 1000)
        for about in harm.TASKS
        for name in rows.ROWS
        for quantity, value in quantities.items()
        for seed in range(4)
    ]
    assert "better in 6: grpo_level_lift on the rubric in mean reward (+0.100" in harm.of_lifts(found)
    swapped = {"grpo": "grpo_level_lift", "grpo_level_lift": "grpo"}
    found = [row | {"estimator": swapped.get(row["estimator"], row["estimator"])} for row in found]
    assert "worse in 12: " in harm.of_lifts(found)
