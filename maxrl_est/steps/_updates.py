"""Updates of batches: coefficients times the scores of their tokens."""

from __future__ import annotations

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.problems import Tokens
from maxrl_est.steps._answers import Asked
from maxrl_est.steps._draws import Draws


def updates(how: Asked, draws: Draws, numbers: Array) -> Array:
    """The update of each batch (Q, D): coefficients times scores of tokens, summed within each prompt."""
    found = how(draws.batch(numbers, floats=not how.exact))
    return np.concatenate(
        [summed(found[:, b], drawn.law, drawn.groups[numbers[:, b]]) for b, drawn in enumerate(draws.prompts)], axis=1
    )


def summed(found: Array, law: Tokens, outcomes: Array) -> Array:
    """Coefficients (Q, N, L) times the scores of tokens of outcomes (Q, N): (Q, d)."""
    scores = law.token_scores if found.dtype == object else law.token_scores.astype(np.float64)
    parts = []
    for i in range(scores.shape[2]):
        places = np.flatnonzero((scores[:, :, i] != 0).any(axis=0))
        of_tokens = scores[:, places, i][outcomes]  # (Q, N, tokens that have a score)
        parts.append((found[..., places] * of_tokens).sum(axis=(1, 2)))
    return np.stack(parts, axis=1)
