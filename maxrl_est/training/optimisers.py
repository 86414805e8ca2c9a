"""Two optimisers, in the shape of optax: ``init(theta)`` and ``update(gradient of a loss, state, theta)``.

Whatever has these two methods serves in their place, ``optax.adamw(1e-3)`` for one. An update is what is added to the
parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from maxrl_est._arguments import finite, positive
from maxrl_est._arguments.protocols import FloatArray

__all__ = ["SGD", "Adam", "Optimiser"]


class Optimiser(Protocol):
    """What an optimiser has to be; its state is an array, or a tuple of states."""

    def init(self, params: FloatArray, /) -> Any:
        """Return the first state."""

    def update(self, updates: FloatArray, state: Any, params: FloatArray, /) -> tuple[Any, Any]:
        """Return what to add to the parameters (d,) for the gradient of a loss (d,), and the next state."""


@dataclass(frozen=True, slots=True)
class SGD:
    """Plain steepest descent: -learning_rate times the gradient of a loss.

    Not for objectives of unknown scale: the step is as large as the gradient says.

    Parameters
    ----------
    learning_rate : above 0

    >>> import maxrl_est as mx
    >>> mx.optimisers.SGD(0.1).update(np.array([2.0]), (), np.zeros(1))
    (array([-0.2]), ())
    """

    learning_rate: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "learning_rate", positive("learning_rate", self.learning_rate))

    def init(self, params: FloatArray, /) -> tuple[()]:
        """Return no state."""
        return ()

    def update(self, updates: FloatArray, state: tuple[()], params: FloatArray, /) -> tuple[FloatArray, tuple[()]]:
        """-learning_rate times the gradient."""
        return -self.learning_rate * updates, state


@dataclass(frozen=True, slots=True)
class Adam:
    """Adam (arXiv 1412.6980): each coordinate's mean gradient over the root of its mean square.

    It divides out the scale of the objective, so estimators of c J learn as those of J. Not for comparing step sizes.

    Parameters
    ----------
    learning_rate : above 0: the size of the first step in each coordinate
    b1, b2 : how much of the last means of gradients and of their squares is kept, in [0, 1)
    eps : above 0, added to the root

    >>> import maxrl_est as mx
    >>> adam = mx.optimisers.Adam(0.1)
    >>> adam.update(np.array([2.0]), adam.init(np.zeros(1)), np.zeros(1))[0].round(6).tolist()
    [-0.1]
    """

    learning_rate: float
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        for name in ("learning_rate", "eps"):
            object.__setattr__(self, name, positive(name, getattr(self, name)))
        for name in ("b1", "b2"):
            object.__setattr__(self, name, finite(name, getattr(self, name)))
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must lie in [0, 1), got {getattr(self, name)}")

    def init(self, params: FloatArray, /) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the number of steps, and means of gradients and of their squares."""
        return np.zeros(()), np.zeros_like(params), np.zeros_like(params)

    def update(self, updates: FloatArray, state: Any, params: FloatArray, /) -> tuple[FloatArray, Any]:
        """Return one step, with both means corrected for their start at zero."""
        count, mean, square = state
        count = count + 1
        mean = self.b1 * mean + (1 - self.b1) * updates
        square = self.b2 * square + (1 - self.b2) * updates**2
        first, second = mean / (1 - self.b1**count), square / (1 - self.b2**count)
        return -self.learning_rate * first / (np.sqrt(second) + self.eps), (count, mean, square)
