"""Train policies with several estimators and seeds, with the exact objective along the way."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import asdict
from importlib.metadata import version
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from maxrl_est import estimators as table
from maxrl_est._checkpoints import Checkpoint
from maxrl_est._typing import Estimator, FloatArray
from maxrl_est.estimators import SequentialEstimator
from maxrl_est.objectives import Objective
from maxrl_est.optimisers import Adam, Optimiser
from maxrl_est.policies import Policy
from maxrl_est.training.curves import Curve, Point, Training
from maxrl_est.training.run import Exact, Run, State, Task

EXACT = {"exact_rl": Objective.expected(), "exact_ml": None}

Choice = str | Objective | Estimator


def train(
    problem: Task,
    policy: Policy,
    estimator: Choice | Sequence[Choice],
    *,
    n: int = 16,
    order: int | None = None,
    steps: int = 1000,
    optimiser: Optimiser | None = None,
    batch: int | None = None,
    seeds: int | Sequence[int] = 1,
    evaluate_every: int | None = None,
    test: Task | None = None,
    executor: Executor | None = None,
    checkpoint: str | Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Training:
    """Ascend a task's objective with gradient estimates; the exact objective is reported along the way.

    Parameters
    ----------
    problem : the task: `problems.ContextualBandit`, `Regression`, `Maze`, or anything with their methods
    policy : of `maxrl_est.policies`, of the kind that the task needs
    estimator : one or several of: a name of `estimators.names`; an advantage function (B, N) -> (B, N);
        ``"exact_rl"`` or ``"exact_ml"``, the gradient of E p or E log p itself; an Objective, its gradient itself
    n : rollouts of each prompt in a step, N
    order : T of the names of the ustat family that have none of their own, and of the J_T that is reported; None: N
    optimiser : `optimisers.SGD`, `optimisers.Adam` (None: with learning rate 0.01), or one with optax's methods
    batch : prompts in a step, drawn without replacement; None: all
    seeds : their number, or the seeds. Estimators with the same seed share first parameters and batches
    evaluate_every : steps between two points of a curve; None: a twentieth of all
    test : a second task, whose pass rates are reported too
    executor : of `concurrent.futures`: runs go side by side. Changes no bit of the result as long as BLAS takes sums
        in the same order in all workers (one thread each)
    checkpoint : file to which all runs are saved every few seconds and however it ends, and from which they resume to
        the same bits; of a run with other arguments it is refused
    progress : told how far the runs are

    Raises
    ------
    ValueError, TypeError
        For bad arguments, before any work; `Diverged` with the step and the cause where a run cannot go on.

    >>> from maxrl_est.policies import Softmax, Table
    >>> from maxrl_est.problems import ContextualBandit
    >>> task = ContextualBandit.of_labels([0, 1], [3, 7], classes=10)
    >>> result = train(task, Softmax(Table(2, 10)), ["ustat_one", "exact_ml"], n=4, steps=40, optimiser=Adam(0.1))
    >>> for name in result.estimators:
    ...     print(name, result.values(name, "pass_rate")[0, [0, -1]].round(2))
    ustat_one [0.1  0.88]
    exact_ml [0.1  0.96]
    """
    optimiser = Adam(0.01) if optimiser is None else optimiser
    _counts({"n": n, "steps": steps, "batch": batch, "evaluate_every": evaluate_every, "order": order})
    chosen = [estimator] if isinstance(estimator, str | Objective) or callable(estimator) else list(estimator)
    numbers = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    _check(problem, policy, chosen, numbers, n, order, batch)
    every = max(1, steps // 20) if evaluate_every is None else evaluate_every
    size = len(problem) if batch is None else batch
    named = [_named(choice, n, order) for choice in chosen]
    if len({name for name, _ in named}) < len(named):
        raise ValueError(f"estimator is {[name for name, _ in named]}: no name twice")
    runs = [Run(problem, policy, name, row, n, size, optimiser, seed) for name, row in named for seed in numbers]
    configuration = {
        "problem": _digest([problem.log_pass_rates(policy, runs[0].start().theta, np.arange(len(problem)))]),
        "policy": repr(policy),
        "estimators": [name for name, _ in named],
        "first gradients": _digest([run.gradient(run.start().theta, 0) for run in runs]),
        "n": n,
        "order": order,
        "steps": steps,
        "optimiser": getattr(optimiser, "name", None) or _without_address(repr(optimiser)),
        "batch": size,
        "seeds": numbers,
        "evaluate every": every,
    }
    objective = Objective.maxrl(n if order is None else order)
    loop = _Loop(runs, [*range(0, steps, every), steps], objective, test, progress or (lambda _: None))
    loop.finish(executor, Checkpoint(checkpoint, configuration | _versions()) if checkpoint is not None else None)
    return Training(tuple(loop.curve(run) for run in range(len(runs))), configuration | _versions())


class _Loop:
    """Runs in pieces from one evaluation to the next; all that changes is in ``states`` and ``points``."""

    def __init__(
        self,
        runs: list[Run],
        stops: list[int],
        objective: Objective,
        test: Task | None,
        progress: Callable[[str], None],
    ) -> None:
        self.runs, self.stops, self.objective, self.test, self.progress = runs, stops, objective, test, progress
        self.states = [run.start() for run in runs]
        self.points: list[list[Point]] = [[] for _ in runs]

    def curve(self, index: int) -> Curve:
        run = self.runs[index]
        return Curve(run.name, run.seed, tuple(self.points[index]), self.states[index].theta)

    def finish(self, executor: Executor | None, checkpoint: Checkpoint | None) -> None:
        saved = checkpoint.load() if checkpoint else None
        if saved:
            self._restore(saved)
        try:
            if checkpoint:
                checkpoint.save(self._saved())  # tells before the work that the file cannot be written
            for index, state, point in self._in_processes(executor) if executor else self._in_turn():
                self.states[index] = state
                self.points[index].append(point)
                self._tell(index)
                if checkpoint and checkpoint.due:
                    checkpoint.save(self._saved())
        finally:
            if checkpoint:
                checkpoint.save(self._saved())

    def _in_turn(self) -> Iterator[tuple[int, State, Point]]:
        for stop in range(len(self.stops)):
            for index in range(len(self.runs)):
                if len(self.points[index]) == stop:
                    yield (index, *_piece(*self._task(index)))

    def _in_processes(self, executor: Executor) -> Iterator[tuple[int, State, Point]]:
        """Each run's next piece starts when its last one has come in."""
        waiting: dict[Future[tuple[State, Point]], int] = {}
        ready = [index for index, points in enumerate(self.points) if len(points) < len(self.stops)]
        try:
            while ready or waiting:
                waiting |= {executor.submit(_piece, *self._task(index)): index for index in ready}
                ready = []
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    index = waiting.pop(future)
                    yield (index, *future.result())
                    if len(self.points[index]) < len(self.stops):
                        ready.append(index)
        finally:
            for future in waiting:
                future.cancel()

    def _task(self, index: int) -> tuple[Run, State, int, Objective, Task | None]:
        return self.runs[index], self.states[index], self.stops[len(self.points[index])], self.objective, self.test

    def _tell(self, index: int) -> None:
        run, done = self.runs[index], sum(map(len, self.points))
        share = done / (len(self.runs) * len(self.stops))
        self.progress(f"{share:4.0%}  {run.name}, seed {run.seed}: step {self.states[index].step} of {self.stops[-1]}")

    def _saved(self) -> dict[str, Any]:
        runs = [
            {
                "step": state.step,
                "theta": state.theta.tolist(),
                "optimiser": _lists(state.optimiser),
                "points": [list(asdict(point).values()) for point in points],
            }
            for state, points in zip(self.states, self.points, strict=True)
        ]
        return {"runs": runs}

    def _restore(self, saved: dict[str, Any]) -> None:
        for index, run in enumerate(saved["runs"]):
            template = self.states[index].optimiser
            state = State(run["step"], np.array(run["theta"], dtype=np.float64), _like(template, run["optimiser"]))
            self.states[index], self.points[index] = state, [Point(*values) for values in run["points"]]


def _piece(run: Run, state: State, until: int, objective: Objective, test: Task | None) -> tuple[State, Point]:
    state = run.advance(state, until)
    p, log_p, value = _evaluate(run, run.task, state, objective)
    rollouts = 0 if isinstance(run.estimator, Exact) else state.step * run.batch * run.n
    tested = () if test is None else _evaluate(run, test, state, objective)[:2]
    return state, Point(state.step, rollouts, p, log_p, value, *tested)


def _evaluate(run: Run, task: Task, state: State, objective: Objective) -> tuple[float, float, float]:
    """Means of p, log p and J(p) over all prompts."""
    with np.errstate(over="ignore", invalid="ignore"):
        log_p = task.log_pass_rates(run.policy, state.theta, np.arange(len(task)))
    p = np.exp(log_p)
    run.need_finite("pass rates", p, state.step)  # log p may be -inf, but not NaN
    return float(p.mean()), float(log_p.mean()), float(objective.value(p).mean())


def _named(choice: Choice, n: int, order: int | None) -> tuple[str, Estimator | Exact]:
    if isinstance(choice, Objective):
        return f"exact {choice.name}", Exact(choice.name, choice)
    if not isinstance(choice, str):
        return str(getattr(choice, "name", None) or getattr(choice, "__name__", type(choice).__name__)), choice
    if choice in EXACT:
        return choice, Exact(choice, EXACT[choice])
    name = f"{choice}({order})" if order is not None and choice.startswith("ustat") and "(" not in choice else choice
    return name, table.get(name)


def _check(
    problem: Any, policy: Any, chosen: list[Any], seeds: list[Any], n: int, order: int | None, batch: int | None
) -> None:
    if not isinstance(policy, problem.needs):
        kind = type(problem).__name__
        raise TypeError(f"policy is a {type(policy).__name__}: a {kind} needs a {problem.needs.__name__}")
    if order is not None and order > n:
        raise ValueError(f"order is {order}: groups of n = {n} rollouts estimate orders up to {n}")
    if batch is not None and batch > len(problem):
        raise ValueError(f"batch is {batch}: the task has {len(problem)} prompts")
    if not chosen:
        raise ValueError("estimator is []: at least one")
    if not seeds:
        raise ValueError("seeds is empty: at least one")
    for index, seed in enumerate(seeds):
        if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
            raise ValueError(f"seeds[{index}] is {seed!r}: an int of at least 0")
    for choice in chosen:
        _, row = _named(choice, n, order)
        if isinstance(row, SequentialEstimator):
            raise ValueError(f"estimator is {row.name!r}: it draws as many rollouts as it wants, here there are n")
        if not isinstance(row, Exact):
            row(np.full((1, n), 0.5))  # refuses what it cannot do with groups of n


def _counts(given: dict[str, Any]) -> None:
    for name, value in given.items():
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} is {value!r}: it is an int of at least 1")


def _digest(arrays: list[FloatArray]) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()[:16]


def _without_address(text: str) -> str:
    return text.split(" at 0x")[0]


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in ("maxrl-est", "numpy")}}


def _lists(state: Any) -> Any:
    """An optimiser's state, an array or tuples of states, as JSON has it."""
    return [_lists(part) for part in state] if isinstance(state, tuple) else np.asarray(state).tolist()


def _like(template: Any, saved: Any) -> Any:
    """The state that `_lists` made a list of."""
    if not isinstance(template, tuple):
        return np.array(saved, dtype=np.asarray(template).dtype)
    parts = [_like(part, own) for part, own in zip(template, saved, strict=True)]
    return type(template)(*parts) if hasattr(template, "_fields") else tuple(parts)
