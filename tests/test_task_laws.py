"""What a policy is at a point of training: against all walks of a tiny maze, against what `train` follows and draws."""

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.objectives.targets import LogPassRate
from maxrl_est.problems import Finite
from maxrl_est.training._run import Exact, Run
from maxrl_est.training.optimisers import SGD
from maxrl_est.training.policies import MLP, GaussianPolicy, SoftmaxPolicy, Tabular
from maxrl_est.training.tasks._walks import Walk

INPUTS = np.array([[0.3, -1.0], [1.2, 0.4], [-0.5, 0.1]])
BANDIT = mx.tasks.ContextualBandit(INPUTS, [[0, 1, 0, 0], [0.1, 0.3, 0.9, 0], [0.2, 0.05, 1, 0.6]])
REGRESSION = mx.tasks.Regression(INPUTS, [[0.5, -1.0], [0.0, 1.5], [-0.3, 0.2]], 0.8)
MAZE = mx.tasks.Maze(["S.#", "#.S", "S.G"], horizon=6)
TINY = mx.tasks.Maze(["S.", "SG"], horizon=3)
CASES = {
    "bandit": (BANDIT, SoftmaxPolicy(MLP((2, 3, 4)))),
    "regression": (REGRESSION, GaussianPolicy(MLP((2, 2)), 0.6)),
    "regression, learned scale": (REGRESSION, GaussianPolicy(MLP((2, 3, 3)))),
    "maze": (MAZE, SoftmaxPolicy(Tabular(MAZE.cells, 4))),
}
cases = pytest.mark.parametrize(("task", "policy"), CASES.values(), ids=CASES)


@pytest.fixture
def rng():
    """The numbers of one test: they are the same whichever others run."""
    return np.random.default_rng(11)


def theta_of(policy, rng):
    return policy.network.initial(rng) + 0.5 * rng.standard_normal(policy.network.size)


def walks(maze, logits, start):
    """All walks from a start: probability, whether it reaches the goal, and the score (d,) of each step it makes."""
    pi = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    def on(cell, left):
        if cell == maze.goal or not left:
            yield 1.0, float(cell == maze.goal), []
            return
        for move in range(4):
            score = np.zeros_like(logits)
            score[cell] = np.eye(4)[move] - pi[cell]
            for probability, reward, scores in on(maze.next[cell, move], left - 1):
                yield pi[cell, move] * probability, reward, [score.ravel(), *scores]

    return list(on(start, maze.horizon))


def enumerated(maze, logits, start):
    chances, rewards, scores = zip(*walks(maze, logits, start), strict=True)
    totals = np.array([np.sum(steps, axis=0) if steps else np.zeros(logits.size) for steps in scores])
    return Finite("walks", np.array(chances), np.array(rewards), totals)


@pytest.mark.parametrize("lines", [["S.", "SG"], [".S", "G#"], ["SG"], ["G.", ".S"], ["G#", "#S"]], ids="/".join)
@pytest.mark.parametrize("horizon", [1, 3])
def test_the_moments_of_walks_are_those_of_all_of_them(lines, horizon, rng):
    maze = mx.tasks.Maze(lines, horizon)
    logits = rng.standard_normal((maze.cells, 4))
    for prompt, start in enumerate(maze.starts):
        law, expected = Walk(maze, logits, prompt), enumerated(maze, logits, start)
        assert law.moments.p2 == law.moments.p == law.pass_rate
        assert law.pass_rate == pytest.approx(expected.pass_rate, rel=1e-14, abs=1e-16)
        np.testing.assert_allclose(law.grad_pass_rate, expected.grad_pass_rate, rtol=0, atol=1e-15)
        for name in ("p", "p2", "lS", "l2S", "SS", "lSS", "l2SS"):
            got, wanted = getattr(law.moments, name), getattr(expected.moments, name)
            np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-15 * 10, err_msg=name)


def test_walks_whose_pairs_of_steps_are_forgotten_are_told_apart(rng, monkeypatch):
    logits = rng.standard_normal((TINY.cells, 4))
    expected = enumerated(TINY, logits, TINY.starts[0]).moments.lSS
    squares = sum(p * l * np.outer(s, s) for p, l, steps in walks(TINY, logits, TINY.starts[0]) for s in steps)
    assert np.abs(squares - expected).max() > 0.01
    pairs = Walk._pairs_of_steps
    for wrong in (
        lambda law: np.zeros((law.logits.size, law.logits.size)),
        lambda law: pairs(law) / 2,  # one of the two orders
        lambda law: pairs(law).T @ pairs(law),
    ):
        monkeypatch.setattr(Walk, "_pairs_of_steps", wrong)
        assert np.abs(Walk(TINY, logits, 0).moments.lSS - expected).max() > 1e-3


@pytest.mark.parametrize("name", ["rloo", "grpo", "maxrl_shipped", "ustat(2)", "ustat_mean_loo"])
def test_closed_forms_at_walks_are_what_enumeration_of_all_groups_gives(name, rng):
    """With parameters that the cells share."""
    maze = mx.tasks.Maze(["S.", "SG"], 2)
    policy, row = SoftmaxPolicy(OneHot(maze.cells)), mx.estimators.get(name)
    theta = rng.standard_normal(policy.network.size)
    logits = policy.network(theta, np.arange(maze.cells))
    by_theta = policy.network.features.reshape(-1, 3)
    prompts = []
    for start in maze.starts:
        law = enumerated(maze, logits, start)
        prompts.append(Finite("walks", law.probabilities, law.likelihoods, law.scores @ by_theta))
    expected = mx.exact_moments(mx.problems.Shared(prompts), row, 3)
    got = mx.closed_form_moments(maze.at(policy, theta), row, 3)
    np.testing.assert_allclose(got.mean, expected.mean.astype(float), rtol=0, atol=1e-14)
    np.testing.assert_allclose(got.covariance, expected.covariance.astype(float), rtol=0, atol=1e-14)
    assert np.abs(got.covariance).max() > 1e-3


class OneHot:
    """A network of the user's own: logits of all cells from 3 parameters, by fixed features."""

    size, outputs = 3, 4

    def __init__(self, cells):
        self.features = np.random.default_rng(0).standard_normal((cells, 4, 3))

    def check(self, inputs):
        pass

    def initial(self, rng):
        return np.zeros(3)

    def __call__(self, theta, inputs):
        return self.features[inputs] @ theta

    def pullback(self, theta, inputs, cotangents):
        return np.einsum("bk,bkd->d", cotangents, self.features[inputs])


@cases
def test_pass_rates_and_gradients_of_a_law_are_those_of_its_task(task, policy, rng):
    theta, prompts = theta_of(policy, rng), np.arange(len(task))
    law = task.at(policy, theta)
    p = np.exp(task.log_pass_rates(policy, theta, prompts))
    assert [float(weight) for weight, _ in law.prompts] == [1 / len(task)] * len(task)
    np.testing.assert_allclose([prompt.pass_rate for _, prompt in law.prompts], p, rtol=1e-13)
    for x, (_, prompt) in enumerate(law.prompts):
        expected = p[x] * task.weighted_gradient(policy, theta, prompts[x : x + 1], np.ones(1))
        np.testing.assert_allclose(prompt.grad_pass_rate, expected, rtol=0, atol=1e-14)
        np.testing.assert_allclose(prompt.moments.lS, expected, rtol=0, atol=1e-14)
        assert np.abs(prompt.grad_pass_rate - expected / p[x]).max() > 1e-3  # that of log p


@cases
@pytest.mark.parametrize(
    "target",
    [mx.Objective.expected(), mx.Objective.maxrl(4), mx.Objective.pass_at(3), LogPassRate()],
    ids=lambda target: target.name,
)
def test_training_with_an_objective_follows_its_gradient_at_the_law(task, policy, target, rng):
    theta = theta_of(policy, rng)
    exact = Exact(None if isinstance(target, LogPassRate) else target)
    got = Run(task, policy, "exact", exact, 4, len(task), SGD(1.0), 0).gradient(theta, 1)[0]
    expected = mx.target_gradient(task.at(policy, theta), target)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-13 * np.abs(expected).max())
    wrong = mx.target_gradient(task.at(policy, theta), mx.Objective.maxrl(2))
    assert np.abs(got - wrong).max() > 1e-3 * np.abs(expected).max()


@cases
def test_a_step_of_one_prompt_has_the_mean_and_variance_of_the_law(task, policy, rng):
    """The covariance of a group has the spread of prompts too; the law of larger groups is told apart."""
    n, draws, theta, row = 4, 10_000, theta_of(policy, rng), mx.estimators.get("ustat_one(3)")
    law, run = task.at(policy, theta), Run(task, policy, row.name, row, n, 1, SGD(1.0), 0)
    gradients = np.array([run.gradient(theta, step)[0] for step in range(draws)])
    expected = mx.closed_form_moments(law, row, n)
    error = np.sqrt(np.diag(expected.covariance) / draws)
    assert (np.abs(gradients.mean(axis=0) - expected.mean) <= 6 * error + 1e-15).all()
    squares = ((gradients - expected.mean) ** 2).sum(axis=1)
    variance, spread = np.trace(expected.covariance), squares.std() / np.sqrt(draws)
    assert abs(squares.mean() - variance) < 6 * spread
    assert abs(squares.mean() - np.trace(mx.closed_form_moments(law, row, 2 * n).covariance)) > 6 * spread


@cases
def test_rollouts_of_a_law_have_its_moments(task, policy, rng):
    law, n = task.at(policy, theta_of(policy, rng)), 50_000
    for _, prompt in law.prompts:
        likelihoods, scores = prompt.sample(rng, n, 1)
        moments = prompt.moments
        for terms, expected in (
            (likelihoods, np.array([moments.p])),
            (scores[:, 0], np.zeros(scores.shape[-1])),
            (likelihoods * scores[:, 0], moments.lS),
            (likelihoods * (scores[:, 0] ** 2), np.diag(moments.lSS)),
            (scores[:, 0] ** 2, np.diag(moments.SS)),
        ):
            error = terms.std(axis=0) / np.sqrt(n)
            assert (np.abs(terms.mean(axis=0) - expected) <= 6 * error + 1e-15).all()


@cases
def test_measures_take_the_law(task, policy, rng):
    law = task.at(policy, theta_of(policy, rng))
    best = mx.optimal_baseline(law, 4)
    assert 0 <= best.gain <= 1
    row = mx.estimators.get("ustat_one")
    exact = mx.closed_form_moments(law, row, 4)
    drawn = mx.monte_carlo(law, row, 4, replicates=20_000, seed=0, target=exact.mean)
    assert drawn.verdict != "BIASED"
    assert abs(np.trace(drawn.covariance) - np.trace(exact.covariance)) < 6 * drawn.total_variance_error
    table = mx.bias_variance_table({"here": law}, ["rloo", "ustat_one"], 4)
    assert [row.unbiased for row in table.rows] == [True, True]
    assert table.rows[1].total_variance == pytest.approx(np.trace(exact.covariance), rel=1e-9)


def test_a_law_of_finite_prompts_is_enumerated_and_one_of_walks_refuses_it(rng):
    policy = CASES["bandit"][1]
    law, row = BANDIT.at(policy, theta_of(policy, rng)), mx.estimators.get("rloo")
    got, expected = mx.exact_moments(law, row, 4), mx.closed_form_moments(law, row, 4)
    np.testing.assert_allclose(got.covariance, expected.covariance, rtol=0, atol=1e-12)
    policy = CASES["maze"][1]
    with pytest.raises(ValueError, match="cannot be enumerated"):
        mx.exact_moments(MAZE.at(policy, theta_of(policy, rng)), row, 4)


def test_the_law_of_walks_averages_an_objective_over_levels_as_on_all_of_them(rng):
    logits = rng.standard_normal((TINY.cells, 4))
    expected = enumerated(TINY, logits, TINY.starts[1]).gradient_over_levels(mx.Objective.maxrl(5))
    got = Walk(TINY, logits, 1).gradient_over_levels(mx.Objective.maxrl(5))
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-14)


def test_a_law_follows_a_training():
    """At the last parameters of a curve, the law has the pass rate of its last point."""
    policy = SoftmaxPolicy(Tabular(MAZE.cells, 4))
    (curve,) = mx.train(MAZE, policy, "ustat_mean_loo", n=8, steps=30).curves
    law = MAZE.at(policy, curve.parameters)
    assert law.pass_rate == pytest.approx(curve.points[-1].pass_rate, rel=1e-13)
    assert law.pass_rate != pytest.approx(curve.points[0].pass_rate, rel=1e-3)


@cases
def test_a_law_is_short_in_words(task, policy, rng):
    assert repr(task.at(policy, theta_of(policy, rng))) == f"{task} with {policy}"


@cases
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda theta: theta[:-1], ValueError, r"theta must have shape \(\d+,\) for this policy, got \(\d+,\)"),
        (lambda theta: theta[None], ValueError, r"theta must have shape .*, got \(1, \d+\)"),
        (lambda theta: np.where(np.arange(len(theta)) == 2, np.nan, theta), ValueError, r"theta\[2\] must be finite"),
        (lambda theta: ["a"] * len(theta), TypeError, r"theta\[0\] must be a finite number, got 'a'"),
    ],
)
def test_parameters_that_are_none_are_refused(task, policy, change, error, message, rng):
    with pytest.raises(error, match=message):
        task.at(policy, change(theta_of(policy, rng)))


def test_a_policy_that_does_not_fit_has_no_law():
    with pytest.raises(TypeError, match="policy must be a SoftmaxPolicy for a Maze, got GaussianPolicy"):
        MAZE.at(CASES["regression"][1], np.zeros(6))


def test_a_regression_far_from_its_targets_has_no_law_in_floats():
    task = mx.tasks.Regression([[1.0]], [1000.0], 1.0)
    with pytest.raises(ValueError, match="pass rate"):
        task.at(GaussianPolicy(MLP((1, 1)), 1.0), np.zeros(2))


def test_walks_that_start_at_nothing_to_choose_have_no_scores():
    """Certain moves: p is 1, and neither a score nor a variance is left."""
    maze = mx.tasks.Maze(["SG"], 2)
    law = Walk(maze, np.array([[-800.0, 0, -800, -800], [0, 0, 0, 0]]), 0)
    assert law.pass_rate == 1
    assert not any(np.any(getattr(law.moments, name)) for name in ("lS", "SS", "lSS"))
