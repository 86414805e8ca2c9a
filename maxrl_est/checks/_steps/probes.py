"""How coefficients answer to what a batch says of one rollout: the cause of what the means show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.checks._steps.subject import StepSubject
from maxrl_est.steps import Batch
from maxrl_est.steps._answers import agree

SMALL = 1e-4  # of a logarithm: more than the roundings of float32, and within the bounds of every trainer
CLOSE = 0.02  # by how much an exponent that is measured so may be off


def mixed(subject: StepSubject, lengths: Any = 3, **logs: Any) -> Batch:
    """Two prompts, the first with one success and the second with one failure, all of some lengths (2, n)."""
    rewards = np.zeros((2, subject.n))
    rewards[0, 0] = rewards[1, :-1] = 1
    tokens = np.broadcast_to(lengths, rewards.shape)
    return Batch.of(rewards, np.arange(tokens.max()) < tokens[..., None], log_probs=-0.5, **logs)


def answer(subject: StepSubject, batch: Batch) -> FloatArray:
    """Coefficients of a batch (B, N, L), in floats."""
    return np.asarray(subject(batch).astype(np.float64))


def chosen(coefficients: Array) -> tuple[int, int] | None:
    """The first rollout whose first coefficient is not 0, of the prompt that has most of them."""
    learnt = coefficients[..., 0] != 0
    prompt = int(learnt.sum(axis=-1).argmax())
    return (prompt, int(learnt[prompt].argmax())) if learnt.any() else None


def from_token_to_token(subject: StepSubject) -> bool:
    """Whether the coefficients of one response differ, of responses of the same length and ratios of 1."""
    found = answer(subject, mixed(subject))
    return bool(np.ptp(found, axis=-1).max() > subject.tolerance * abs(found).max())


def from_probabilities(subject: StepSubject) -> bool:
    """Whether the coefficients of one response go with the probabilities of its tokens."""
    batch = mixed(subject)
    likely = np.where(np.arange(batch.mask.shape[-1]) == 1, 0.3, batch.probabilities)
    return not agree(answer(subject, replace(batch, probabilities=likely)), answer(subject, batch))


def same(found: float, expected: float, tolerance: float = CLOSE) -> bool:
    """Whether a factor or exponent is what it would be."""
    return bool(abs(found - expected) <= tolerance)
