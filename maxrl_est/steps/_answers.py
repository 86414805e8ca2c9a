"""What a step answers to batches: one by one or many at once, in floats or Fractions, micro-batch by micro-batch."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._arguments import at
from maxrl_est._arguments.protocols import Array
from maxrl_est.estimators._answers import real_numbers_of
from maxrl_est.steps._batch import Batch, Step

ROUNDING = 1e-6  # relative to the largest coefficient: more than float32 rounds, less than any fault
_FEW = 8  # batches on which it is seen whether a step takes many at once


@dataclass(frozen=True, slots=True)
class Asked:
    """A step and how it is asked: whether it takes many batches at once, and whether it computes with Fractions."""

    step: Step
    parts: int
    stacks: bool
    exact: bool

    def __call__(self, batch: Batch) -> Array:
        """Coefficients (Q, B, N, L) of a stack of batches: Fractions, or float64."""
        if self.stacks:
            return coefficients(self.step, batch, self.parts)
        return np.stack([coefficients(self.step, one, self.parts) for one in batch.each()])


def asked(step: Step, batch: Batch, exact: Batch | None, parts: int = 1) -> Asked:
    """How a step is to be asked, seen on a stack of a few batches of floats and, where there are, of Fractions.

    A step that mixes the batches of a stack is given them one by one.
    """
    few = np.unique(np.linspace(0, len(batch.rewards) - 1, _FEW).astype(int))
    batch = batch[few]
    singly = np.stack([coefficients(step, one, parts) for one in batch.each()])
    stacks = _same(lambda: coefficients(step, batch, parts), singly)
    if exact is None:
        return Asked(step, parts, stacks, False)
    fractions = Asked(step, parts, stacks, True)
    alike = _same(lambda: fractions(exact[few]).astype(np.float64), singly)
    rational = alike and all(isinstance(x, Fraction) for x in fractions(exact[few]).flat)
    return fractions if rational else Asked(step, parts, stacks, False)


def coefficients(step: Step, batch: Batch, parts: int = 1) -> Array:
    """What a step answers to a batch, or to micro-batches of it, side by side (..., B, N, L).

    Micro-batches are averaged, as by trainers that divide each one's loss by their number, unless the step has the
    attribute ``adds``: then it has divided by `Batch.parts`, or by what it knows of the whole, itself.
    """
    if parts == 1:
        return _coefficients(step, batch)
    found = np.concatenate([_coefficients(step, part) for part in batch.split(parts)], axis=-3)
    return found if getattr(step, "adds", False) else found / parts


def _coefficients(step: Step, batch: Batch) -> Array:
    found = real_numbers_of("step", step(batch))
    if found.shape != batch.mask.shape:
        raise ValueError(f"step must return a coefficient for each token, shape {batch.mask.shape}, got {found.shape}")
    if found.dtype == object and all(isinstance(x, Fraction | int) for x in found.flat):
        return np.asarray(np.frompyfunc(Fraction, 1, 1)(found), dtype=object)
    found = found.astype(np.float64)
    if not np.isfinite(found).all():
        index = np.argwhere(~np.isfinite(found))[0]
        shown = batch.rewards[tuple(index[:-3])].astype(np.float64).tolist()
        place = at("coefficients", index)
        raise ValueError(f"step must return finite {place}, got {found[tuple(index)]} for rewards {shown}")
    return found


def symmetric(step: Step, batch: Batch, size: int) -> bool:
    """Whether, in each of some batches, exchanging branches of ``size`` neighbours exchanges their coefficients."""
    rows = np.arange(batch.rewards.shape[-1]).reshape(-1, size)
    for order in (rows[::-1], np.roll(rows, 1, axis=0)):
        places = order.ravel()
        moved = batch.map(lambda array, places=places: np.take(array, places, axis=2))  # type: ignore[misc]
        found, expected = (np.stack([coefficients(step, one) for one in each.each()]) for each in (moved, batch))
        if not agree(found, np.take(expected, places, axis=2)):
            return False
    return True


def agree(found: Array, expected: Array) -> bool:
    """Whether coefficients are the same: Fractions at all, floats but for rounding."""
    if found.shape != expected.shape:
        return False
    apart = abs(found.astype(np.float64) - expected.astype(np.float64))
    return bool((apart <= ROUNDING * max(1e-30, float(abs(expected.astype(np.float64)).max(initial=0.0)))).all())


def _same(call: Any, expected: Array) -> bool:
    try:
        return agree(np.asarray(call()), expected)
    except Exception:  # of a step that takes no such batch, whatever it raises
        return False
