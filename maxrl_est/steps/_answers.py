"""What a step answers to batches: one by one or many at once, in floats or Fractions, micro-batch by micro-batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Rational
from typing import Any

import numpy as np

from maxrl_est._arguments import at, words
from maxrl_est._arguments.protocols import Array
from maxrl_est.estimators._answers import fraction_of, real_numbers_of
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
        batch = batch.map(np.array)  # which a step may write to
        if self.stacks:
            found = [coefficients(self.step, batch, self.parts)]
        else:
            found = [coefficients(self.step, one, self.parts) for one in batch.each()]
        if self.exact and any(each.dtype != object for each in found):
            raise TypeError("step must return Fractions for Fractions, got floats")
        return found[0] if self.stacks else np.stack(found)

    def in_floats(self) -> Asked:
        """The same, asked with floats."""
        return replace(self, exact=False)


def asked(step: Step, batch: Batch, exact: Batch | None, parts: int = 1) -> Asked:
    """How a step is to be asked, seen on a stack of a few batches of floats and, where there are, of Fractions.

    A step that mixes the batches of a stack is given them one by one.
    """
    if not callable(step):
        raise TypeError(f"step must be a function of a Batch, got {words(step)}")
    few = _few(batch)
    batch = batch[few]
    once = Asked(step, parts, False, False)
    singly, again = once(batch), once(batch)
    if not agree(again, singly):
        index = tuple(np.argwhere(again != singly)[0])
        both = f"{again[index]} after {singly[index]} for rewards {batch.rewards[index[0]].tolist()}"
        raise ValueError(f"step must answer a batch as it did before, got {at('coefficients', index[1:])} = {both}")
    stacks = _same(lambda: replace(once, stacks=True)(batch), singly)
    if exact is None:
        return Asked(step, parts, stacks, False)
    fractions = Asked(step, parts, stacks, True)
    alike = _same(lambda: fractions(exact[few]).astype(np.float64), singly)
    return fractions if alike else fractions.in_floats()


def _few(batch: Batch) -> Array:
    """Which batches of a stack are asked about: from end to end, and some whose rewards are all the same."""
    rewards = batch.rewards.reshape(len(batch.rewards), -1)
    alike = np.flatnonzero((rewards == rewards[:, :1]).all(axis=1))
    spread = np.linspace(0, len(rewards) - 1, _FEW).astype(int)
    return np.unique(np.concatenate([spread, alike[: _FEW // 2], alike[-_FEW // 2 :]]))


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
    found = real_numbers_of("step", step(batch), "coefficients")
    if found.shape != batch.mask.shape:
        raise ValueError(f"step must return a coefficient for each token, shape {batch.mask.shape}, got {found.shape}")
    if found.dtype == object and all(isinstance(x, Rational) for x in found.flat):
        return np.asarray(np.frompyfunc(fraction_of, 1, 1)(found), dtype=object)
    found = found.astype(np.float64)
    if not np.isfinite(found).all():
        index = tuple(np.argwhere(~np.isfinite(found))[0])
        shown = batch.rewards[index[:-3]].astype(np.float64).tolist()
        raise ValueError(
            f"step must return finite {at('coefficients', index[-3:])}, got {found[index]} for rewards {shown}"
        )
    return found


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
