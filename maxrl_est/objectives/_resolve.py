"""What callers give for an objective, and what is meant."""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Any, TypeAlias

from maxrl_est._arguments import at_most, is_int, short, whole, words
from maxrl_est.objectives._expansion import Expansion, in_other_powers
from maxrl_est.objectives._objective import LONGEST, Objective

ObjectiveLike: TypeAlias = Objective | int | None
"""How callers say what is ascended: an int T is MaxRL of order T, None is MaxRL of the largest order there can be."""


def resolve(objective: ObjectiveLike, size: int, largest: int) -> Objective | None:
    """The objective that a caller means, for groups of N = size that admit orders up to ``largest``.

    None is MaxRL of the largest order, in whatever way it was asked for; ValueError for orders above it.
    """
    if objective is None:
        return None
    order = order_of(objective)
    if order > largest:
        raise ValueError(
            f"objective must be of order T <= {largest} for groups of N = {size}, got T = {short(order)}: no unbiased "
            f"estimate exists, since expectations of so few rollouts are polynomials of lower degree"
        )
    if not isinstance(objective, Objective):
        return None if order == largest else _maxrl(order)
    return None if order == largest and objective == _maxrl(order) else objective


@functools.lru_cache(maxsize=8)
def _maxrl(order: int) -> Objective:
    return Objective.maxrl(order)


def objective_of(found: Expansion) -> Objective:
    """The objective of an expansion in floats, as `Objective.expansion` gives it, again; without its name.

    >>> objective_of(Objective.all_of(3).expansion) == Objective.all_of(3)
    True
    """
    exact = map(Fraction, found.coefficients.tolist())
    return Objective.from_coefficients(in_other_powers(exact) if found.successes else found.coefficients)


def meant(objective: Objective | int) -> Objective:
    """The objective, MaxRL of that order where an int stands for it; TypeError or ValueError for all else."""
    order = order_of(objective)
    return objective if isinstance(objective, Objective) else Objective.maxrl(order)


def need_objective(objective: Any) -> Objective:
    """The objective, where no int stands for one; TypeError for all else."""
    if not isinstance(objective, Objective):
        rule = "an Objective, such as maxrl_est.Objective.expected()"
        raise TypeError(f"objective must be {rule}, got {words(objective)}")
    return objective


def order_of(objective: Objective | int) -> int:
    """The order T of an objective, or of MaxRL where an int stands for it; TypeError or ValueError for all else."""
    if isinstance(objective, Objective):
        return objective.order
    if not is_int(objective):
        raise TypeError(f"objective must be an Objective, an int (the order of MaxRL) or None, got {words(objective)}")
    return at_most("objective", whole("objective", objective), LONGEST)
