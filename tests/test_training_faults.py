"""Ends that nobody wants: signals, killed processes, damaged files, other runs' checkpoints, misfits."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.cli import main
from maxrl_est.files.checkpoints import Checkpoint
from maxrl_est.files.whole import FileError
from maxrl_est.training import Diverged, workers
from maxrl_est.training import _digests as digests
from maxrl_est.training import _engines as engines
from maxrl_est.training import _loop as loop
from maxrl_est.training import _plots as plots
from maxrl_est.training.optimisers import SGD, Adam
from maxrl_est.training.policies import MLP, GaussianPolicy, SoftmaxPolicy, Tabular

TASK = mx.tasks.ContextualBandit([0, 1, 2], [[1, 0, 0, 0], [0.1, 0.3, 0.9, 0], [0, 0.05, 0, 0]])
POLICY = SoftmaxPolicy(Tabular(3, 4))
ROWS = ["ustat_one", "exact_ml"]
SETTINGS = {"n": 4, "steps": 12, "seeds": 2, "evaluate_every": 5, "optimiser": Adam(0.1), "batch": 2}
COMMAND = ["train", "--workers", "1", "--steps", "4", "--seeds", "1", "--group-size", "4"]

posix = pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")


@posix
@pytest.mark.parametrize(("number", "status", "said"), [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "")])
def test_a_signal_to_all_processes_of_a_command_ends_it_tidily(tmp_path, number, status, said):
    path = tmp_path / "run.json"
    options = [
        "--steps",
        "1000000",
        "--evaluate-every",
        "20",
        "--workers",
        "2",
        "--seeds",
        "2",
        "--checkpoint",
        str(path),
    ]
    command = [sys.executable, "-m", "maxrl_est", "train", *options]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_for(path.exists)
            time.sleep(1)  # the second worker is idle or still importing: both used to break the executor
            os.killpg(process.pid, getattr(signal, number))
            error = process.communicate(timeout=60)[1]
        finally:
            kill_group(process.pid)
    assert process.returncode == status
    assert error == (f"\nmaxrl-est train: {said}\n" if said else "")
    assert len(json.loads(path.read_text())["state"]["runs"]) == 10


@posix
def test_workers_leave_signals_to_their_parent():
    with workers(1) as executor:
        worker = executor.submit(os.getpid).result()
        os.kill(worker, signal.SIGINT)
        os.kill(worker, signal.SIGTERM)
        assert executor.submit(abs, -1).result(timeout=60) == 1


@posix
def test_a_worker_starts_with_signals_blocked_and_its_parent_goes_on_with_its_own(monkeypatch):
    """Half a worker would print a traceback of its own; what it is started with, it inherits."""
    from maxrl_est.training import _processes as processes

    def masked():
        return signal.pthread_sigmask(signal.SIG_BLOCK, []) & {signal.SIGINT, signal.SIGTERM}

    started = []
    monkeypatch.setattr(processes.SpawnProcess, "start", lambda self: started.append(masked()))
    before = masked()
    processes._Worker(target=abs).start()
    assert started == [{signal.SIGINT, signal.SIGTERM}]
    assert masked() == before == set()


@posix
def test_a_killed_worker_is_replaced_and_what_it_had_is_begun_again(tmp_path):
    killed = str(tmp_path / "killed")
    code = f"import os\nif not os.path.exists({killed!r}): open({killed!r}, 'x'); os.kill(os.getpid(), 9)"
    with workers(2) as executor:
        waiting = [executor.submit(exec, code), *powers(executor)]
        assert [future.result(timeout=60) for future in waiting] == [None, *(2**k for k in range(20))]
        assert (tmp_path / "killed").exists()


def powers(executor):
    return [executor.submit(pow, 2, k) for k in range(20)]


@posix
def test_what_kills_two_workers_ends_with_the_cause_and_the_rest_goes_on():
    with workers(1) as executor:
        fatal = executor.submit(exec, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
        assert isinstance(fatal.exception(timeout=60), BrokenExecutor)
        assert executor.submit(abs, -1).result(timeout=60) == 1


def test_an_address_is_never_passed_over(capsys):
    assert main([*COMMAND, "--address", "tcp://x:1"]) == 2  # by one worker, where there is no executor
    assert "address must be None for engine 'processes'" in capsys.readouterr().err


def test_a_call_that_cannot_be_begun_again_ends_with_the_cause_and_nobody_waits():
    begun = []

    def begin(call):
        if begun:
            raise RuntimeError("cannot schedule new futures after shutdown")
        begun.append(Future())
        return begun[0]

    future = engines._Repeating(engines._Engine(begin, BrokenExecutor)).submit(abs, -1)
    begun[0].set_exception(BrokenExecutor("killed"))
    with pytest.raises(RuntimeError, match="cannot schedule"):
        future.result(timeout=5)


def test_what_is_cancelled_or_fails_in_a_worker_is_told_as_executors_do():
    with workers(1, "threads") as executor:
        running, waiting = executor.submit(time.sleep, 0.2), executor.submit(abs, -1)
        assert waiting.cancel()
        assert running.result(timeout=60) is None
        with pytest.raises(ZeroDivisionError):
            executor.submit(divmod, 1, 0).result(timeout=60)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"count": 0}, ValueError, "count must be an int of at least 1, got 0"),
        ({"engine": "spark"}, ValueError, "engine must be one of processes, threads, dask, ray, got 'spark'"),
        (
            {"engine": "threads", "address": "auto"},
            ValueError,
            "address must be None for engine 'threads', which works",
        ),
        ({"engine": "ray", "address": 7}, TypeError, "address must be a str or None, got"),
        ({"engine": "dask", "address": "tcp://x:1", "count": 2}, ValueError, "count must be None where an address is"),
        ({"engine": "ray"}, ModuleNotFoundError, r"engine 'ray' needs ray: pip install 'maxrl-est\[ray\]'"),
        ({"engine": "dask"}, ModuleNotFoundError, r"engine 'dask' needs dask: pip install 'maxrl-est\[dask\]'"),
    ],
    ids=str,
)
def test_an_engine_that_cannot_be_is_refused_in_a_line(given, error, message, monkeypatch):
    for name in ("dask", "distributed", "ray"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(error, match=f"^{message}"), workers(**given):
        pass


@posix
def test_workers_end_when_their_parent_is_killed():
    code = "import os, time; from maxrl_est.training import workers\n"
    code += "with workers(1) as executor: print(executor.submit(os.getpid).result(), flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE) as process:
        try:
            assert int(process.stdout.readline()) != process.pid
            process.kill()
            assert process.communicate(timeout=60)[0] == b""  # no end of file while a worker has the pipe
        finally:
            kill_group(process.pid)


def test_a_killed_worker_is_one_line_and_names_what_is_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(loop, "follow", raising(BrokenExecutor("abruptly")))
    assert main([*COMMAND, "--checkpoint", str(tmp_path / "run.json")]) == 2
    said = capsys.readouterr().err
    assert "two workers were killed" in said
    assert "run.json" in said
    assert said.count("\n") == 1


def test_work_that_waits_is_not_cancelled_in_a_broken_executor(monkeypatch):
    """It fails by itself, at the same time, and hangs if something was cancelled meanwhile."""
    cancelled = []

    class Broken(ThreadPoolExecutor):
        def submit(self, function, run, *rest):
            future = super().submit(raising(BrokenExecutor("abruptly")) if run.seed == 0 else time.sleep, 0.2)
            future.cancel = lambda: cancelled.append(run.seed)
            return future

    with Broken(2) as executor, pytest.raises(BrokenExecutor):
        mx.train(TASK, POLICY, "rloo", **SETTINGS, executor=executor)
    assert cancelled == []


@pytest.mark.parametrize("pool", [False, True])
def test_pieces_end_when_time_is_up_and_change_no_bit(tmp_path, monkeypatch, pool):
    """One evaluation at the end; each piece is a step."""
    settings = SETTINGS | {"evaluate_every": 12}
    expected, path, pieces, piece = mx.train(TASK, POLICY, ROWS, **settings), tmp_path / "run.json", [], loop._piece

    def interrupted(*task):
        pieces.append(task)
        if len(pieces) == 30:
            raise KeyboardInterrupt
        return piece(*task)

    monkeypatch.setattr(loop, "_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "_piece", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mx.train(TASK, POLICY, ROWS, **settings, checkpoint=path)
    assert sum(run["step"] for run in json.loads(path.read_text())["state"]["runs"]) == 25  # and 4 points at step 0
    with ThreadPoolExecutor(2) as executor:
        got = mx.train(TASK, POLICY, ROWS, **settings, checkpoint=path, executor=executor if pool else None)
    assert got.to_json() == expected.to_json()


def damage(**changes):
    """A change of the first run."""
    return lambda state: state["runs"][0].update(changes)


def shorter(part):
    return lambda state: state["runs"][0].update({part: state["runs"][0][part][:-1]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.clear(), "runs must be a list of 4, got None"),
        (lambda state: state.update(more=1), r"the state must have runs and no more, got \['runs', 'more'\]"),
        (lambda state: state.update(runs=[]), r"runs must be a list of 4, got \[\]"),
        (lambda state: state.update(runs=2 * state["runs"]), r"runs must be a list of 4, got \[\{"),
        (
            lambda state: state["runs"].__setitem__(2, 7),
            r"runs\[2\] must have step, rollouts, .*, got 7",
        ),
        (lambda state: state["runs"][0].pop("theta"), r"runs\[0\] must have step, rollouts, theta, optimiser, points"),
        (shorter("theta"), r"runs\[0\].theta must have float64 numbers of shape \(12,\), got \["),
        (damage(theta=["1.5"] * 12), r"runs\[0\].theta must have float64 numbers .*, got \['1.5'"),
        (damage(theta=[[1.0], [1.0, 2.0]]), r"runs\[0\].theta must have"),
        (damage(theta=[float("nan")] * 12), r"runs\[0\].theta must have"),
        (damage(theta=[float("inf")] * 12), r"runs\[0\].theta must be finite, got \[inf"),
        (damage(optimiser=[0]), r"runs\[0\].optimiser must be a list of 3, got \[0\]"),
        (damage(optimiser=[0.0, 1.0, 2.0]), r"runs\[0\].optimiser\[1\] must .* of shape \(12,\), got 1.0"),
        (damage(points="text"), r"runs\[0\].points must be a list of at most 4, got 'text'"),
        (damage(points=[["text"] * 7]), r"runs\[0\].points\[0\] must have numbers step, rollouts"),
        (damage(points=[[0, 0, 0.5, -0.7, 0.5, 0.5, -0.7]]), r"runs\[0\].points\[0\] must have numbers"),
        (
            damage(points=[[0, 0, 0.5, float("nan"), 0.5, None, None]]),
            r"runs\[0\].points\[0\] must have numbers step, roll",
        ),
        (damage(points=[[3, 0, 0.5, -0.7, 0.5, None, None]]), r"runs\[0\].points\[0\] must be of step 0, got \[3"),
        (damage(step=3), r"runs\[0\].step must be an int in \[12, 12\], got 3"),
        (damage(step=12.0), r"runs\[0\].step must be an int in \[12, 12\], got 12.0"),
    ],
)
def test_a_damaged_checkpoint_is_refused_by_the_place_and_left_alone(tmp_path, change, message):
    path = tmp_path / "run.json"
    mx.train(TASK, POLICY, ROWS, **SETTINGS, checkpoint=path)
    content = json.loads(path.read_text())
    change(content["state"])
    Checkpoint(path, content["configuration"]).save(content["state"])
    before = path.read_bytes()
    with pytest.raises(FileError, match=rf"run\.json: is not a checkpoint of this run: {message}"):
        mx.train(TASK, POLICY, ROWS, **SETTINGS, checkpoint=path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ['{"configuration": {}, "state": [1, 2]}', '{"configuration": [1], "state": {}}'])
def test_json_that_is_no_checkpoint_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "run.json"
    path.write_text(content)
    with pytest.raises(FileError, match=r"run\.json: is not a checkpoint as it was written; remove it"):
        mx.train(TASK, POLICY, ROWS, **SETTINGS, checkpoint=path)
    assert path.read_text() == content


class Closures(NamedTuple):
    """An optimiser in the shape of optax's: its repr has addresses and no learning rate."""

    init: object
    update: object


def descent(rate, decay=1.0):
    return Closures(lambda theta: (np.ones(()),), lambda g, state, theta: (-rate * state[0] * g, (decay * state[0],)))


def named(name, function):
    function.__name__ = name
    return function


LABELS = mx.tasks.ContextualBandit.of_labels(np.arange(3), [0, 1, 2], classes=4)
RELABELLED = mx.tasks.ContextualBandit.of_labels(np.arange(3), [0, 2, 1], classes=4)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ({}, {"test": TASK}, r"test is None, here it is ContextualBandit\(3 prompts, 4 actions\)"),
        ({"test": LABELS}, {"test": RELABELLED}, "digest of test is"),
        ({"task": LABELS, "batch": 1}, {"task": RELABELLED, "batch": 1}, "digest of task is"),
        ({"optimiser": descent(0.1)}, {"optimiser": descent(0.2)}, "digest of optimiser is"),
        ({"optimiser": descent(0.1)}, {"optimiser": descent(0.1, 0.9)}, "digest of optimiser is"),
        (
            {"estimators": named("mine", lambda l: l - l.mean(axis=1, keepdims=True))},
            {"estimators": named("mine", lambda l: l - np.minimum(l.mean(axis=1, keepdims=True), 0.9))},
            "digest of estimator mine is",
        ),
        (
            {"estimators": replace(mx.Objective.maxrl(3), name="mine")},
            {"estimators": replace(mx.Objective.maxrl(4), name="mine")},
            "digest of estimator exact mine is",
        ),
    ],
)
def test_runs_that_only_their_functions_tell_apart_do_not_share_a_checkpoint(tmp_path, first, second, message):
    arguments = {"task": TASK, "policy": POLICY, "estimators": "rloo"} | SETTINGS | {"seeds": 1, "steps": 2}
    path = tmp_path / "run.json"
    mx.train(**arguments | first, checkpoint=path)
    mx.train(**arguments | first, checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(FileError, match=f"is the checkpoint of another run: {message}"):
        mx.train(**arguments | second, checkpoint=path)
    assert path.read_bytes() == before


def test_an_estimator_that_refuses_graded_likelihoods_has_a_digest_too():
    def binary(likelihoods):
        if ((likelihoods > 0) & (likelihoods < 1)).any():
            raise ValueError("likelihoods are 0 or 1")
        return sign * likelihoods

    sign = 1
    first = digests.estimator_digest("binary", binary, (2, 4))
    sign = -1
    assert digests.estimator_digest("binary", binary, (2, 4)) != first


def test_a_task_is_told_from_others_where_the_policy_is_not_uniform():
    """There mazes and bandits of other numbers can have the same pass rates."""

    class Looking(mx.tasks.ContextualBandit):
        def log_pass_rates(self, policy, theta, prompts):
            seen.append(theta)
            return super().log_pass_rates(policy, theta, prompts)

    seen = []
    digests.task_digest(Looking(TASK.inputs, TASK.likelihoods), POLICY)
    assert len(set(seen[0])) == POLICY.network.size


def test_nothing_is_digested_without_a_checkpoint(tmp_path, monkeypatch):
    for name in ("task_digest", "estimator_digest", "optimiser_digest"):
        monkeypatch.setattr(digests, name, raising(AssertionError(name)))
    mx.train(TASK, POLICY, ROWS, **SETTINGS)
    with pytest.raises(AssertionError, match="task_digest"):
        mx.train(TASK, POLICY, ROWS, **SETTINGS, checkpoint=tmp_path / "run.json")


REGRESSION = mx.tasks.Regression([[0.0], [1.0]], [[0.0, 1.0], [1.0, 2.0]], 1.0)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            {"task": None},
            TypeError,
            "task must be a task, such as those of maxrl_est.tasks, with a method __len__, got None",
        ),
        ({"test": "digits"}, TypeError, "test must be a task, .*, with a method check, got 'digits'"),
        ({"test": mx.problems.Bernoulli(0.5)}, TypeError, r"test must be a task, .*, got the law Bernoulli\(0.5\): "),
        ({"policy": "x"}, TypeError, "^policy must be a SoftmaxPolicy for a .*, got 'x'$"),
        ({"checkpoint": 3}, TypeError, "^checkpoint must be a path or None, got 3$"),
        ({"executor": 3}, TypeError, "^executor must be an executor of concurrent.futures or None, got 3$"),
        ({"progress": 3}, TypeError, "^progress must be a function or None, got 3$"),
        ({"policy": SoftmaxPolicy(Tabular(3, 5))}, ValueError, "^policy must have 4 outputs"),
        (
            {"test": mx.tasks.ContextualBandit([3], [[1, 0, 0, 0]])},
            ValueError,
            r"test must be a task that the policy fits: inputs\[0\] must",
        ),
        ({"test": REGRESSION}, TypeError, "policy must be a GaussianPolicy for a Regression, got Softmax"),
        (
            {"task": REGRESSION, "policy": GaussianPolicy(MLP((1, 1)), 1.0)},
            ValueError,
            "^policy must have 2 outputs",
        ),
        ({"optimiser": "adam"}, TypeError, "optimiser must have methods init and update"),
        ({"estimators": None}, TypeError, "estimators must be a name, an Objective or a function .*, got None"),
        ({"estimators": ["rloo", 3]}, TypeError, r"estimators\[1\] must be a name, .*, got 3"),
        ({"seeds": -3}, ValueError, "seeds must be an int of at least 1, got -3"),
        ({"seeds": True}, TypeError, "seeds must be an int of at least 1, got True"),
        ({"seeds": [4, 0, 4]}, ValueError, r"seeds\[2\] must differ from seeds\[0\], got 4 again"),
        ({"seeds": [0, 1.5]}, TypeError, r"seeds\[1\] must be an int of at least 0, got 1.5"),
        ({"evaluate_every": 0}, ValueError, "evaluate_every must be an int of at least 1, got 0"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_before_any_work(monkeypatch, given, error, message):
    monkeypatch.setattr(loop, "follow", raising(AssertionError("work")))
    arguments = {"task": TASK, "policy": POLICY, "estimators": "rloo", "n": 4, "steps": 2} | given
    with pytest.raises(error, match=message):
        mx.train(**arguments)


def test_numpys_integers_are_as_good_as_pythons():
    expected = mx.train(TASK, POLICY, "ustat", n=4, order=2, steps=6, batch=2, seeds=2, evaluate_every=3)
    numbers = {"n": 4, "order": 2, "steps": 6, "batch": 2, "evaluate_every": 3}
    for seeds in (np.int64(2), np.arange(2)):
        got = mx.train(TASK, POLICY, "ustat", **{k: np.int64(v) for k, v in numbers.items()}, seeds=seeds)
        assert got.to_json() == expected.to_json()


def test_the_words_of_a_result_say_what_was_trained():
    meta = mx.train(REGRESSION, GaussianPolicy(MLP((1, 2)), 1.0), "rloo", steps=1, test=REGRESSION).meta
    assert meta["task"] == meta["test"] == "Regression(2 prompts, D = 2, sigma 1.0)"
    assert meta["evaluate_every"] == 1
    assert mx.train(TASK, POLICY, "rloo", steps=1, optimiser=descent(0.1)).meta["optimiser"].count("0x") == 0
    assert not any("digest" in key or " " in key for key in meta)


def test_an_estimator_that_refuses_what_is_drawn_stops_the_run_with_its_reason(capsys):
    assert main([*COMMAND, "--problem", "maze", "--estimators", "vimco"]) == 2
    said = capsys.readouterr().err
    assert "diverged: vimco, seed 0, stopped at step 1: likelihoods[" in said
    assert said.count("\n") == 1


def test_an_exact_run_is_not_told_to_change_its_estimator():
    task = mx.tasks.Regression([[1.0], [2.0]], [1.0, 2.0], 1.0)
    with pytest.raises(Diverged, match=r"must be finite, got .*; a smaller learning rate may help"):
        mx.train(task, GaussianPolicy(MLP((1, 1)), 0.1), "exact_ml", steps=2000, optimiser=SGD(50.0))


def test_an_exact_gradient_learns_a_maze_whose_pass_rate_is_no_float():
    maze = mx.tasks.Maze(["S" + "." * 529 + "G"], horizon=530)
    result = mx.train(
        maze, SoftmaxPolicy(Tabular(maze.cells, 4)), "exact_ml", steps=3, optimiser=SGD(1.0), evaluate_every=1
    )
    values = result.values("exact_ml", "log_pass_rate")[0]
    assert (np.diff(values) > 1).all()


def test_an_error_that_is_no_argument_is_not_called_misuse(monkeypatch):
    monkeypatch.setattr(loop, "_piece", raising(ValueError("a bug")))
    with pytest.raises(ValueError, match="a bug"):
        main(COMMAND)


def test_json_names_the_preset_and_its_task(tmp_path):
    assert main([*COMMAND, "--problem", "regression", "--json", str(tmp_path / "a.json")]) == 0
    meta = json.loads((tmp_path / "a.json").read_text())["meta"]
    assert meta["preset"] == "regression"
    assert meta["task"] == "Regression(200 prompts, D = 1, sigma 0.5)"


@pytest.mark.parametrize("option", ["csv", "json", "figure", "checkpoint"])
def test_a_target_that_cannot_be_written_is_told_before_the_work(tmp_path, monkeypatch, capsys, option):
    monkeypatch.setattr(loop, "follow", raising(AssertionError("work")))
    folder = tmp_path / "folder.svg"
    folder.mkdir()
    assert main([*COMMAND, f"--{option}", str(folder)]) == 2
    assert f"--{option} {folder}: is not a regular file" in capsys.readouterr().err
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert main([*COMMAND, f"--{option}", str(folder / "a.svg")]) == 2
    assert f"the folder {str(folder)!r} cannot be written to" in capsys.readouterr().err


def test_a_figure_that_fails_leaves_the_numbers_and_no_half_a_figure(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(plots, "learning_curves", raising(OSError("the disk is full")))
    options = [text for name in ("csv", "json") for text in (f"--{name}", str(tmp_path / name))]
    assert main([*COMMAND, *options, "--figure", str(tmp_path / "a.svg")]) == 2
    assert "the disk is full" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["csv", "json"]


def raising(error):
    def function(*arguments, **options):
        raise error

    return function


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def kill_group(number):
    with suppress(ProcessLookupError):
        os.killpg(number, signal.SIGKILL)
