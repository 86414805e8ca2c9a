"""How many rollouts each prompt gets, where pass rates are known."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from typing import Any

from maxrl_est._arguments import at, is_number, listed, whole, words
from maxrl_est.objectives import Objective


def allocation(pass_rates: Sequence[Any], budget: int, objective: Objective | None = None) -> list[int]:
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
    budget : rollouts in all, at least X
    objective : whose w it is; None for log p, w = 1/p, which needs p > 0

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
    sizes = [
        _size(at("pass_rates", [x]), p, objective) for x, p in enumerate(listed("pass_rates", pass_rates, "rates"))
    ]
    if not sizes:
        raise ValueError("pass_rates must have at least 1 pass rate, got none")
    counts = [1] * len(sizes)
    gains = [(-size / 2, 1, x) for x, size in enumerate(sizes)]  # of a second rollout; the fewest first where equal
    heapq.heapify(gains)
    for _ in range(whole("budget", budget, len(sizes)) - len(sizes)):
        _, n, x = gains[0]
        counts[x] = n + 1
        heapq.heapreplace(gains, (-sizes[x] / ((n + 1) * (n + 2)), n + 1, x))
    return counts


def _size(name: str, p: Any, objective: Objective | None) -> float:
    """w(p)^2 p (1-p): the variance of one rollout, as the objective feels it."""
    if not is_number(p):
        raise TypeError(f"{name} must be a number in [0, 1], got {words(p)}")
    if not 0 <= p <= 1:
        raise ValueError(f"{name} must lie in [0, 1], got {p}")
    if objective is None and not p:
        raise ValueError(f"{name} must be above 0 for log p, got {p}: give an objective of finite order")
    weight = 1 / float(p) if objective is None else float(objective.weight(float(p)))
    size = weight * weight * float(p) * (1 - float(p))
    if not math.isfinite(size):
        raise ValueError(f"{name} must not be as small for this objective, got {p}")
    return size
