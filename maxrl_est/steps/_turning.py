"""Whether the mean step is a gradient: by how much its derivatives, one way round and the other, differ.

On policy the mean is sum_b P(b) g(b), so that its derivative by parameter i is the mean of S_i g_j, S the score of the
batch, and of what the scores of tokens do, which is symmetric: a token's score is a gradient. What is left over is
E[S_i g_j - S_j g_i], exactly. Rollouts of another policy, a reference, or probabilities that a step looks at, make the
coefficients depend on the policy as well: their change along each parameter is then measured, by differences of a step
that no float notices.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.steps._answers import Asked, agree
from maxrl_est.steps._batch import Batch
from maxrl_est.steps._draws import Draws
from maxrl_est.steps._updates import summed, updates

APART = 1e-4  # of a parameter: differences are then off by 1e-8, and lose 1e-12 to rounding


def turning_of(how: Asked, draws: Draws, few: Batch, off_policy: bool, reference: bool) -> Array:
    """(D, D), antisymmetric: derivative of the mean's entry j by parameter i, less that of i by j.

    Whether probabilities are looked at is seen on a ``few`` batches of floats.
    """
    total: Any = 0
    responds = off_policy or reference or _looks_at_probabilities(how.in_floats(), few)
    for numbers in draws.chunks():
        chances = draws.chances(numbers)
        if responds or not how.exact:
            chances = chances.astype(np.float64)
        if not off_policy:
            scores, found = draws.scores(numbers), updates(how, draws, numbers)
            if responds or not how.exact:
                scores, found = scores.astype(np.float64), found.astype(np.float64)
            total = total + (chances[:, None] * scores).T @ found
        if responds:
            total = total + _responses(how.in_floats(), draws, numbers, off_policy, reference)
    return np.asarray(total - total.T)


def _looks_at_probabilities(how: Asked, few: Batch) -> bool:
    """Whether a step answers otherwise where tokens have other probabilities, each by a factor of its own."""
    ways = np.where(few.mask, 0.1 * np.cos(np.arange(few.mask.size)).reshape(few.mask.shape) - 0.2, 0.0)
    return not agree(how(_moved(few, ways, False, False)), how(few))


def _responses(how: Asked, draws: Draws, numbers: Array, off_policy: bool, reference: bool) -> Array:
    """The mean of what each parameter (D,) changes in the update by changing coefficients: (D, D)."""
    batch, chances = draws.batch(numbers, floats=True), draws.chances(numbers).astype(np.float64)
    rows = []
    for b, drawn in enumerate(draws.prompts):
        outcomes = drawn.groups[numbers[:, b]]
        scores = np.zeros((*batch.mask.shape, drawn.law.token_scores.shape[2]))
        scores[:, b, :, : drawn.law.longest] = drawn.law.token_scores.astype(np.float64)[outcomes]
        for i in range(scores.shape[-1]):
            high, low = (how(_moved(batch, sign * APART * scores[..., i], off_policy, reference)) for sign in (1, -1))
            slope = (high - low) / (2 * APART)
            changed = [
                summed(slope[:, c], other.law, other.groups[numbers[:, c]]) for c, other in enumerate(draws.prompts)
            ]
            rows.append(chances @ np.concatenate(changed, axis=1))
    return np.array(rows)


def _moved(batch: Batch, logs: Array, off_policy: bool, reference: bool) -> Batch:
    """The batch under a policy whose log-probabilities have moved: rollouts and rewards stay."""
    factor = np.exp(logs)
    return replace(
        batch,
        ratios=batch.ratios * factor if off_policy else batch.ratios,
        reference_ratios=batch.reference_ratios * factor if reference else batch.reference_ratios,
        probabilities=batch.probabilities * factor,
    )
