"""Scores, pass rates and gradients of policies and tasks: against finite differences, enumeration and torch."""

import itertools

import numpy as np
import pytest

from maxrl_est.training import optimisers, tasks
from maxrl_est.training._networks import jacobian
from maxrl_est.training.policies import MLP, GaussianPolicy, SoftmaxPolicy, Tabular, scores

INPUTS = np.random.default_rng(5).standard_normal((3, 2))
POLICIES = {
    "tabular softmax": (SoftmaxPolicy(Tabular(3, 4)), np.array([2, 0, 2])),
    "linear softmax": (SoftmaxPolicy(MLP((2, 4))), INPUTS),
    "MLP softmax": (SoftmaxPolicy(MLP((2, 5, 3, 4))), INPUTS),
    "linear Gaussian": (GaussianPolicy(MLP((2, 2)), 0.7), INPUTS),
    "MLP Gaussian": (GaussianPolicy(MLP((2, 5, 1)), 1.3), INPUTS),
    "MLP Gaussian, learned scale": (GaussianPolicy(MLP((2, 5, 3))), INPUTS),
}
MAZE = tasks.Maze(["S.#", "#.S", "S.G"], horizon=6)


@pytest.fixture
def rng():
    """The numbers of one test: they are the same whichever others run."""
    return np.random.default_rng(7)


def theta_of(policy, rng):
    return policy.network.initial(rng) + 0.5 * rng.standard_normal(policy.network.size)


def slope(function, theta, step=1e-5):
    """Central differences (..., d) of a function of theta (d,)."""
    moved = [(function(theta + step * e) - function(theta - step * e)) / (2 * step) for e in np.eye(len(theta))]
    return np.stack(moved, axis=-1)


def cases():
    """Tasks with a policy: pass rates in one closed form or other."""
    rng = np.random.default_rng(6)
    likelihoods = rng.random((3, 4))
    likelihoods[0] = [0, 1, 0, 0]
    bandit = tasks.ContextualBandit(INPUTS, likelihoods)
    regression = tasks.Regression(INPUTS, rng.standard_normal((3, 2)), 0.8)
    yield pytest.param(bandit, SoftmaxPolicy(MLP((2, 5, 4))), id="bandit")
    yield pytest.param(
        tasks.ContextualBandit([2, 0, 1], likelihoods), SoftmaxPolicy(Tabular(3, 4)), id="tabular bandit"
    )
    yield pytest.param(regression, GaussianPolicy(MLP((2, 4, 2)), 0.6), id="regression")
    yield pytest.param(regression, GaussianPolicy(MLP((2, 4, 3))), id="regression, learned scale")
    yield pytest.param(MAZE, SoftmaxPolicy(Tabular(MAZE.cells, 4)), id="maze")


@pytest.mark.parametrize(("policy", "inputs"), POLICIES.values(), ids=POLICIES)
def test_scores_are_slopes_of_the_log_probability(policy, inputs, rng):
    theta = theta_of(policy, rng)
    actions = policy.sample(policy.network(theta, inputs), rng, 5)
    expected = slope(lambda t: policy.log_prob(policy.network(t, inputs), actions), theta)
    got = scores(policy, theta, inputs, actions)
    assert got.shape == (3, 5, policy.network.size)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-8 * np.abs(expected).max())
    assert np.abs(got - expected / 2).max() > 1e-3  # a score of half the size is told apart


@pytest.mark.parametrize(("policy", "inputs"), POLICIES.values(), ids=POLICIES)
def test_a_weighted_score_is_the_sum_of_the_scores(policy, inputs, rng):
    theta = theta_of(policy, rng)
    outputs = policy.network(theta, inputs)
    actions, weights = policy.sample(outputs, rng, 7), rng.standard_normal((3, 7))
    got = policy.network.pullback(theta, inputs, policy.weighted_output_score(outputs, actions, weights))
    expected = np.einsum("bn,bnd->d", weights, scores(policy, theta, inputs, actions))
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-13 * np.abs(expected).max() * 100)


@pytest.mark.parametrize(("policy", "inputs"), POLICIES.values(), ids=POLICIES)
def test_the_mean_score_is_zero(policy, inputs, rng):
    outputs = policy.network(theta_of(policy, rng), inputs)
    n = 200_000
    by_outputs = policy.output_scores(outputs, policy.sample(outputs, rng, n))
    error = by_outputs.std(axis=1) / np.sqrt(n)
    assert (np.abs(by_outputs.mean(axis=1)) < 6 * error).all()  # 2e-9 for each of at most 12 numbers


@pytest.mark.parametrize("rows", [1, 9], ids=["searched row by row", "searched edge by edge"])
def test_sampled_actions_have_the_probabilities_of_the_policy(rows, rng):
    policy = SoftmaxPolicy(Tabular(rows, 5))
    outputs = np.tile([0.0, 1.0, -2.0, 0.5, -800.0], (rows, 1))
    n = 400_000 // rows
    actions = policy.sample(outputs, rng, n)
    expected = np.exp(policy.log_prob(outputs[:1], np.arange(5)[None]))[0]
    got = np.bincount(actions.ravel(), minlength=5) / actions.size
    assert (np.abs(got - expected) <= 6 * np.sqrt(expected * (1 - expected) / actions.size)).all()


def test_both_ways_to_sample_give_the_same_actions(rng):
    outputs = rng.standard_normal((3, 4))
    tall = np.tile(outputs, (2, 1))  # six rows of four actions, three rows of four actions
    policy = SoftmaxPolicy(Tabular(1, 4))
    u = np.random.default_rng(0).random((3, 50))

    class Fixed:
        def __init__(self, values):
            self.values = values

        def random(self, shape):
            assert shape == self.values.shape
            return self.values

    short = policy.sample(outputs, Fixed(u), 50)
    np.testing.assert_array_equal(policy.sample(tall, Fixed(np.tile(u, (2, 1))), 50), np.tile(short, (2, 1)))


@pytest.mark.parametrize(("task", "policy"), list(cases()))
def test_gradients_of_log_p_are_its_slopes(task, policy, rng):
    theta, prompts = theta_of(policy, rng), np.array([2, 0])
    weights = np.array([0.3, -1.7])
    expected = weights @ slope(lambda t: task.log_pass_rates(policy, t, prompts), theta)
    got = task.weighted_gradient(policy, theta, prompts, weights)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-8 * np.abs(expected).max())


@pytest.mark.parametrize(("task", "policy"), list(cases()))
def test_pass_rates_and_gradients_are_means_over_rollouts(task, policy, rng):
    theta, prompts, n = 0.3 * theta_of(policy, rng), np.array([1, 2]), 100_000
    likelihoods, actions = task.sample(policy, theta, prompts, rng, n)
    p = np.exp(task.log_pass_rates(policy, theta, prompts))
    assert (np.abs(likelihoods.mean(axis=1) - p) < 6 * likelihoods.std(axis=1) / np.sqrt(n)).all()
    terms = likelihoods[0, :, None] * task.scores(policy, theta, prompts[:1], actions[:1])[0]
    expected = p[0] * task.weighted_gradient(policy, theta, prompts[:1], np.ones(1))
    assert (np.abs(terms.mean(axis=0) - expected) <= 6 * terms.std(axis=0) / np.sqrt(n) + 1e-15).all()


@pytest.mark.parametrize(("task", "policy"), list(cases()))
def test_a_task_weights_the_scores_of_its_rollouts(task, policy, rng):
    theta, prompts = theta_of(policy, rng), np.array([0, 2, 1])
    likelihoods, actions = task.sample(policy, theta, prompts, rng, 6)
    assert likelihoods.shape == (3, 6)
    weights = rng.standard_normal((3, 6))
    got = task.weighted_score(policy, theta, prompts, actions, weights)
    expected = np.einsum("bn,bnd->d", weights, task.scores(policy, theta, prompts, actions))
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-11 * np.abs(expected).max())


def test_a_maze_passes_as_often_as_all_its_rollouts_say(rng):
    maze = tasks.Maze(["S.", "SG"], horizon=3)
    policy = SoftmaxPolicy(Tabular(maze.cells, 4))
    theta = rng.standard_normal(policy.network.size)
    log_pi = policy.log_prob(theta.reshape(-1, 4), np.tile(np.arange(4), (maze.cells, 1)))
    for prompt, start in enumerate(maze.starts):
        p = 0.0
        for moves in itertools.product(range(4), repeat=3):
            cell, log_probability = start, 0.0
            for move in moves:
                log_probability += log_pi[cell, move]
                cell = maze.next[cell, move]
            p += np.exp(log_probability) * (cell == maze.goal)
        assert np.exp(maze.log_pass_rates(policy, theta, [prompt]))[0] == pytest.approx(p, rel=1e-13)


def test_a_maze_whose_rollouts_all_arrive_early_has_nothing_more_to_draw(rng):
    maze = tasks.Maze(["SG"], horizon=5)
    policy, theta = SoftmaxPolicy(Tabular(2, 4)), np.array([-800.0, 0.0, -800.0, -800.0, 0, 0, 0, 0])
    likelihoods, actions = maze.sample(policy, theta, np.array([0]), rng, 3)
    np.testing.assert_array_equal(likelihoods, np.ones((1, 3)))
    assert (maze.scores(policy, theta, np.array([0]), actions) == 0).all()  # certain moves, and none after the goal


def test_what_cannot_be_solved_has_no_gradient():
    task = tasks.ContextualBandit([0, 1], [[0.0, 0.0], [0.5, 1.0]])
    policy = SoftmaxPolicy(Tabular(2, 2))
    assert np.isneginf(task.log_pass_rates(policy, np.zeros(4), [0])[0])
    gradient = task.weighted_gradient(policy, np.zeros(4), np.array([0, 1]), np.ones(2))
    assert (gradient[:2] == 0).all()
    assert (gradient[2:] != 0).all()
    walled = tasks.Maze(["S#G", "..#", "S.."], horizon=4)
    policy = SoftmaxPolicy(Tabular(walled.cells, 4))
    assert np.isneginf(walled.log_pass_rates(policy, np.zeros(walled.cells * 4), [0, 1])).all()
    assert (walled.weighted_gradient(policy, np.zeros(walled.cells * 4), np.arange(2), np.ones(2)) == 0).all()


@pytest.mark.parametrize("steps", [530, 600])
def test_a_way_of_which_no_float_holds_the_chance_has_a_log_p_and_a_gradient(steps):
    maze = tasks.Maze(["S" + "." * (steps - 1) + "G"], horizon=steps)
    policy, theta = SoftmaxPolicy(Tabular(maze.cells, 4)), np.zeros(4 * maze.cells)
    assert maze.log_pass_rates(policy, theta, [0])[0] == pytest.approx(-steps * np.log(4), rel=1e-14)
    got = maze.weighted_gradient(policy, theta, np.array([0]), np.ones(1)).reshape(-1, 4)
    np.testing.assert_array_equal(got[:-1], np.tile([-0.25, 0.75, -0.25, -0.25], (steps, 1)))  # right is the only way
    assert (got[-1] == 0).all()


def test_a_maze_counts_tiny_chances_beside_impossible_ones():
    maze = tasks.Maze(["S.G", "..."], horizon=4)
    policy = SoftmaxPolicy(Tabular(maze.cells, 4))
    theta = np.zeros((maze.cells, 4))
    theta[0], theta[3] = (
        [0, -2000, -700, 0],
        [0, -700, 0, 0],
    )  # right is impossible; down, right is all but that
    ways = 2 / 16  # right and up, or up and right
    log_p = maze.log_pass_rates(policy, theta.ravel(), [0])[0]
    assert log_p == pytest.approx(-1400 - np.log(2) - np.log(3) + np.log(ways), rel=1e-13)
    expected = slope(lambda t: maze.log_pass_rates(policy, t, [0])[0], theta.ravel())
    got = maze.weighted_gradient(policy, theta.ravel(), np.array([0]), np.ones(1))
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-7)


def test_extreme_outputs_keep_finite_logarithms():
    task = tasks.ContextualBandit.of_labels([0], [1], classes=3)
    policy, theta = SoftmaxPolicy(Tabular(1, 3)), np.array([5000.0, 0.0, -3.0])
    assert task.log_pass_rates(policy, theta, [0])[0] == -5000
    np.testing.assert_array_equal(task.weighted_gradient(policy, theta, [0], np.ones(1)), [-1, 1, 0])


def in_torch(torch, network, parameters, x):
    """Outputs (K,) of one input."""
    if isinstance(network, Tabular):
        return parameters.reshape(network.inputs, network.outputs)[x]
    values, start = torch.tensor(x), 0
    for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(network.sizes)):
        values = torch.tanh(values) if layer else values
        weights = parameters[start : start + fan_in * fan_out].reshape(fan_in, fan_out)
        start += fan_in * fan_out
        values = values @ weights + parameters[start : start + fan_out]
        start += fan_out
    return values


@pytest.mark.parametrize(("policy", "inputs"), POLICIES.values(), ids=POLICIES)
def test_scores_are_those_of_torch(policy, inputs, rng):
    torch = pytest.importorskip("torch", reason="needs torch")
    theta = theta_of(policy, rng)
    actions = policy.sample(policy.network(theta, inputs), rng, 4)
    expected = np.zeros((3, 4, len(theta)))
    for b, i in itertools.product(range(3), range(4)):
        parameters = torch.tensor(theta, requires_grad=True)
        values = in_torch(torch, policy.network, parameters, inputs[b])
        if isinstance(policy, SoftmaxPolicy):
            law, action = torch.distributions.Categorical(logits=values), torch.tensor(actions[b, i])
        else:
            mean, scale = (values[:-1], values[-1].exp()) if policy.scale is None else (values, policy.scale)
            law, action = torch.distributions.Normal(mean, scale), torch.tensor(actions[b, i])
        law.log_prob(action).sum().backward()
        expected[b, i] = parameters.grad.numpy()
    np.testing.assert_allclose(scores(policy, theta, inputs, actions), expected, rtol=1e-10, atol=1e-12)


def test_a_jacobian_has_a_row_for_each_output():
    network = MLP((2, 3))
    got = jacobian(network, np.zeros(network.size), np.array([[2.0, 5.0]]))
    assert got.shape == (1, 3, 9)
    np.testing.assert_array_equal(got[0, 1], [0, 2, 0, 0, 5, 0, 0, 1, 0])


def test_adam_takes_the_steps_that_its_paper_says(rng):
    adam, theta = optimisers.Adam(0.1, 0.9, 0.99, 1e-8), np.zeros(2)
    state, mean, square = adam.init(theta), np.zeros(2), np.zeros(2)
    for t in range(1, 4):
        gradient = rng.standard_normal(2)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.99 * square + 0.01 * gradient**2
        expected = -0.1 * (mean / (1 - 0.9**t)) / (np.sqrt(square / (1 - 0.99**t)) + 1e-8)
        got, state = adam.update(gradient, state, theta)
        np.testing.assert_allclose(got, expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Tabular(0, 2), ValueError, "inputs must be an int of at least 1, got 0"),
        (lambda: MLP((3,)), ValueError, r"sizes must have at least .*, got \(3,\)"),
        (lambda: MLP((3, 0)), ValueError, r"sizes\[1\] must be an int of at least 1, got 0"),
        (lambda: GaussianPolicy(MLP((2, 1)), -1.0), ValueError, "scale must be finite and above 0, got -1.0"),
        (lambda: GaussianPolicy(MLP((2, 1))), ValueError, "network must have at least 2 outputs"),
        (lambda: optimisers.SGD(0.0), ValueError, "learning_rate must be finite and above 0, got 0.0"),
        (lambda: optimisers.Adam(float("nan")), ValueError, "learning_rate must be finite and above 0, got nan"),
        (lambda: optimisers.Adam(0.1, b2=1.0), ValueError, r"b2 must lie in \[0, 1\), got 1.0"),
        (
            lambda: tasks.ContextualBandit([0, 1], [[0.5, 1.5], [0, 0]]),
            ValueError,
            r"likelihoods\[0, 1\] must lie in \[0, 1\], got 1.5",
        ),
        (
            lambda: tasks.ContextualBandit([0, 1], [[0.5, 1]]),
            ValueError,
            r"likelihoods must have shape \(2, K\), .*, got \(1, 2\)",
        ),
        (
            lambda: tasks.ContextualBandit.of_labels([0, 1], [0, 7], 3),
            ValueError,
            r"labels\[1\] must be an int in \[0, 2\], got 7",
        ),
        (lambda: tasks.Regression([[0.0]], [np.nan], 1), ValueError, r"targets\[0\] must be finite, got nan"),
        (lambda: tasks.Regression([[0.0]], [1.0], 0), ValueError, "sigma must be finite and above 0, got 0"),
        (lambda: tasks.Regression([[np.inf]], [1.0], 1), ValueError, r"inputs\[0, 0\] must be finite, got inf"),
        (
            lambda: tasks.Maze(["S."], 3),
            ValueError,
            "lines must have one goal G and at least 1 start S, got 0 G and 1 S",
        ),
        (lambda: tasks.Maze("S.G", 4), TypeError, "^lines must be a list of strings, got 'S.G'$"),
        (lambda: tasks.Maze(None, 4), TypeError, "^lines must be a list of strings, got None$"),
        (lambda: tasks.Maze(["SG", 1], 4), TypeError, r"^lines\[1\] must be a string, got 1$"),
        (lambda: MLP(None), TypeError, "^sizes must be a list of ints, got None$"),
        (lambda: SoftmaxPolicy(3), TypeError, "^network must be a network, such as .*, got 3$"),
        (lambda: GaussianPolicy(MLP, 1.0), TypeError, "^network must be a network, such as .*MLP'>$"),
        (lambda: optimisers.Adam(0.1, b1=False), TypeError, "^b1 must be a finite number, got False$"),
        (lambda: tasks.ContextualBandit([0], [[True, 0]]), TypeError, r"^likelihoods\[0, 0\] must be a finite .*True$"),
        (lambda: tasks.ContextualBandit.of_labels([0], [0], "x"), TypeError, "^classes must be an int .*, got 'x'$"),
        (lambda: tasks.Regression([[1], [1, 2]], [1, 2], 1), TypeError, r"^inputs\[0\] must be a finite .*\[1\]$"),
        (lambda: tasks.Regression([[1]], None, 1), TypeError, "^targets must be an array of finite numbers, got None$"),
        (lambda: tasks.Maze(["SG"], 0), ValueError, "horizon must be an int of at least 1, got 0"),
        (lambda: tasks.Maze(["SG"], 2.5), TypeError, "horizon must be an int of at least 1, got 2.5"),
        (lambda: Tabular(np.True_, 2), TypeError, "inputs must be an int of at least 1, got np.True_"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_numpys_integers_and_floats_become_pythons():
    assert repr(MLP((3, np.int64(2)))) == "MLP(sizes=(3, 2))"
    assert repr(Tabular(np.int32(3), 2)) == "Tabular(inputs=3, outputs=2)"
    assert repr(GaussianPolicy(MLP((1, 1)), np.float64(0.5)))[-10:] == "scale=0.5)"
    assert repr(optimisers.SGD(np.float64(0.5))) == "SGD(learning_rate=0.5)"
    assert tasks.Maze(["SG"], np.int64(2)).name == "Maze(SG, 2)"


LABELS = tasks.ContextualBandit.of_labels([0, 1], [2, 0], classes=3)
PLANE = tasks.Regression(INPUTS, [[0.5, -1.0], [0.0, 1.5], [-0.3, 0.2]], 1.0)
LINE = tasks.Regression(INPUTS, [0.5, -1.0, 0.2], 1.0)


@pytest.mark.parametrize(
    ("task", "policy", "error", "message"),
    [
        (PLANE, GaussianPolicy(MLP((2, 1)), 1.0), ValueError, "policy must have 2 outputs for this Regression, got 1"),
        (LINE, GaussianPolicy(MLP((2, 2)), 1.0), ValueError, "policy must have 1 outputs for this Regression, got 2"),
        (PLANE, GaussianPolicy(MLP((2, 2))), ValueError, "policy must have 3 outputs for this Regression, got 2"),
        (
            LINE,
            GaussianPolicy(MLP((3, 1)), 1.0),
            ValueError,
            r"inputs must have shape \(P, 3\) for this MLP, got \(3, 2\)",
        ),
        (
            LINE,
            SoftmaxPolicy(MLP((2, 1))),
            TypeError,
            "policy must be a GaussianPolicy for a Regression, got SoftmaxPolicy",
        ),
        (
            LABELS,
            SoftmaxPolicy(Tabular(2, 4)),
            ValueError,
            "policy must have 3 outputs for this ContextualBandit, got 4",
        ),
        (LABELS, SoftmaxPolicy(Tabular(1, 3)), ValueError, r"inputs\[1\] must be an int in \[0, 0\], got 1"),
        (LABELS, None, TypeError, "policy must be a SoftmaxPolicy for a ContextualBandit, got None"),
        (
            MAZE,
            SoftmaxPolicy(Tabular(MAZE.cells + 1, 4)),
            ValueError,
            "policy must have a Tabular of 7 inputs for this Maze, got 8",
        ),
        (MAZE, SoftmaxPolicy(Tabular(MAZE.cells, 5)), ValueError, "policy must have 4 outputs for this Maze, got 5"),
        (MAZE, SoftmaxPolicy(MLP((7, 4))), ValueError, r"inputs must have shape \(P, 7\) for this MLP, got \(7,\)"),
    ],
)
def test_a_task_refuses_a_policy_that_does_not_fit(task, policy, error, message):
    with pytest.raises(error, match=message):
        task.check(policy)


@pytest.mark.parametrize(("task", "policy"), list(cases()))
def test_a_task_takes_a_policy_that_fits(task, policy):
    task.check(policy)


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ([0, -1], ValueError, r"inputs\[1\] must be an int in \[0, 1\], got -1"),
        ([0, 2], ValueError, r"inputs\[1\] must be an int in \[0, 1\], got 2"),
        ([0.0, 1.0], TypeError, r"inputs must be ints \(P,\) for a Tabular, got float64 of shape \(2,\)"),
        ([[0], [1]], TypeError, r"shape \(2, 1\)"),
    ],
)
def test_inputs_that_a_table_has_no_row_for_are_refused(inputs, error, message):
    task = tasks.ContextualBandit.of_labels(inputs, [0, 1], classes=2)
    with pytest.raises(error, match=message):
        task.check(SoftmaxPolicy(Tabular(2, 2)))


AT = {"theta": np.zeros(6), "inputs": np.eye(2), "actions": [[0], [1]]}
ANSWERS, PLACES = SoftmaxPolicy(MLP((2, 2))), GaussianPolicy(MLP((2, 2)))


@pytest.mark.parametrize(
    ("policy", "given", "error", "message"),
    [
        (3, {}, TypeError, "policy must be a SoftmaxPolicy or a GaussianPolicy, got 3"),
        (ANSWERS, {"theta": np.zeros(3)}, ValueError, r"theta must have shape \(6,\) for this policy, got \(3,\)"),
        (ANSWERS, {"inputs": np.eye(3)}, ValueError, r"inputs must have shape \(P, 2\) for this MLP, got \(3, 3\)"),
        (ANSWERS, {"actions": [0, 1]}, ValueError, r"actions must have shape \(2, n\), got \(2,\)"),
        (ANSWERS, {"actions": [[0], [5]]}, ValueError, r"actions\[1, 0\] must be an int in \[0, 1\], got 5"),
        (ANSWERS, {"actions": [[0], [-1]]}, ValueError, r"actions\[1, 0\] must be an int in \[0, 1\], got -1"),
        (ANSWERS, {"actions": [[0.0], [1.0]]}, TypeError, "actions must be ints, got float64"),
        (PLACES, {}, ValueError, r"actions must have shape \(2, n, 1\), got \(2, 1\)"),
    ],
)
def test_scores_are_refused_where_the_policy_could_not_have_acted_so(policy, given, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        scores(policy, **AT | given)


def test_scores_take_lists():
    expected = scores(ANSWERS, **{name: np.array(value) for name, value in AT.items()})
    assert scores(ANSWERS, [0] * 6, [[1, 0], [0, 1]], [[0], [1]]).tolist() == expected.tolist()
