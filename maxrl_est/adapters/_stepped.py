"""What a framework computes of one batch, as a training step that `maxrl_est.steps.exact_step` can enumerate."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.steps import Batch, Step

_KEPT = 1 << 16  # answers to batches, of steps that are known to give the same again


def stepped(call: Callable[[Batch], Array], name: str, expression: str, *, adds: bool, constant: bool = False) -> Step:
    """A function of one batch of floats, to coefficients (B, N, L), as a step of batches (..., B, N), one by one.

    ``adds`` says that it has divided by the number of micro-batches, or by what it knows of the whole, itself;
    ``constant`` that the same batch has the same answer, which is then kept, since `exact_step` asks twice.
    """
    kept: dict[bytes, Array] = {}

    def answer(batch: Batch) -> Array:
        if not constant:
            return call(batch)
        key = digest(batch, *OF_POLICIES) + digest(batch.whole, *OF_POLICIES)
        if key not in kept:
            if len(kept) >= _KEPT:
                kept.clear()
            kept[key] = call(batch)
        return kept[key].copy()

    def answers(batch: Batch) -> Array:
        return np.stack([answers(one) for one in batch.each()]) if batch.rewards.ndim > 2 else answer(batch)

    def step(batch: Batch, /) -> Array:
        return answers(batch.map(_floats))

    made: Any = step
    made.__name__, made.__qualname__, made.adds = name, expression, adds
    found: Step = made
    return found


OF_POLICIES = ("ratios", "reference_ratios", "probabilities")


def digest(batch: Batch, *names: str) -> bytes:
    """The same for batches with the same rewards, tokens and prompts, and what else is named."""
    arrays = (batch.rewards, batch.mask, batch.groups, *(getattr(batch, name) for name in names))
    shape = repr((batch.mask.shape, batch.parts)).encode()
    return hashlib.blake2b(b"".join((shape, *(array.tobytes() for array in arrays))), digest_size=16).digest()


def rows_of(batch: Batch) -> slice:
    """The prompts of its whole that a micro-batch has; ValueError for what is no part of it."""
    whole, size = batch.whole, len(batch.rewards)
    for start in range(0, len(whole.rewards) - size + 1, size):
        rows = slice(start, start + size)
        same = (
            np.array_equal(getattr(batch, name), getattr(whole, name)[rows])
            for name in ("groups", "rewards", "mask", "probabilities", "ratios", "reference_ratios")
        )
        if all(same):
            return rows
    raise ValueError(f"batch must be a part of batch.whole, got prompts {batch.groups[:, 0].tolist()}")


def coefficients(derivative: Array, loss: float, batch: Batch) -> Array:
    """Coefficients (B, N, L) from the derivative of a loss by log-probabilities; ValueError where one is not finite."""
    rewards = batch.rewards.tolist()
    if not np.isfinite(loss):
        raise ValueError(f"loss must be finite, got {loss} for rewards {rewards}")
    if not np.isfinite(derivative).all():
        index = np.argwhere(~np.isfinite(derivative))[0]
        place = f"log_probs[{', '.join(map(str, index))}]"
        shown = f"{derivative[tuple(index)]} for rewards {rewards}"
        raise ValueError(f"the derivative of loss by {place} must be finite, got {shown}")
    return np.asarray(0.0 - derivative, dtype=np.float64)  # 0 and not -0 where nothing depends on a token


def _floats(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype == object else array
