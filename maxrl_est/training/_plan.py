"""What a training is to do, and all that its result depends on."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Any

from maxrl_est._arguments import name_of, stable_repr, versions
from maxrl_est.objectives import Objective
from maxrl_est.training import _digests as digests
from maxrl_est.training._run import Run, Task


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """The runs, estimator by estimator; the order T of the J_T that is reported, None for n; steps; the test task."""

    runs: tuple[Run, ...]
    order: int | None
    steps: int
    evaluate_every: int
    test: Task | None

    @property
    def stops(self) -> tuple[int, ...]:
        """The steps at which runs are evaluated."""
        return (*range(0, self.steps, self.evaluate_every), self.steps)

    @property
    def objective(self) -> Objective:
        """J_T."""
        return Objective.maxrl(self.runs[0].n if self.order is None else self.order)

    @property
    def meta(self) -> dict[str, Any]:
        """What the result is made with, in words and numbers."""
        run = self.runs[0]
        return {
            "task": stable_repr(run.task),
            "test": None if self.test is None else stable_repr(self.test),
            "policy": stable_repr(run.policy),
            "estimators": list(dict.fromkeys(each.name for each in self.runs)),
            "n": run.n,
            "order": self.order,
            "steps": self.steps,
            "optimiser": name_of(run.optimiser),
            "batch": run.batch,
            "seeds": list(dict.fromkeys(each.seed for each in self.runs)),
            "evaluate_every": self.evaluate_every,
            "python": platform.python_version(),
            **versions("maxrl-est", "numpy"),
        }

    def identity(self) -> dict[str, Any]:
        """All that the result depends on: ``meta``, and digests of what functions do, which their names do not say."""
        first = self.runs[0]
        rows = {run.name: run.estimator for run in self.runs}
        shape, policy = (first.batch, first.n), first.policy
        return self.meta | {
            "digest of task": digests.task_digest(first.task, policy),
            "digest of test": None if self.test is None else digests.task_digest(self.test, policy),
            "digest of optimiser": digests.optimiser_digest(first.optimiser, policy.network.size),
            **{f"digest of estimator {name}": digests.estimator_digest(name, rows[name], shape) for name in rows},
        }
