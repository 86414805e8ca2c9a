"""What a training is to do: its arguments, all checked before any work."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from maxrl_est import estimators as table
from maxrl_est._arguments import whole
from maxrl_est._typing import Estimator
from maxrl_est.estimators import SequentialEstimator
from maxrl_est.objectives import Objective
from maxrl_est.training import digests
from maxrl_est.training.optimisers import Adam, Optimiser
from maxrl_est.training.policies import Policy
from maxrl_est.training.run import Exact, Run, Task, advantages_of

EXACT = {"exact_rl": Objective.expected(), "exact_ml": None}

Choice = str | Objective | Estimator


@dataclass(frozen=True, slots=True)
class Plan:
    """Runs, the steps ``stops`` at which they are evaluated, the objective J_T that is reported, and the test task.

    ``meta`` says in words and numbers what the result is made with.
    """

    runs: tuple[Run, ...]
    stops: tuple[int, ...]
    objective: Objective
    test: Task | None
    meta: dict[str, Any]

    def identity(self) -> dict[str, Any]:
        """All that the result depends on: ``meta``, and digests of what functions do, which their names do not say."""
        first = self.runs[0]
        rows = {run.name: run.estimator for run in self.runs}
        shape, policy = (first.batch, first.n), first.policy
        return self.meta | {
            "digest of problem": digests.task_digest(first.task, policy),
            "digest of test": None if self.test is None else digests.task_digest(self.test, policy),
            "digest of optimiser": digests.optimiser_digest(first.optimiser, policy.network.size),
            **{f"digest of estimator {name}": digests.estimator_digest(name, rows[name], shape) for name in rows},
        }


def plan(
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
) -> Plan:
    """Return the plan of `train` with these arguments; ValueError or TypeError for bad ones."""
    n, steps = whole("n", n), whole("steps", steps)
    order = None if order is None else whole("order", order)
    _check_task("problem", problem, policy)
    if test is not None:
        _check_task("test", test, policy)
    size = len(problem) if batch is None else whole("batch", batch)
    every = max(1, steps // 20) if evaluate_every is None else whole("evaluate_every", evaluate_every)
    if order is not None and order > n:
        raise ValueError(f"order is {order}: groups of n = {n} rollouts estimate orders up to {n}")
    if size > len(problem):
        raise ValueError(f"batch is {batch}: the task has {len(problem)} prompts")
    optimiser = _optimiser(optimiser)
    rows, numbers = _rows(estimator, order, (size, n)), _seeds(seeds)
    runs = [Run(problem, policy, name, row, n, size, optimiser, seed) for name, row in rows for seed in numbers]
    meta = {
        "problem": _words(problem),
        "test": None if test is None else _words(test),
        "policy": _words(policy),
        "estimators": [name for name, _ in rows],
        "n": n,
        "order": order,
        "steps": steps,
        "optimiser": getattr(optimiser, "name", None) or _words(optimiser),
        "batch": size,
        "seeds": numbers,
        "evaluate_every": every,
        "python": platform.python_version(),
        **{name: version(name) for name in ("maxrl-est", "numpy")},
    }
    stops, objective = (*range(0, steps, every), steps), Objective.maxrl(n if order is None else order)
    return Plan(tuple(runs), stops, objective, test, meta)


def _check_task(argument: str, task: Any, policy: Any) -> None:
    for method in ("__len__", "check", "sample", "weighted_score", "log_pass_rates", "weighted_gradient"):
        if not callable(getattr(task, method, None)):
            raise TypeError(f"{argument} is {_words(task)}: a task has the method {method}")
    try:
        task.check(policy)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{argument}: {error}") from None


def _optimiser(given: Any) -> Optimiser:
    optimiser: Optimiser = Adam(0.01) if given is None else given
    if not (callable(getattr(optimiser, "init", None)) and callable(getattr(optimiser, "update", None))):
        raise TypeError(f"optimiser is {_words(given)}: it has the methods init and update, such as Adam(0.01)")
    return optimiser


def _rows(estimator: Any, order: int | None, shape: tuple[int, int]) -> list[tuple[str, Estimator | Exact]]:
    """Names and estimators, each of which has taken likelihoods (B, n) of that shape."""
    several = isinstance(estimator, Iterable) and not isinstance(estimator, str)
    rows = [_named(choice, order) for choice in (estimator if several else [estimator])]
    if not rows:
        raise ValueError("estimator is []: at least one")
    names = [name for name, _ in rows]
    if len(set(names)) < len(names):
        raise ValueError(f"estimator is {names}: no name twice")
    for name, row in rows:
        if isinstance(row, SequentialEstimator):
            raise ValueError(f"estimator is {name!r}: it draws as many rollouts as it wants, here there are n")
        if not isinstance(row, Exact):
            _check_estimator(name, row, shape)
    return rows


def _check_estimator(name: str, row: Any, shape: tuple[int, int]) -> None:
    if not callable(row):
        raise TypeError(f"estimator is {_words(row)}: a name, an Objective, or a function of likelihoods (B, N)")
    with np.errstate(all="ignore"):
        advantages_of(name, row, np.ones(shape))  # all that succeed are both 0/1 and graded


def _named(choice: Any, order: int | None) -> tuple[str, Estimator | Exact]:
    if isinstance(choice, Objective):
        return f"exact {choice.name}", Exact(choice.name, choice)
    if not isinstance(choice, str):
        return str(getattr(choice, "name", None) or getattr(choice, "__name__", type(choice).__name__)), choice
    if choice in EXACT:
        return choice, Exact(choice, EXACT[choice])
    name = f"{choice}({order})" if order is not None and choice.startswith("ustat") and "(" not in choice else choice
    return name, table.get(name)


def _seeds(given: Any) -> list[int]:
    if not isinstance(given, Iterable):
        return list(range(whole("seeds", given)))
    seeds = [whole(f"seeds[{index}]", seed, 0) for index, seed in enumerate(given)]
    if not seeds:
        raise ValueError("seeds is empty: at least one")
    for index, seed in enumerate(seeds):
        if seed in seeds[:index]:
            raise ValueError(f"seeds[{index}] is {seed}, as seeds[{seeds.index(seed)}]: no seed counts twice")
    return seeds


def _words(thing: Any) -> str:
    """Its repr without addresses, which change from process to process."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(thing))
