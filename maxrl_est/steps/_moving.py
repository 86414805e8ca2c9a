"""Batches while the policy moves away from the one that drew them: each of a stack by parameters of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from maxrl_est._arguments import at, words
from maxrl_est._arguments.protocols import Array
from maxrl_est.problems import TokenLogits, Tokens
from maxrl_est.problems._tokens import rise
from maxrl_est.steps._answers import Asked
from maxrl_est.steps._batch import Batch
from maxrl_est.steps._draws import Draws


@dataclass(frozen=True, slots=True)
class Choices:
    """What the policy chose in the rollouts of one prompt: tokens without a choice have False and False."""

    chances: Array  # (d,)
    raised: Array  # (Q, N, d): of the kind whose chance rises with the logit
    lowered: Array  # (Q, N, d): of the other

    def at(self, by: Array) -> tuple[Array, Array]:
        """What chances of tokens are multiplied by, and their scores, both (Q, N, d), at logits moved by (Q, d)."""
        up, down = rise(self.chances, by), rise(1 - self.chances, -by)
        factors = np.where(self.raised, up[:, None], np.where(self.lowered, down[:, None], 1.0))
        chosen, other = self.chances * up, (1 - self.chances) * down
        return factors, np.where(self.raised, other[:, None], np.where(self.lowered, -chosen[:, None], 0.0))


@dataclass(frozen=True, slots=True)
class Moving:
    """A stack of batches, drawn by policies that then move: rollouts, rewards and mu stay."""

    batch: Batch
    prompts: tuple[Choices, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(Q, D): batches, and parameters of all prompts."""
        return len(self.batch.rewards), sum(len(choices.chances) for choices in self.prompts)

    def at(self, by: Array) -> tuple[Batch, list[Array]]:
        """The batches at parameters moved by (Q, D), and of each prompt the scores of tokens (Q, N, d)."""
        factors = np.ones(self.batch.mask.shape)
        scores = []
        for b, (choices, own) in enumerate(zip(self.prompts, self.split(by), strict=True)):
            factor, score = choices.at(own)
            factors[:, b, :, : factor.shape[-1]] = factor
            scores.append(score)
        batch = self.batch
        moved = replace(
            batch,
            ratios=batch.ratios * factors,
            reference_ratios=batch.reference_ratios * factors,
            probabilities=batch.probabilities * factors,
        )
        return moved, scores

    def updates(self, how: Asked, by: Array) -> Array:
        """What the step does next (Q, D): coefficients times scores of tokens, there."""
        batch, scores = self.at(by)
        found = how(batch)
        return np.concatenate(
            [(found[:, b, :, : own.shape[-1]] * own).sum(axis=1) for b, own in enumerate(scores)], axis=1
        )

    def split(self, values: Array) -> list[Array]:
        """Values (..., D) of each prompt's parameters (..., d)."""
        return np.split(values, np.cumsum([len(choices.chances) for choices in self.prompts])[:-1], axis=-1)


def moving(draws: Draws, numbers: Array) -> Moving:
    """The batches of some numbers (Q, B), in floats."""
    prompts = []
    for b, drawn in enumerate(draws.prompts):
        law = drawn.law
        assert isinstance(law, TokenLogits)  # `need_logits` was asked before
        places = np.arange(len(law.chances))
        own = law.token_scores[:, places, places].astype(np.float64)[drawn.groups[numbers[:, b]]]
        prompts.append(Choices(law.chances.astype(np.float64), own > 0, own < 0))
    return Moving(draws.batch(numbers, floats=True), tuple(prompts))


def need_logits(name: str, laws: Sequence[Tokens]) -> None:
    """TypeError unless each law has a logit for each token."""
    for index, law in enumerate(laws):
        if not isinstance(law, TokenLogits):
            rule = "a law with a logit for each token, problems.TokenChain or TokenBits"
            raise TypeError(f"{at(name, [index])} must be {rule}, got {words(law)}")
