"""Train policies with several estimators and seeds, with the exact objective along the way."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import closing
from pathlib import Path

import numpy as np

from maxrl_est._arguments import at_most, callable_or_none, executor_or_none, path_or_none, whole
from maxrl_est.files.checkpoints import Checkpoint
from maxrl_est.objectives import Objective
from maxrl_est.training import _saving as saving
from maxrl_est.training._curves import Curve, Point, Training
from maxrl_est.training._plan import TrainingPlan
from maxrl_est.training._run import Run, State, Task
from maxrl_est.training._settings import Choice, check_task, optimiser_of, rows_of, seeds_of
from maxrl_est.training.optimisers import Optimiser
from maxrl_est.training.policies import Policy

_SECONDS = 2.0  # of work between two looks at signals and checkpoints: what an interruption costs at most

MOST_ROLLOUTS, MOST_STEPS = 10_000_000, 10**12  # of a prompt in a step, and of a run

Piece = tuple[int, State, Point | None]


def train(
    task: Task,
    policy: Policy,
    estimators: Choice | Sequence[Choice],
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

    Not for policies that a framework trains: parameters are one float64 vector in NumPy. To ask what an estimate is
    worth at a point of a training, give ``task.at(policy, theta)`` to `maxrl_est.exact_moments` and the like.

    Parameters
    ----------
    task : `tasks.ContextualBandit`, `tasks.Regression`, `tasks.Maze`, or anything with their methods
    policy : of `maxrl_est.policies`, of the kind that the task needs
    estimators : one or several of

        - a name of `maxrl_est.estimators.names`, or a row of that table
        - an advantage function of your own, likelihoods (B, N) -> advantages (B, N)
        - ``"exact_rl"`` or ``"exact_ml"``: the gradient of E p or of E log p itself
        - an `maxrl_est.Objective`: its gradient itself
    n : rollouts of each prompt in a step, N
    order : T of the reported J_T, and of the names of the ustat family that give none; None: N
    steps : how many updates each run makes
    optimiser : `optimisers.SGD`, `optimisers.Adam` (None: with learning rate 0.01), or one with optax's methods
    batch : prompts in a step, drawn without replacement; None: all
    seeds : their number, or the seeds. Estimators with the same seed share first parameters and batches
    evaluate_every : steps between two points of a curve; None: a twentieth of all
    test : a second task, whose pass rates are reported too
    executor : of ``concurrent.futures``, best `training.workers`, which leave Ctrl-C to this process: runs go side by
        side. Changes no bit of the result as long as BLAS takes sums in the same order in all workers (one thread each)
    checkpoint : file to which all runs are saved every few seconds and however the training ends, and from which they
        resume to the same bits. That of a run with another task, estimator, optimiser or other arguments is refused
    progress : told when the arguments are accepted and the work begins, and then how far the runs are

    Returns
    -------
    A `Training`: a curve for each estimator and seed.

    Raises
    ------
    TypeError, ValueError
        For arguments that are not as above, and for a checkpoint of another run, before any work.
    Diverged
        Where a run cannot go on, with its estimator, seed, step and the cause.

    >>> import maxrl_est as mx
    >>> task = mx.tasks.ContextualBandit.of_labels([0, 1], [3, 7], classes=10)
    >>> policy = mx.policies.SoftmaxPolicy(mx.policies.Tabular(2, 10))
    >>> print(mx.train(task, policy, ["rloo", "exact_ml"], n=4, steps=40, optimiser=mx.optimisers.Adam(0.1)))
    estimator  steps  rollouts  p       log p    J_4
    ---------  -----  --------  ------  -------  -------
    rloo       40     320       0.8933  -0.1137  -0.1137
    exact_ml   40     0         0.9612  -0.0395  -0.0395
    """
    check_task("task", task, policy)
    if test is not None:
        check_task("test", test, policy)
    n, steps = at_most("n", whole("n", n), MOST_ROLLOUTS), at_most("steps", whole("steps", steps), MOST_STEPS)
    order = None if order is None else whole("order", order, most=n)
    batch = len(task) if batch is None else whole("batch", batch, most=len(task))
    every = max(1, steps // 20) if evaluate_every is None else whole("evaluate_every", evaluate_every)
    optimiser, rows, numbers = optimiser_of(optimiser), rows_of(estimators, order, (batch, n)), seeds_of(seeds)
    runs = [Run(task, policy, name, rows[name], n, batch, optimiser, seed) for name in rows for seed in numbers]
    plan = TrainingPlan(tuple(runs), order, steps, every, test)
    return follow(
        plan,
        executor=executor_or_none("executor", executor),
        checkpoint=path_or_none("checkpoint", checkpoint),
        progress=callable_or_none("progress", progress),
    )


def follow(
    plan: TrainingPlan,
    *,
    executor: Executor | None = None,
    checkpoint: str | Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Training:
    """Do the work of `train`: FileError for the checkpoint, Diverged for the runs, no arguments left to refuse."""
    loop = _Loop(plan, progress or (lambda _: None))
    loop.progress(f"{0:4.0%}  {len(plan.runs)} runs of {plan.steps} steps")
    saved = Checkpoint(checkpoint, plan.identity()) if checkpoint is not None else None
    if saved:
        loop.resume(saved)
        saved.save(loop.saved())  # tells before the work that the file cannot be written
    try:
        with closing(loop.in_processes(executor) if executor else loop.in_turn()) as pieces:
            for piece in pieces:
                loop.take(*piece)
                if saved and saved.due:
                    saved.save(loop.saved())
    finally:
        if saved:
            saved.save(loop.saved())
    return Training(tuple(map(loop.curve, range(len(plan.runs)))), plan.meta)


class _Loop:
    """Runs in pieces that end at evaluations or when time is up; all that changes is in ``states`` and ``points``."""

    def __init__(self, plan: TrainingPlan, progress: Callable[[str], None]) -> None:
        self.runs, self.test, self.stops, self.objective = plan.runs, plan.test, plan.stops, plan.objective
        self.progress = progress
        self.states = [run.start() for run in plan.runs]
        self.points: list[list[Point]] = [[] for _ in plan.runs]

    def curve(self, index: int) -> Curve:
        run = self.runs[index]
        return Curve(run.name, run.seed, tuple(self.points[index]), self.states[index].theta)

    def saved(self) -> dict[str, object]:
        return saving.listed(self.states, self.points)

    def resume(self, checkpoint: Checkpoint) -> None:
        state = checkpoint.load()
        if state is None:
            return
        try:
            tested = self.test is not None
            self.states, self.points = saving.restored(state, self.states, self.stops, tested)
        except ValueError as error:
            raise checkpoint.damaged(str(error)) from error

    def in_turn(self) -> Generator[Piece, None, None]:
        """All runs to the first evaluation, then all to the second, and so on."""
        for stop in range(len(self.stops)):
            for index in range(len(self.states)):
                while len(self.points[index]) == stop:
                    yield (index, *_piece(*self._task(index)))

    def in_processes(self, executor: Executor) -> Generator[Piece, None, None]:
        """Each run's next piece starts when its last one has come in."""
        waiting: dict[Future[tuple[State, Point | None]], int] = {}
        ready = [index for index in range(len(self.states)) if self._unfinished(index)]
        try:
            while ready or waiting:
                waiting |= {executor.submit(_piece, *self._task(index)): index for index in ready}
                ready = []
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    index = waiting.pop(future)
                    yield (index, *future.result())
                    if self._unfinished(index):
                        ready.append(index)
        except BrokenExecutor:
            raise  # it fails what waits, and would never end if that were cancelled at the same time
        except BaseException:
            for future in waiting:
                future.cancel()
            raise

    def take(self, index: int, state: State, point: Point | None) -> None:
        self.states[index] = state
        if point:
            self.points[index].append(point)
        run, last = self.runs[index], self.stops[-1]
        share = sum(each.step for each in self.states) / (len(self.states) * last)
        self.progress(f"{share:4.0%}  {run.name}, seed {run.seed}: step {state.step} of {last}")

    def _unfinished(self, index: int) -> bool:
        return len(self.points[index]) < len(self.stops)

    def _task(self, index: int) -> tuple[Run, State, int, Objective, Task | None]:
        until = self.stops[len(self.points[index])]
        return self.runs[index], self.states[index], until, self.objective, self.test


def _piece(run: Run, state: State, until: int, objective: Objective, test: Task | None) -> tuple[State, Point | None]:
    """The state after some seconds, and the point if it has come to step ``until``."""
    state = run.advance(state, until, _SECONDS)
    if state.step < until:
        return state, None
    p, log_p, value = _evaluate(run, run.task, state, objective)
    tested = () if test is None else _evaluate(run, test, state, objective)[:2]
    return state, Point(state.step, state.rollouts, p, log_p, value, *tested)


def _evaluate(run: Run, task: Task, state: State, objective: Objective) -> tuple[float, float, float]:
    """Means of p, log p and J(p) over all prompts."""
    with np.errstate(over="ignore", invalid="ignore"):
        log_p = task.log_pass_rates(run.policy, state.theta, np.arange(len(task)))
    p = np.exp(log_p)
    run.need_finite("pass rates", p, state.step)  # log p may be -inf, but not NaN
    return float(p.mean()), float(log_p.mean()), float(objective.value(p).mean())
