"""Whether the place of a rollout counts for a step: whether all batches have to be enumerated in every order."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.steps._answers import Asked, agree
from maxrl_est.steps._batch import Batch

_EVERY = 4  # branches of a prompt of which every order is tried
_TOKENS = 1_000_000  # in all that is asked again, but each batch once at least
_CALLS = 128  # of a step that takes one batch at a time, whose calls are dear: of so many batches at most, spread out


def symmetric(how: Asked, few: Batch, batches: Iterable[Batch], total: int, size: int) -> bool:
    """Whether, in all batches, exchanging branches of ``size`` neighbours exchanges their coefficients.

    ``batches`` are stacks of floats, ``total`` batches in all, and each is asked in at least one other order, or of a
    step that takes one at a time some of them; the ``few`` in many. The numbers of `Batch.branches` are of places and
    stay there: the first place has the first one.
    """
    how, orders = how.in_floats(), _orders(few.rewards.shape[-1], size)
    if not orders or not _alike(how, few, orders):
        return not orders
    apart = 1 if how.stacks else math.ceil(total / _CALLS)
    most = max(1, min(len(orders), _TOKENS // few.mask[0].size // total)) if how.stacks else 1
    turns = (np.roll(orders, -most * turn, axis=0)[:most] for turn in itertools.count())
    return all(_alike(how, batch[::apart], list(chosen)) for batch, chosen in zip(batches, turns, strict=False))


def _alike(how: Asked, batch: Batch, orders: list[Array]) -> bool:
    """Whether the answer to a stack of batches is the same in some orders."""
    expected = how(batch)
    for places in orders:
        moved = batch.map(lambda array, places=places: np.take(array, places, axis=2))  # type: ignore[misc]
        if not agree(how(replace(moved, branches=batch.branches)), np.take(expected, places, axis=2)):
            return False
    return True


def _orders(n: int, size: int) -> list[Array]:
    """Other orders of n rollouts in branches of ``size``: all, or some of which all are made."""
    rows = np.arange(n).reshape(-1, size)
    number = len(rows)
    if number <= _EVERY:
        return [rows[list(order)].ravel() for order in itertools.permutations(range(number))][1:]
    rng = np.random.default_rng(0)
    swapped = rows[[1, 0, *range(2, number)]]
    return [order.ravel() for order in (*(rng.permutation(rows) for _ in range(3)), np.roll(rows, 1, axis=0), swapped)]
