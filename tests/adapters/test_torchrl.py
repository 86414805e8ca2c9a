"""`MaxRLAdvantage` in real replay buffers of torchrl, and the advantages that torchrl ships, judged."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("torchrl", reason="needs torchrl")

from tensordict import TensorDict  # noqa: E402
from torchrl.data import LazyStackStorage, LazyTensorStorage, ReplayBuffer  # noqa: E402
from torchrl.objectives.llm import MCAdvantage, MCAdvantageSelector  # noqa: E402

import maxrl_est as mx  # noqa: E402
from maxrl_est.adapters.torchrl import MaxRLAdvantage, as_estimator  # noqa: E402
from maxrl_est.estimates.baselines import BASELINES  # noqa: E402

ROUNDED = 2e-7  # float32 advantages, of the largest; worst measured 5.8e-8

GROUPS = {3: [0.0, 1.0, 0.25], 7: [0.5, 0.0, 0.75], 1: [0.0, 0.0, 0.0]}


def trajectory(group, rewards, *, row=0):
    """A finished trajectory with one reward a step."""
    steps = len(rewards)
    rewards = torch.as_tensor(rewards).reshape(steps, -1)
    done = torch.zeros(steps, 1, dtype=torch.bool)
    done[-1] = True
    following = TensorDict({"reward": rewards, "done": done}, batch_size=[steps])
    marks = {"group": torch.full((steps,), group), "row": torch.full((steps,), row)}
    return TensorDict({**marks, "next": following}, batch_size=[steps])


def interleaved(groups, *, seed=0):
    """Trajectories of several groups in random order, of different lengths."""
    rng = np.random.default_rng(seed)
    rollouts = [(group, x, row) for group, xs in groups.items() for row, x in enumerate(xs)]
    steps = [[0.0] * int(rng.integers(0, 4)) + [x / 2, x / 2] for _, x, _ in rollouts]
    return [trajectory(rollouts[i][0], steps[i], row=rollouts[i][2]) for i in rng.permutation(len(rollouts))]


def written(buffer, groups):
    """Advantages of each group (B, N), after a check that all steps of a trajectory have the same."""
    stored = buffer[:]
    found = {group: [set() for _ in xs] for group, xs in groups.items()}
    for group, row, advantage in zip(
        stored["group"].tolist(), stored["row"].tolist(), stored["advantage"].ravel().tolist(), strict=True
    ):
        found[group][row].add(advantage)
    assert all(len(values) == 1 for rows in found.values() for values in rows)
    return np.array([[value for (value,) in rows] for rows in found.values()])


# through replay buffers


@pytest.mark.parametrize("storage", [LazyTensorStorage, LazyStackStorage])
@pytest.mark.parametrize(
    ("objective", "baseline"),
    [
        *((None, baseline) for baseline in (None, *BASELINES)),
        (2, None),
        (2, "pass_loo"),
        (mx.Objective.pass_at(2), 0.25),
    ],
    ids=str,
)
def test_a_replay_buffer_holds_the_advantages_of_the_package(storage, objective, baseline):
    transform = MaxRLAdvantage(3, "group", objective=objective, baseline=baseline)
    buffer = ReplayBuffer(storage=storage(200), transform=transform, batch_size=4)
    for rollout in interleaved(GROUPS):
        buffer.extend(rollout)
    got = written(buffer, GROUPS)
    expected = mx.advantages(list(GROUPS.values()), objective, baseline=baseline)
    assert abs(got - expected).max() <= ROUNDED * abs(expected).max()
    assert buffer.sample()["advantage"].shape == (4, 1)
    stats = transform.get_stats()
    assert (stats["written_groups"], stats["selected_trajectories"], stats["queued_groups"]) == (3, 9, 0)


def test_the_shipped_transform_holds_others():
    buffer = ReplayBuffer(storage=LazyTensorStorage(200), transform=MCAdvantage(3, "group", trajectory_return="sum"))
    for rollout in interleaved(GROUPS):
        buffer.extend(rollout)
    assert abs(written(buffer, GROUPS) - mx.advantages(list(GROUPS.values()))).max() > 0.1


def test_a_batch_of_whole_trajectories_is_taken_apart():
    transform = MaxRLAdvantage(3, "group")
    rollouts = [trajectory(5, [0.0, x]) for x in (1.0, 0.0, 0.5)]
    got = transform.inv(torch.stack(rollouts))["advantage"].reshape(3, 2)
    expected = torch.tensor(mx.advantages([1.0, 0.0, 0.5]), dtype=torch.float32)[:, None].expand(3, 2)
    torch.testing.assert_close(got, expected, rtol=0, atol=ROUNDED * 3)


def test_prompts_of_text_are_groups_too():
    transform = MaxRLAdvantage(2, "query", baseline="one")
    rollouts = [trajectory(0, [[[x], [0.0]]]) for x in (1.0, 0.0)]  # one step of two tokens, as language models have
    for rollout in rollouts:
        rollout["query"] = "1 + 1 = "
    assert transform.inv(rollouts[0]) is None
    got = transform.inv(rollouts[1])
    assert got["advantage"].tolist() == [[1.0, 1.0], [-1.0, -1.0]]


@pytest.mark.parametrize(
    ("rewards", "dtype"), [(torch.float64, torch.float64), (torch.int64, torch.float32), (torch.bool, torch.float32)]
)
def test_advantages_have_the_dtype_of_the_rewards_where_that_has_fractions(rewards, dtype):
    transform = MaxRLAdvantage(3, "group", baseline="one")
    for x in (1, 1, 0):
        got = transform.inv(trajectory(5, torch.tensor([x], dtype=rewards)))
    assert got["advantage"].dtype == dtype
    assert got["advantage"].ravel().tolist() == pytest.approx([0.5, 0.5, -1.0], rel=1e-15)


def test_a_likelihood_is_the_sum_of_the_rewards_rounded_to_their_dtype():
    transform = MaxRLAdvantage(2, "group", baseline="one")
    assert float(torch.tensor([0.6, 0.4]).double().sum()) > 1  # the wrong version refuses it
    transform.inv(trajectory(5, [0.6, 0.4]))
    got = transform.inv(trajectory(5, [0.0]))
    assert got["advantage"].ravel().tolist() == [1.0, 1.0, -1.0]


def test_a_sum_in_half_precision_has_no_digits_that_rewards_lack():
    transform = MaxRLAdvantage(2, "group", baseline="one")
    transform.inv(trajectory(5, torch.tensor([0.6, 0.4], dtype=torch.bfloat16)))  # 1.002 in float32
    got = transform.inv(trajectory(5, torch.tensor([0.0], dtype=torch.bfloat16)))
    assert got["advantage"].ravel().tolist() == [1.0, 1.0, -1.0]


def test_log_likelihoods_are_as_good_as_likelihoods():
    transform = MaxRLAdvantage(3, "group", objective=2, log_ceiling=-0.9)
    logs = [-0.9, -1.5, float("-inf")]
    for x in logs:
        got = transform.inv(trajectory(5, [x]))
    expected = mx.advantages(log_likelihoods=np.float32(logs), log_ceiling=-0.9, objective=2)
    np.testing.assert_array_equal(got["advantage"].ravel().numpy(), expected)


# what is refused


@pytest.mark.parametrize(
    "options",
    [
        {"keep_return_bounds": (0.1, 0.9)},
        {"candidate_group_size": 8},
        {"candidate_selection_min_size": 4},
        {"candidate_selector": MCAdvantageSelector("first")},
    ],
    ids=lambda options: next(iter(options)),
)
def test_a_choice_of_trajectories_by_their_returns_is_refused(options):
    ((name, _),) = options.items()
    with pytest.raises(
        ValueError, match=f"^{name} must be None, since a choice of trajectories by their returns is a bias, got "
    ):
        MaxRLAdvantage(4, "group", **options)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"objective": 5}, "objective must be .*N = 4, got T = 5"),
        (
            {"objective": 4, "baseline": "pass_loo"},
            "likelihoods must have .*N >= 5 for baseline 'pass_loo' of order 4, got N = 4",
        ),
        ({"trajectory_return": "max"}, "trajectory_return must be 'sum', since that is the likelihood, got 'max'"),
        ({"log_ceiling": float("inf")}, "log_ceiling must be finite, got inf"),
    ],
    ids=str,
)
def test_what_no_group_could_satisfy_is_refused_at_once(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        MaxRLAdvantage(4, "group", **arguments)


@pytest.mark.parametrize(
    ("reward", "options", "message"),
    [
        (1.5, {}, r"likelihoods\[1\] must lie in \[0, 1\], got 1\.5"),
        (-0.25, {}, r"likelihoods\[1\] must lie in \[0, 1\], got -0\.25"),
        (float("nan"), {}, r"likelihoods\[1\] must lie in \[0, 1\], got nan"),
        (0.25, {"log_ceiling": 0.0}, r"log_likelihoods\[1\] must be at most log_ceiling = 0\.0, got 0\.25"),
    ],
)
def test_a_return_that_is_no_likelihood_says_where_it_is(reward, options, message):
    transform = MaxRLAdvantage(2, "group", **options)
    transform.inv(trajectory(7, [0.0, 0.0]))
    with pytest.raises(ValueError, match=rf"^{message} \(group 7\)$"):
        transform.inv(trajectory(7, [0.0, reward]))


# the advantages that torchrl ships


@pytest.mark.parametrize("trajectory_return", [None, "sum", "max", "mean"])
def test_the_shipped_transform_ascends_no_objective(trajectory_return):
    shipped = as_estimator(trajectory_return=trajectory_return)
    assert str(mx.effective_weight(shipped, 8).nearest()) == "no known objective; nearest 1.964 x J_1 (off by 0.11)"
    report = mx.check_estimator(shipped, group_sizes=(4,), on_fail=None)
    failed = [check.name for check in report.checks if check.status == "failed"]
    assert failed == ["is a gradient", "effective objective", "leave-one-out", "bias on graded likelihoods"]


def test_dropping_groups_by_their_mean_moves_away_from_every_objective():
    every, some = (
        mx.effective_weight(as_estimator(trajectory_return="sum", keep_return_bounds=bounds), 8).nearest().distance
        for bounds in (None, (0.2, 0.8))
    )
    assert some > 3 * every


def test_choosing_among_candidates_depends_on_their_order():
    chosen = as_estimator(trajectory_return="sum", grpo_size=4, candidate_group_size=8, keep_return_bounds=(0.0, 1.0))
    with pytest.raises(ValueError, match="depends on the order of rollouts"):
        mx.effective_weight(chosen, 8)


def test_trajectories_of_several_groups_go_in_by_turns():
    seen = []

    class ByPlace(MCAdvantage):
        """Takes neighbours for groups, which is wrong."""

        def inv(self, step):
            step["group"] = torch.tensor([len(seen) // 3])
            seen.append(int(step["row"]))
            return super().inv(step)

    judged = as_estimator(ByPlace, trajectory_return="sum")
    alone = judged(np.eye(3)[0])
    seen.clear()
    assert abs(judged(np.eye(3)[[0, 0]]) - alone).max() > 0.1
    assert seen == [0, 3, 4, 1, 2, 5]
    assert judged.ragged is None


def test_what_is_left_of_a_group_is_not_filled_up_from_the_next():
    got = as_estimator(trajectory_return="sum", grpo_size=2)(np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]))
    half = 0.5**0.5
    np.testing.assert_allclose(got, [[half, -half, 0], [-half, half, 0]], rtol=1e-15)


def test_shipped_groups_of_one_are_not_a_number():
    with pytest.warns(UserWarning, match="degrees of freedom"):
        assert np.isnan(as_estimator()(np.ones(1))).all()
    with pytest.raises(ValueError, match="trajectory_return requires grpo_size >= 2"):
        as_estimator(trajectory_return="sum")(np.ones(1))


def test_shipped_advantages_are_the_rows_of_the_table():
    likelihoods = np.random.default_rng(0).random((2, 3, 5))
    centred = likelihoods - likelihoods.mean(-1, keepdims=True)
    expected = centred / likelihoods.std(-1, ddof=1, keepdims=True)
    np.testing.assert_allclose(as_estimator(trajectory_return="sum")(likelihoods), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("settings", "verdict", "objective"),
    [({}, "J_8 to rounding", mx.Objective.maxrl), ({"objective": 2}, "J_2 to rounding", mx.Objective.maxrl(2))],
    ids=str,
)
def test_our_own_transform_is_judged_by_the_same_means(settings, verdict, objective):
    ours = as_estimator(MaxRLAdvantage, **settings)
    assert str(mx.effective_weight(ours, 8).nearest()) == verdict
    assert mx.check_estimator(ours, objective=objective, group_sizes=(2, 4)).passed
    assert ours.__qualname__ == f"as_estimator(MaxRLAdvantage{''.join(f', {k}={v}' for k, v in settings.items())})"


def test_an_estimator_refuses_what_is_no_likelihood():
    with pytest.raises(ValueError, match=r"^likelihoods\[0, 1\] must lie in \[0, 1\], got 1\.5$"):
        as_estimator()(np.array([[0.0, 1.5]]))
