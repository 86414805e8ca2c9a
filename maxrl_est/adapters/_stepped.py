"""What a framework computes of one batch, as a training step that `maxrl_est.steps.exact_step` can enumerate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.steps import Batch, Step


def stepped(call: Callable[[Batch], Array], name: str, expression: str, *, adds: bool) -> Step:
    """A function of one batch, to coefficients (B, N, L), as a step of batches (..., B, N): one after the other.

    ``adds`` says that it has divided by the number of micro-batches, or by what it knows of the whole, itself.
    """

    def step(batch: Batch, /) -> Array:
        if batch.rewards.ndim > 2:
            return np.stack([step(one) for one in batch.each()])
        return call(batch)

    made: Any = step
    made.__name__, made.__qualname__, made.adds = name, expression, adds
    found: Step = made
    return found


def floats(array: Array) -> Array:
    """Float64 numbers, of Fractions too."""
    return np.asarray(array, dtype=np.float64)


def finite_derivative(derivative: Array, loss: float, batch: Batch) -> Array:
    """Coefficients (B, N, L) from the derivative of a loss by log-probabilities; ValueError where one is not finite."""
    if not np.isfinite(loss):
        raise ValueError(f"loss must be finite, got {loss} for rewards {floats(batch.rewards).tolist()}")
    if not np.isfinite(derivative).all():
        index = np.argwhere(~np.isfinite(derivative))[0]
        place = f"log_probs[{', '.join(map(str, index))}]"
        shown = f"{derivative[tuple(index)]} for rewards {floats(batch.rewards).tolist()}"
        raise ValueError(f"the derivative of loss by {place} must be finite, got {shown}")
    return np.asarray(0.0 - derivative, dtype=np.float64)  # 0 and not -0 where nothing depends on a token
