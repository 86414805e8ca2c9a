"""Of which population prompts are drawn: the chance and the pass rate of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from maxrl_est._arguments import at, listed, words
from maxrl_est._arguments.protocols import Array, Problem
from maxrl_est.problems._finite import check_sum, numbers
from maxrl_est.problems._laws import law

Population = Sequence[tuple[Any, Any]] | Problem


def prompts_of(population: Population) -> tuple[Array, Array]:
    """Probabilities (X,) and pass rates (X,) of the prompts of a population, Fractions where these are.

    >>> [x.tolist() for x in prompts_of([(0.25, 0.1), (0.75, 0.5)])]
    [[0.25, 0.75], [0.1, 0.5]]
    """
    of_law = hasattr(population, "prompts") or hasattr(population, "log_pass_rates")
    pairs = _of_problem(population) if of_law else _of_pairs(population)
    probabilities = numbers("probabilities of population", [weight for weight, _ in pairs])
    check_sum("probabilities of population", probabilities)
    return probabilities, numbers("pass rates of population", [rate for _, rate in pairs])


def _of_problem(problem: Any) -> list[tuple[Any, Any]]:
    """The prompts of a law, whose pass rates are chances of success only where likelihoods are 0 and 1."""
    pairs = []
    for weight, prompt in law(problem, "population").prompts:
        values: Array | None = getattr(prompt, "likelihoods", None)
        if values is None or not np.isin(values, (0, 1)).all():
            raise ValueError(f"population must have likelihoods 0 and 1 alone, got {words(prompt)}")
        pairs.append((weight, prompt.pass_rate))
    return pairs


def _of_pairs(population: Any) -> list[Any]:
    """The pairs as they are, each checked to be one."""
    what = "two numbers, a probability and a pass rate"
    pairs = listed("population", population, "pairs (probability, pass rate), or a problem")
    for index, pair in enumerate(pairs):
        name = at("population", [index])
        if len(listed(name, pair, what)) != 2:
            raise ValueError(f"{name} must be {what}, got {words(pair)}")
    return pairs
