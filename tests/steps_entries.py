"""What an entry of the tables of right and wrong training steps is, and the few pieces that entries share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction as F
from typing import Any

import numpy as np

import maxrl_est as mx

RL = mx.Objective.expected()
MAXRL = mx.Objective.maxrl


@dataclass(frozen=True)
class Wrong:
    """A step with a fault, the check that must find it, and words that its message must have."""

    step: Callable[[Any], Any]
    check: str
    words: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    status: str = "failed"


@dataclass(frozen=True)
class Right:
    """A step that no check may fail."""

    step: Callable[[Any], Any]
    why: str
    options: Mapping[str, Any] = field(default_factory=dict)


def others(r):
    """The mean of the other rollouts of each prompt."""
    return (r.sum(-1, keepdims=True) - r) * F(1, r.shape[-1] - 1) if r.dtype == object else _others(r)


def _others(r):
    return (r.sum(-1, keepdims=True) - r) / (r.shape[-1] - 1)


def rloo(r):
    return r - others(r)


def loo_maxrl(r):
    """MaxRL's weights of the others, without a baseline."""
    r = r.astype(float)
    return mx.loo_weights(r, 2) * r


def grpo(r):
    """Less the mean, over the standard deviation, both of the group."""
    r = r.astype(float)
    return (r - r.mean(-1, keepdims=True)) / (r.std(-1, keepdims=True) + 1e-9)


def shipped(r):
    """MaxRL as it is shipped: less the mean of the group, over it."""
    r = r.astype(float)
    mean = r.mean(-1, keepdims=True)
    return (r - mean) / np.where(abs(mean) > 1e-9, mean, 1)


def summed(advantages, batch):
    """Coefficients of (..., B, N) advantages, the same for every token, over the number of rollouts."""
    prompts, n = batch.rewards.shape[-2:]
    return (
        advantages[..., None] * batch.mask / F(prompts * n)
        if advantages.dtype == object
        else (advantages[..., None] * batch.mask / (prompts * n))
    )


def step_of(advantage, weigh=None):
    """The step that sums tokens, with a rule of rewards (..., B, N) and factors of a batch, if there are any."""

    def step(batch):
        found = summed(advantage(batch.rewards), batch)
        return found if weigh is None else found * weigh(batch)

    return step


def whole_ratio(batch):
    """pi/mu of each response, at each of its tokens."""
    return np.where(batch.mask, batch.ratios, 1).prod(axis=-1, keepdims=True)


def by_log(values, batch):
    """Sums over the tokens of each response (..., B, N)."""
    return np.where(batch.mask, values, 0).sum(axis=-1)
