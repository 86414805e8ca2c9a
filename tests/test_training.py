"""The training loop: the same bits however it is run, exact gradients beside estimates, and clear ends of bad runs."""

import json
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.cli import main
from maxrl_est.files import formats
from maxrl_est.files.checkpoints import Checkpoint
from maxrl_est.files.whole import FileError
from maxrl_est.training import Diverged, learning_curves
from maxrl_est.training import _loop as loop
from maxrl_est.training._run import Exact
from maxrl_est.training.optimisers import SGD, Adam
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
    with pytest.raises(FileError, match="another run: digest of task"):
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
    exact = loop.Run(TASK, POLICY, "exact", Exact(row.target(n)), n, 3, SGD(1.0), 0)
    draws = np.array([run.gradient(theta, step)[0] for step in range(20_000)])
    error = draws.std(axis=0) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(axis=0) - exact.gradient(theta, 0)[0]) < 6 * error).all()
    wrong = loop.Run(TASK, POLICY, "exact", Exact(mx.Objective.maxrl(3)), n, 3, SGD(1.0), 0)
    assert (np.abs(draws.mean(axis=0) - wrong.gradient(theta, 0)[0]) > 6 * error).any()


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
        rollouts, theta = run["points"][-1][1], curve.parameters.tolist()
        run |= {"step": 10, "rollouts": rollouts, "theta": theta, "optimiser": [[10], []]}
    Checkpoint(path, saved["configuration"]).save(saved["state"])
    assert mx.train(TASK, POLICY, "ustat", **settings, checkpoint=path).to_csv() == expected.to_csv()


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"estimators": "rlo"}, ValueError, "did you mean 'rloo'"),
        ({"estimators": ["rloo", "sumo"]}, ValueError, r"estimators\[1\] must take groups of n rollouts, got 'sumo'"),
        ({"estimators": mx.estimators.get("sumo")}, ValueError, "estimators must take groups of n rollouts"),
        ({"estimators": []}, ValueError, "estimators must have at least 1 estimator, got none"),
        ({"estimators": ["rloo", "rloo"]}, ValueError, r"estimators\[1\] must have a name of its own, got 'rloo'"),
        ({"order": 5}, ValueError, r"order must be an int in \[1, 4\], got 5"),
        ({"estimators": "ustat(9)"}, ValueError, "9"),
        ({"n": 0}, ValueError, "n must be an int of at least 1, got 0"),
        ({"steps": 2.5}, TypeError, "steps must be an int of at least 1, got 2.5"),
        ({"batch": 9}, ValueError, r"batch must be an int in \[1, 3\], got 9"),
        ({"seeds": []}, ValueError, "seeds must have at least 1 seed, got none"),
        ({"seeds": [1, -1]}, ValueError, r"seeds\[1\] must be an int of at least 0, got -1"),
        (
            {"policy": GaussianPolicy(MLP((1, 1)), 1.0)},
            TypeError,
            "^policy must be a SoftmaxPolicy for a ContextualBandit, got GaussianPolicy",
        ),
        (
            {"estimators": lambda likelihoods: likelihoods[:, :1]},
            ValueError,
            r"must return advantages of the shape of its likelihoods, \(3, 4\), got \(3, 1\)",
        ),
    ],
)
def test_bad_arguments_are_refused_by_name(given, error, message):
    arguments = {"policy": POLICY, "estimators": "rloo", "n": 4, "steps": 2} | given
    with pytest.raises(error, match=message):
        mx.train(TASK, **arguments)


def test_a_diverging_run_stops_with_the_step_and_the_cause(tmp_path):
    path = tmp_path / "run.json"
    with pytest.raises(
        Diverged, match=r"explode, seed 0, stopped at step \d+: advantages\[.*\] must be finite, got inf"
    ):
        mx.train(TASK, POLICY, explode, n=64, steps=40, checkpoint=path)
    task = mx.tasks.Regression([[1.0], [2.0]], [1.0, 2.0], 1.0)
    with pytest.raises(
        Diverged, match=r"exact_ml, seed 0, stopped at step \d+: (gradient|parameters)\[0\] must be finite"
    ):
        mx.train(task, GaussianPolicy(MLP((1, 1)), 0.1), "exact_ml", steps=2000, optimiser=SGD(50.0))


SAYS_THREADS = """
import os, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            print(os.environ.get("OPENBLAS_NUM_THREADS"))
sys.meta_path.insert(0, Finder())
from maxrl_est.cli import main
sys.exit(main(["train", "--workers", "1", "--steps", "0"]))
"""  # what BLAS is told when NumPy is looked for


def test_blas_is_given_one_thread_before_numpy_is_imported():
    environment = {key: value for key, value in os.environ.items() if key != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", SAYS_THREADS], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "1\n"), done.stderr
    assert "steps must be an int of at least 1, got 0" in done.stderr


def test_a_training_is_shown_as_a_table_of_last_points():
    result = mx.train(TASK, POLICY, ["rloo", "exact_ml"], **SETTINGS, test=TASK)
    head, rule, *lines = str(result).splitlines()
    assert head.split() == ["estimator", "steps", "rollouts", "p", "log", "p", "J_4", "test", "p", "test", "log", "p"]
    assert set(rule) == {"-", " "}
    assert [line.split()[0] for line in lines] == ["rloo", "exact_ml"]
    for line in lines:
        name, steps, rollouts, *numbers = line.split()
        assert (steps, rollouts) == ("12", "96" if name == "rloo" else "0")
        quantities = ("pass_rate", "log_pass_rate", "objective", "test_pass_rate", "test_log_pass_rate")
        expected = [result.values(name, quantity)[:, -1].mean() for quantity in quantities]
        assert [float(x) for x in numbers] == pytest.approx(expected, abs=6e-5)
        assert f"<td>{name}</td><td>12</td><td>{rollouts}</td><td>{numbers[0]}</td>" in result._repr_html_()


def test_a_data_frame_has_a_row_for_each_point(monkeypatch):
    monkeypatch.setattr(formats, "to_dataframe", lambda columns: columns)
    result = mx.train(TASK, POLICY, ["rloo", "exact_ml"], **SETTINGS)
    columns = result.to_dataframe()
    assert list(columns)[:5] == ["estimator", "seed", "step", "rollouts", "pass_rate"]
    assert columns["estimator"] == ["rloo"] * 8 + ["exact_ml"] * 8
    assert columns["seed"] == ([0] * 4 + [1] * 4) * 2
    assert columns["pass_rate"][8:] == result.values("exact_ml", "pass_rate").ravel().tolist()
    assert columns["test_pass_rate"] == [None] * 16


@pytest.mark.parametrize(
    ("names", "message"),
    [(("rlo", "step"), "estimator must be one of rloo, got 'rlo'"), (("rloo", "p"), "quantity must be one of step, ")],
)
def test_values_of_what_there_is_not_are_refused(names, message):
    with pytest.raises(ValueError, match=message):
        mx.train(TASK, POLICY, "rloo", n=2, steps=1).values(*names)


def test_learning_curves_are_drawn(tmp_path):
    result = mx.train(TASK, POLICY, ROWS, **SETTINGS)
    figure = learning_curves(result)
    assert [axes.get_title() for axes in figure.axes] == ["pass rate p", "log p", "J_T(p)"]
    assert [len(axes.lines) for axes in figure.axes] == [3, 3, 3]
    figure.savefig(tmp_path / "curves.svg")


COMMAND = ["train", "--workers", "1", "--steps", "4", "--seeds", "1", "--group-size", "4"]


@pytest.mark.parametrize("problem", ["bandit", "maze", "regression"])
def test_the_command_prints_exact_objectives_of_all_runs(problem, capsys, tmp_path):
    outputs = {"csv": tmp_path / "a.csv", "json": tmp_path / "a.json", "figure": tmp_path / "a.svg"}
    options = [text for name, path in outputs.items() for text in (f"--{name}", str(path))]
    assert main([*COMMAND, "--problem", problem, *options]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[0].split()[:4] == ["estimator", "steps", "rollouts", "p"]
    for name in ("rloo", "maxrl_shipped", "ustat_mean_loo", "exact_rl", "exact_ml"):
        assert f"\n{name} " in printed
    assert outputs["csv"].read_text().startswith("estimator,seed,step,rollouts,pass_rate,log_pass_rate,objective")
    assert len(json.loads(outputs["json"].read_text())["curves"]) == 5
    assert "<svg" in outputs["figure"].read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--estimators", "rlo"], "did you mean 'rloo'"),
        (["--order", "9"], "order must be an int in [1, 4], got 9"),
        (["--learning-rate", "0"], "learning_rate must be finite and above 0, got 0.0"),
        (["--problem", "maz"], "did you mean 'maze'?"),
        (["--policy", "mlp"], "--policy must be one of tabular, got 'mlp'"),
        (["--seeds", "-3"], "seeds must be an int of at least 1, got -3"),
        (["--workers", "0"], "--workers must be an int of at least 1, got 0"),
        (["--figure", "curves.txt"], "--figure must end in .svg, .png or .pdf, got curves.txt"),
        (["--checkpoint", "nowhere/run.json"], "there is no folder"),
        (["--problem", "regression", "--optimiser", "sgd", "--learning-rate", "1e300"], "diverged: "),
    ],
)
def test_a_bad_argument_is_one_line_and_exit_2(options, message, capsys):
    assert main([*COMMAND, *options]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


@pytest.fixture
def mine(tmp_path):
    """A file of a user's, called like a module of Python's."""
    path = tmp_path / "random.py"
    path.write_text(
        "print('hello')\n"
        "def centred(likelihoods):\n"
        "    print('called')\n"
        "    return likelihoods - likelihoods.mean(axis=-1, keepdims=True)\n"
        "def fails(likelihoods):\n"
        "    return {}['x']\n"
        "def fails_late(likelihoods):\n"
        "    return likelihoods if (likelihoods == 1).all() else {}['x']\n"
    )
    return path


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_command_trains_with_a_function_of_ones_own(mine, workers, capsys):
    """In worker processes too, where the file is no module that could be imported."""
    name = f"{mine}:centred"
    assert main([*COMMAND, "--workers", workers, "--estimators", name, "mean_centred", "--csv", "-"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith("estimator,seed,step")
    rows = [line.partition(",") for line in lines]
    points = {each: [rest for row, _, rest in rows if row == each] for each in (name, "mean_centred", "exact_ml")}
    assert points[name] == points["mean_centred"] != points["exact_ml"]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("fails", ":fails raised KeyError: 'x'"),
        ("fails_late", "stopped at step 1: "),
        ("centre", "did you mean 'centred'?"),
    ],
)
def test_a_function_of_ones_own_that_fails_is_one_line(mine, function, message, capsys):
    assert main([*COMMAND, "--estimators", f"{mine}:{function}"]) == 2
    (said,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("maxrl-est")]
    assert message in said


def test_progress_is_told_that_the_arguments_are_accepted_before_the_work(tmp_path):
    told = []
    mx.train(TASK, POLICY, ROWS, **SETTINGS, progress=told.append)
    assert told[0] == "  0%  6 runs of 12 steps"
    assert told[-1].startswith("100%")
    told.clear()
    with pytest.raises(FileError):  # not a fault of the arguments
        mx.train(TASK, POLICY, ROWS, **SETTINGS, progress=told.append, checkpoint=tmp_path / "none" / "run.json")
    assert len(told) == 1
    with pytest.raises(ValueError, match="batch must be"):
        mx.train(TASK, POLICY, ROWS, **SETTINGS | {"batch": 0}, progress=told.append)
    assert len(told) == 1


def test_the_command_resumes_and_refuses_another_runs_checkpoint(tmp_path, capsys):
    command = [*COMMAND, "--checkpoint", str(tmp_path / "run.json"), "--csv", "-"]
    assert main(command) == 0
    first = capsys.readouterr().out
    assert main(command) == 0
    assert capsys.readouterr().out == first
    assert main([*command, "--seeds", "2"]) == 2
    assert "is the checkpoint of another run" in capsys.readouterr().err
