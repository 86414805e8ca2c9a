"""What the arguments of `train` have to be, beyond numbers: tasks, optimisers, estimators and seeds."""

from __future__ import annotations

from typing import Any

import numpy as np

from maxrl_est._arguments import at_most, different, name_of, seed_of, several, whole, words
from maxrl_est._arguments.protocols import Estimator
from maxrl_est.estimators import SequentialEstimator, chosen
from maxrl_est.objectives import Objective
from maxrl_est.training._run import Exact, advantages_of
from maxrl_est.training.optimisers import Adam, Optimiser

EXACT = {"exact_rl": Objective.expected(), "exact_ml": None}

MOST_SEEDS = 1_000_000
Choice = str | Objective | Estimator


def check_task(argument: str, task: Any, policy: Any) -> None:
    """TypeError or ValueError unless it is a task that this policy fits."""
    rule = f"{argument} must be a task, such as those of maxrl_est.tasks"
    if hasattr(task, "prompts"):
        raise TypeError(f"{rule}, got the law {words(task)}: maxrl_est.moments and the like take laws")
    for method in ("__len__", "check", "sample", "weighted_score", "log_pass_rates", "weighted_gradient"):
        if not callable(getattr(task, method, None)):
            raise TypeError(f"{rule}, with a method {method}, got {words(task)}")
    try:
        task.check(policy)
    except (ValueError, TypeError) as error:
        if argument == "task":
            raise
        raise type(error)(f"{argument} must be a task that the policy fits: {error}") from None


def optimiser_of(given: Any) -> Optimiser:
    """The optimiser; `Adam` with learning rate 0.01 for None."""
    optimiser: Optimiser = Adam(0.01) if given is None else given
    if not (callable(getattr(optimiser, "init", None)) and callable(getattr(optimiser, "update", None))):
        raise TypeError(f"optimiser must have methods init and update, as Adam(0.01) has, got {words(given)}")
    return optimiser


def rows_of(estimators: Any, order: int | None, shape: tuple[int, int]) -> dict[str, Estimator | Exact]:
    """Estimators by their names, each of which has taken likelihoods (B, n) of that shape."""
    listed = several(estimators)
    rows: dict[str, Estimator | Exact] = {}
    for index, choice in enumerate(estimators if listed else [estimators]):
        argument = f"estimators[{index}]" if listed else "estimators"
        name, row = _named(argument, choice, order)
        if name in rows:
            raise ValueError(f"{argument} must have a name of its own, got {name!r} again")
        if not isinstance(row, Exact):
            with np.errstate(all="ignore"):
                advantages_of(name, row, np.ones(shape))  # all that succeed are both 0/1 and graded
        rows[name] = row
    if not rows:
        raise ValueError("estimators must have at least 1 estimator, got none")
    return rows


def _named(argument: str, choice: Any, order: int | None) -> tuple[str, Estimator | Exact]:
    if isinstance(choice, Objective):
        return f"exact {choice.name}", Exact(choice)
    if not isinstance(choice, str):
        if not callable(choice):
            rule = "a name, an Objective or a function of likelihoods (B, N)"
            raise TypeError(f"{argument} must be {rule}, got {words(choice)}")
        return name_of(choice), _of_groups(argument, choice)
    if choice in EXACT:
        return choice, Exact(EXACT[choice])
    ordered = order is not None and choice.startswith("ustat") and "(" not in choice
    name = f"{choice}({order})" if ordered else choice
    return name, _of_groups(argument, chosen(name, argument))


def _of_groups(argument: str, row: Any) -> Estimator:
    if isinstance(row, SequentialEstimator):
        raise ValueError(
            f"{argument} must take groups of n rollouts, got {row.name!r}, which draws as many as it needs"
        )
    function: Estimator = row
    return function


def seeds_of(given: Any) -> list[int]:
    """The seeds: those given, or that many from 0."""
    if not several(given):
        return list(range(at_most("seeds", whole("seeds", given), MOST_SEEDS)))
    seeds = [seed_of(f"seeds[{index}]", seed) for index, seed in enumerate(given)]
    if not seeds:
        raise ValueError("seeds must have at least 1 seed, got none")
    different("seeds", seeds)
    return seeds
