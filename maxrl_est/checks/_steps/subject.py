"""The training step that is checked, the small token policies it is tried on, and what it is held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction as F
from functools import cached_property
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.checks._subject import Remembering
from maxrl_est.objectives import Objective
from maxrl_est.problems import TokenBits, TokenChain, Tokens
from maxrl_est.steps import Batch, ExactStep, Step, exact_step
from maxrl_est.steps._answers import agree, coefficients

LAWS: Mapping[str, tuple[Tokens, Tokens]] = {
    # Two tokens each, of two kinds: no length plays a part. A hard prompt (1/6) and an easy one (2/3).
    "equal lengths": (
        TokenBits([F(1, 2), F(1, 3)], [[F(0), F(0)], [F(0), F(1)]]),
        TokenBits([F(1, 3), F(1, 2)], [[F(0), F(1)], [F(1), F(1)]]),
    ),
    # Right answers are long in the first, and in the second short or longest.
    "lengths": (
        TokenChain([F(1, 2), F(1, 3)], [F(0), F(1), F(0)]),
        TokenChain([F(1, 4), F(1, 2)], [F(1), F(0), F(1)]),
    ),
    # Right or wrong at the only token: rewards alone play a part.
    "one token": (TokenBits([F(1, 6)], [F(0), F(1)]), TokenBits([F(2, 3)], [F(0), F(1)])),
}
"""Pairs of prompts, a hard one and an easy one, in exact rationals."""

_ROUNDED = 1e-6  # degrees: of floats that are parallel but for rounding


@dataclass(frozen=True)
class StepSubject(Remembering):
    """What is being checked, and against what."""

    step: Step
    name: str
    objective: Objective | None  # None: a function of each prompt's pass rate, whichever
    n: int
    tolerance: float  # relative, and as an angle in radians
    siblings: int
    epochs: int

    @cached_property
    def _means(self) -> dict[Any, ExactStep]:
        return {}

    def mean(self, laws: str, *, prompts: Sequence[Tokens] | None = None, **options: Any) -> ExactStep:
        """The exact mean step on a pair of `LAWS`, with further arguments of `exact_step`; remembered.

        Other ``prompts`` may be given, and ``laws`` is then a name for them.
        """
        key = (laws, *((name, str(value)) for name, value in sorted(options.items())))
        if key not in self._means:
            given = {"objective": self.objective, "siblings": self.siblings, **options}
            self._means[key] = exact_step(self.step, prompts or LAWS[laws], self.n, **given)
        return self._means[key]

    def has_mean(self, laws: str) -> bool:
        """Whether the mean step on a pair of `LAWS` has been asked for, and there was one."""
        return (laws,) in self._means

    def __call__(self, batch: Batch, parts: int = 1) -> Array:
        """Coefficients of one batch (B, N, L), those of tokens: what a step returns after the end is 0."""
        return np.where(batch.mask, coefficients(self.step, batch, parts).astype(np.float64), 0.0)

    def reads(self, change: Callable[[Batch], Batch]) -> bool:
        """Whether a change of a batch changes any coefficient."""
        return not agree(self(change(self.mixed)), self(self.mixed))

    @cached_property
    def mixed(self) -> Batch:
        """Four prompts, two of them with failures and successes, one all failed, one all solved; lengths 1 to 4."""
        rewards = np.zeros((4, self.n))
        rewards[0, 0] = rewards[1, : self.n - 1] = rewards[3] = 1
        return self.batch(rewards, 1 + np.arange(4 * self.n).reshape(4, self.n) * 3 % 4)

    def batch(self, rewards: Any, lengths: Any = 2, width: int = 4) -> Batch:
        """A batch on policy of rewards (B, N) of responses of some lengths, whose siblings are neighbours."""
        shape = np.shape(rewards)
        mask = np.arange(width) < np.broadcast_to(lengths, shape)[..., None]
        branches = np.broadcast_to(np.arange(shape[1]) // self.siblings, shape)
        return Batch.of(rewards, mask, log_probs=-0.5, branches=branches)

    @property
    def learns(self) -> bool:
        """Whether any coefficient of the mixed batch is not 0."""
        return bool(self(self.mixed).any())


def in_degrees(*angles: float) -> str:
    """Angles as people read them: what rounding leaves of 0 is 0."""
    return " and ".join("0" if angle < _ROUNDED else f"{angle:.3g}" for angle in angles)


def percent(share: Any) -> str:
    """A share of the gradient as people read it: a short Fraction, else percent."""
    if isinstance(share, F) and len(str(share)) <= 5:
        return str(share)
    return f"{100 * float(share):.3g}%"
