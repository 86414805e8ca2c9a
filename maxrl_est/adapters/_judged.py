"""What a framework computes from likelihoods, as a function that `check_estimator` and `effective_weight` can judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array, Estimator
from maxrl_est.estimates.groups import groups_of

Ragged = Callable[[list[Array]], list[Array]]


def judged(call: Callable[[Array], Array], name: str, expression: str, ragged: Ragged | None = None) -> Estimator:
    """A function of float64 arrays (B, N) to advantages (B, N) as one of likelihoods (..., N).

    Reports say ``name`` of it, and reproduce what failed with ``expression``. ``ragged``, of float64 arrays (N_b,) to
    advantages (N_b,), is there where the framework has groups of different sizes: the estimator's own ``ragged`` takes
    likelihoods for it, and is None where it is. ValueError for advantages of another shape.
    """

    def estimator(likelihoods: Array, /) -> Array:
        groups = groups_of(likelihoods)
        given = groups.values.astype(np.float64)
        found = call(given)
        _need_shape(name, found, given)
        return found.reshape(*groups.batch, groups.size)

    def of_ragged(likelihoods: Sequence[Array]) -> list[Array]:
        given = [groups_of(group).values.astype(np.float64).reshape(-1) for group in likelihoods]
        assert ragged is not None
        found = ragged(given)
        for got, group in zip(found, given, strict=True):
            _need_shape(name, got, group)
        return found

    made: Any = estimator
    made.__name__, made.__qualname__ = name, expression
    made.ragged = of_ragged if ragged else None
    judge: Estimator = made
    return judge


def _need_shape(name: str, found: Array, given: Array) -> None:
    if found.shape != given.shape:
        raise ValueError(f"{name} must return advantages of shape {given.shape}, got {found.shape}")


def in_turns(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """The rollouts (group, number) of groups of these sizes in the order of a batch: by turns, back and forth.

    Groups are neither blocks of the batch nor rows at equal distances, unless there is but one: what finds groups by
    their places finds wrong ones.

    >>> in_turns([2, 3])
    [(0, 0), (1, 0), (1, 1), (0, 1), (1, 2)]
    """
    rows: list[tuple[int, int]] = []
    for number in range(max(sizes, default=0)):
        turn = [(group, number) for group, size in enumerate(sizes) if size > number]
        rows += turn if number % 2 == 0 else turn[::-1]
    return rows
