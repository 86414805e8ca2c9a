"""The training loop: the same bits however it is run, exact gradients beside estimates, and clear ends of bad runs."""

import json
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.cli import main
from maxrl_est.files.whole import FileError
from maxrl_est.training import Diverged, loop
from maxrl_est.training.optimisers import SGD, Adam
from maxrl_est.training.plots import learning_curves
from maxrl_est.training.policies import MLP, GaussianPolicy, SoftmaxPolicy, Tabular

TASK = mx.tasks.ContextualBandit([0, 1, 2], [[1, 0, 0, 0], [0.1, 0.3, 0.9, 0], [0, 0.05, 0, 0]])
POLICY = SoftmaxPolicy(Tabular(3, 4))
ROWS = ["ustat_one", "rloo", "exact_ml"]
SETTINGS = {"n": 4, "steps": 12, "seeds": 2, "evaluate_every": 5, "optimiser": Adam(0.1), "batch": 2}


def explode(likelihoods):
    """Advantages that are finite at first."""
    return np.where(likelihoods > 0.99, np.inf, likelihoods)


@pytest.mark.parametrize("pool", ["threads", "processes"])
def test_executors_change_no_bit(pool):
    expected = mx.train(TASK, POLICY, ROWS, **SETTINGS)
    make = ThreadPoolExecutor if pool == "threads" else lambda k: ProcessPoolExecutor(k, get_context("spawn"))
    with make(2) as executor:
        got = mx.train(TASK, POLICY, ROWS, **SETTINGS, executor=executor)
    assert got.to_json() == expected.to_json()
    assert got.to_csv() == expected.to_csv()


@pytest.mark.parametrize("optimiser", [Adam(0.1), SGD(0.5)])
@pytest.mark.parametrize("after", [1, 4, 9])
def test_an_interrupted_run_resumes_to_the_same_bits(tmp_path, monkeypatch, after, optimiser):
    settings = SETTINGS | {"optimiser": optimiser}
    expected = mx.train(TASK, POLICY, ROWS, **settings)
    path = tmp_path / "run.json"
    pieces = []

    def interrupted(*task):
        pieces.append(task)
        if len(pieces) == after:
            raise KeyboardInterrupt
        return piece(*task)

    piece = loop._piece
    with monkeypatch.context() as patch:
        patch.setattr(loop, "_piece", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mx.train(TASK, POLICY, ROWS, **settings, checkpoint=path)
    done = sum(len(run["points"]) for run in json.loads(path.read_text())["state"]["runs"])
    assert done == after - 1
    assert mx.train(TASK, POLICY, ROWS, **settings, checkpoint=path).to_json() == expected.to_json()
    assert mx.train(TASK, POLICY, ROWS, **settings, checkpoint=path).to_json() == expected.to_json()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 13}, "steps is 12, here it is 13"),
        ({"optimiser": Adam(0.2)}, "optimiser is"),
        ({"n": 5}, "n is 4, here it is 5"),
        ({"seeds": [0, 2]}, "seeds is"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(tmp_path, change, message):
    path = tmp_path / "run.json"
    mx.train(TASK, POLICY, ROWS, **SETTINGS, checkpoint=path)
    with pytest.raises(FileError, match=f"another run: {message}"):
        mx.train(TASK, POLICY, ROWS, **SETTINGS | change, checkpoint=path)
    other = mx.tasks.ContextualBandit([0, 1, 2], 0.5 * TASK.likelihoods)
    with pytest.raises(FileError, match="another run: digest of problem"):
        mx.train(other, POLICY, ROWS, **SETTINGS, checkpoint=path)


def test_exact_gradients_ascend_their_objectives():
    names = ["exact_rl", "exact_ml", mx.Objective.maxrl(8)]
    result = mx.train(TASK, POLICY, names, n=8, steps=300, optimiser=SGD(0.3))
    for name, quantity in (("exact_rl", "pass_rate"), ("exact_ml", "log_pass_rate"), ("exact J_8", "objective")):
        values = result.values(name, quantity)[0]
        assert (np.diff(values) > 0).all()
    assert (result.values("exact_ml", "rollouts") == 0).all()


@pytest.mark.parametrize(
    ("name", "order"), [("ustat_one", None), ("ustat_mean_loo", 2), ("rloo", 1), ("passk(2)", None)]
)
def test_an_estimate_has_the_exact_gradient_as_its_mean(name, order):
    """Over 20,000 seeds at the first step; the estimator of another order is told apart."""
    n, theta = 4, np.array([1.0, 0, 0, 0.5, 0, 0, -1, 0, 0, 2, 0, 0])
    row = mx.estimators.get(f"{name}({order})" if name.startswith("ustat") and order else name)
    run = loop.Run(TASK, POLICY, name, row, n, 3, SGD(1.0), 0)
    exact = loop.Run(TASK, POLICY, "exact", loop.Exact("exact", row.target(n)), n, 3, SGD(1.0), 0)
    draws = np.array([run.gradient(theta, step) for step in range(20_000)])
    error = draws.std(axis=0) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(axis=0) - exact.gradient(theta, 0)) < 6 * error).all()
    wrong = loop.Run(TASK, POLICY, "exact", loop.Exact("exact", mx.Objective.maxrl(3)), n, 3, SGD(1.0), 0)
    assert (np.abs(draws.mean(axis=0) - wrong.gradient(theta, 0)) > 6 * error).any()


def test_estimators_of_a_seed_share_first_parameters_and_batches():
    task = mx.tasks.Regression(np.arange(4.0)[:, None], [0.0, 1.0, 0.5, 2.0], 1.0)
    policy = GaussianPolicy(MLP((1, 3, 1)), 0.5)
    result = mx.train(task, policy, ["ustat", "exact_ml"], n=2, steps=1, seeds=3)
    first, second = (result.values(name, "log_pass_rate")[:, 0] for name in result.estimators)
    np.testing.assert_array_equal(first, second)
    assert len(set(first)) == 3
    batches = [loop.Run(task, policy, name, None, 2, 2, SGD(1.0), 7)._prompts(3).tolist() for name in "ab"]
    assert batches[0] == batches[1]


class _Count(NamedTuple):
    steps: np.ndarray


class Library:
    """An optimiser with optax's shape: a state of named tuples in a tuple."""

    name = "library"

    def init(self, params):
        return (_Count(np.zeros((), dtype=np.int32)), ())

    def update(self, updates, state, params):
        count = _Count(state[0].steps + 1)
        return -0.1 * updates / count.steps, (count, ())


def test_an_optimiser_of_a_library_is_resumed_too(tmp_path):
    settings = SETTINGS | {"optimiser": Library()}
    path = tmp_path / "run.json"
    expected = mx.train(TASK, POLICY, "ustat", **settings, checkpoint=path)
    saved = json.loads(path.read_text())
    for run in saved["state"]["runs"]:
        run["points"].pop()  # as if the last piece were missing; what it starts from is at step 10
    partial = mx.train(TASK, POLICY, "ustat", **settings | {"steps": 10})
    for run, curve in zip(saved["state"]["runs"], partial.curves, strict=True):
        run |= {"step": 10, "theta": curve.parameters.tolist(), "optimiser": [[10], []]}
    path.write_text(json.dumps(saved))
    assert mx.train(TASK, POLICY, "ustat", **settings, checkpoint=path).to_csv() == expected.to_csv()


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"estimator": "rlo"}, ValueError, "did you mean 'rloo'"),
        ({"estimator": "sumo"}, ValueError, "it draws as many rollouts as it wants"),
        ({"estimator": []}, ValueError, r"estimator is \[\]"),
        ({"estimator": ["rloo", "rloo"]}, ValueError, "no name twice"),
        ({"order": 5}, ValueError, "order is 5: groups of n = 4 rollouts estimate orders up to 4"),
        ({"estimator": "ustat(9)"}, ValueError, "objective must be of order T <= 4 for groups of N = 4"),
        ({"n": 0}, ValueError, "n is 0: it is an int of at least 1"),
        ({"steps": 2.5}, ValueError, "steps is 2.5"),
        ({"batch": 9}, ValueError, "batch is 9: the task has 3 prompts"),
        ({"seeds": []}, ValueError, "seeds is empty"),
        ({"seeds": [1, -1]}, ValueError, r"seeds\[1\] is -1"),
        (
            {"policy": GaussianPolicy(MLP((1, 1)), 1.0)},
            TypeError,
            "policy is a GaussianPolicy: a ContextualBandit needs a SoftmaxPolicy",
        ),
        ({"estimator": lambda likelihoods: likelihoods[:, :1]}, ValueError, r"shape \(3, 1\) for likelihoods"),
    ],
)
def test_bad_arguments_are_refused_by_name(given, error, message):
    arguments = {"policy": POLICY, "estimator": "rloo", "n": 4, "steps": 2} | given
    with pytest.raises(error, match=message):
        mx.train(TASK, **arguments)


def test_a_diverging_run_stops_with_the_step_and_the_cause(tmp_path):
    path = tmp_path / "run.json"
    with pytest.raises(Diverged, match=r"explode, seed 0, stopped at step \d+: advantages\[.*\] is inf"):
        mx.train(TASK, POLICY, explode, n=64, steps=40, checkpoint=path)
    task = mx.tasks.Regression([[1.0], [2.0]], [1.0, 2.0], 1.0)
    with pytest.raises(Diverged, match=r"exact_ml, seed 0, stopped at step \d+: (gradient|parameters)\[0\]"):
        mx.train(task, GaussianPolicy(MLP((1, 1)), 0.1), "exact_ml", steps=2000, optimiser=SGD(50.0))


def test_learning_curves_are_drawn(tmp_path):
    result = mx.train(TASK, POLICY, ROWS, **SETTINGS)
    figure = learning_curves(result)
    assert [axes.get_title() for axes in figure.axes] == ["pass rate p", "log p", "J_T(p)"]
    assert [len(axes.lines) for axes in figure.axes] == [3, 3, 3]
    figure.savefig(tmp_path / "curves.svg")


COMMAND = ["train", "--workers", "1", "--steps", "4", "--seeds", "1", "--group-size", "4"]


@pytest.mark.parametrize("problem", ["bandits", "maze", "regression"])
def test_the_command_prints_exact_objectives_of_all_runs(problem, capsys, tmp_path):
    outputs = {"csv": tmp_path / "a.csv", "json": tmp_path / "a.json", "figure": tmp_path / "a.svg"}
    options = [text for name, path in outputs.items() for text in (f"--{name}", str(path))]
    assert main([*COMMAND, "--problem", problem, *options]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[0].split()[:4] == ["estimator", "steps", "rollouts", "p"]
    for name in ("rloo", "ustat_one", "exact_rl", "exact_ml"):
        assert f"\n{name} " in printed
    assert outputs["csv"].read_text().startswith("estimator,seed,step,rollouts,pass_rate,log_pass_rate,objective")
    assert len(json.loads(outputs["json"].read_text())["curves"]) == 5
    assert "<svg" in outputs["figure"].read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--estimators", "rlo"], "did you mean 'rloo'"),
        (["--order", "9"], "order is 9: groups of n = 4"),
        (["--learning-rate", "0"], "learning_rate is 0.0: it is finite and > 0"),
        (["--problem", "maz"], "did you mean that"),
        (["--policy", "mlp"], "--policy is 'mlp': for bandits there is tabular"),
        (["--seeds", "-3"], "seeds is -3: it is an int of at least 1"),
        (["--workers", "0"], "--workers is 0: at least 1"),
        (["--figure", "curves.txt"], "its name ends in .svg, .png or .pdf"),
        (["--checkpoint", "nowhere/run.json"], "there is no folder"),
        (["--problem", "regression", "--optimiser", "sgd", "--learning-rate", "1e300"], "diverged: "),
    ],
)
def test_a_bad_argument_is_one_line_and_exit_2(options, message, capsys):
    assert main([*COMMAND, *options]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_the_command_resumes_and_refuses_another_runs_checkpoint(tmp_path, capsys):
    command = [*COMMAND, "--checkpoint", str(tmp_path / "run.json"), "--csv", "-"]
    assert main(command) == 0
    first = capsys.readouterr().out
    assert main(command) == 0
    assert capsys.readouterr().out == first
    assert main([*command, "--seeds", "2"]) == 2
    assert "is the checkpoint of another run" in capsys.readouterr().err
