"""How many rollouts each prompt gets, where pass rates are known."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from maxrl_est._arguments import at, at_most, listed, short, whole
from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.objectives import Objective, ObjectiveLike, check_rate, meant

MOST = 10**12  # rollouts: up to there single ones are told apart by floats
_NEAR = 1e-9  # of a gain: what is greater by more is so whatever rounds


def allocation(pass_rates: Sequence[Any], budget: int, objective: ObjectiveLike = None) -> list[int]:
    """The rollouts N_x of each prompt, of ``budget`` in all, that tell an objective's pass rates apart best.

    A pass rate's estimate from N_x rollouts has the variance p (1-p) / N_x, and an objective feels it w(p) times: so
    ``sum_x w(p_x)^2 p_x (1-p_x) / N_x`` is what the variance of sum_x J(p_x) is to first order, and exactly for weights
    that are held. It is least for N_x in proportion to ``w(p) sqrt(p (1-p))`` (Lagrange; Neyman's allocation), and of
    whole numbers, 1 at least, for those given here: each rollout goes where it takes off most.

    Not where pass rates are guesses: `until_successes` with k = 1 needs none, and costs w_cap(p) rollouts, so that a
    prompt is given what it weighs in J_cap.

    Parameters
    ----------
    pass_rates : p_x (X,), numbers in [0, 1]
    budget : rollouts in all, at least X and at most 10^12
    objective : an `Objective` whose w it is, an int for MaxRL of that order; None for log p, w = 1/p, which needs p > 0

    Returns
    -------
    N_x, a list of X ints of sum ``budget``

    Raises
    ------
    TypeError, ValueError
        Where an argument is not so.

    Source: J. Neyman, J. R. Statist. Soc. 97 (1934) 558.

    >>> allocation([0.01, 0.1, 0.5], 40)
    [28, 9, 3]
    >>> allocation([0.01, 0.1, 0.5], 40, Objective.expected())
    [5, 13, 22]
    """
    goal = None if objective is None else meant(objective)
    given = enumerate(listed("pass_rates", pass_rates, "rates"))
    sizes = np.array([_size(at("pass_rates", [x]), p, goal) for x, p in given])
    if not sizes.size:
        raise ValueError("pass_rates must have at least 1 pass rate, got none")
    budget = at_most("budget", whole("budget", budget, len(sizes)), MOST)
    largest = sizes.max()
    sizes = sizes / largest if largest else np.ones(len(sizes))
    counts: list[int] = _surely(sizes, budget).tolist()
    gains = [(-size / (n * (n + 1)), n, x) for x, (size, n) in enumerate(zip(sizes.tolist(), counts, strict=True))]
    heapq.heapify(gains)  # of one rollout more; the fewest first where equal
    for _ in range(budget - sum(counts)):
        _, n, x = gains[0]
        counts[x] = n + 1
        heapq.heapreplace(gains, (-sizes[x] / ((n + 1) * (n + 2)), n + 1, x))
    return counts


def _surely(sizes: FloatArray, budget: int) -> Array:
    """Rollouts (X,) that every prompt has by the time that the budget is spent, nearly all of it: by bisection.

    A prompt has those that gain more than the last rollout of all does, ``size / (n (n + 1)) > gain``.
    """
    low, high = -2 * math.log(budget + 1), 0.0  # logarithms of a gain that is too small, and of one that is not
    while high - low > _NEAR:
        middle = (low + high) / 2
        low, high = (low, middle) if _counts(sizes, middle).sum() <= budget else (middle, high)
    return _counts(sizes, high + _NEAR)


def _counts(sizes: FloatArray, gain: float) -> Array:
    """1, and one for each n with ``n (n + 1) < size / gain``."""
    return np.maximum(np.ceil(np.sqrt(sizes * math.exp(-gain) + 0.25) - 0.5), 1).astype(np.int64)


def _size(name: str, p: Any, objective: Objective | None) -> float:
    """w(p)^2 p (1-p): the variance of one rollout, as the objective feels it."""
    rate = check_rate(name, p)
    if objective is None and not p:
        raise ValueError(f"{name} must be above 0 for log p, got {p}: give an objective of finite order")
    weight = objective.weight(rate) if objective else 1 / rate if rate else math.inf
    size = weight * weight * rate * (1 - rate)
    if not math.isfinite(size):
        raise ValueError(f"{name} must not be as small for this objective, got {short(p)}")
    return size
