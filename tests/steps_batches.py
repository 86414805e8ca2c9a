"""Batches with lengths, ratios and references at random, and the two chains that steps are judged on."""

from fractions import Fraction as F

import numpy as np

from maxrl_est.problems import TokenChain
from maxrl_est.steps import Batch

HARD = TokenChain([F(1, 2), F(1, 3), F(1, 4)], [F(0), F(1, 8), F(1, 4), F(1, 2)])
EASY = TokenChain([F(1, 4), F(1, 2), F(1, 3)], [F(1, 2), F(3, 4), F(1, 2), F(7, 8)])


def random_batch(seed, prompts=2, size=2, longest=4, *, off_policy=True, binary=False):
    """One batch; ratios are wide enough that some are cut off."""
    rng = np.random.default_rng(seed)
    shape = (prompts, size)
    lengths = rng.integers(1, longest + 1, shape)
    lengths[0, 0] = longest
    mask = np.arange(longest) < lengths[..., None]
    rewards = rng.integers(0, 2, shape).astype(float) if binary else rng.random(shape)
    apart = 0.4 if off_policy else 0.0
    return Batch.of(
        rewards,
        mask.astype(int),
        log_ratios=apart * rng.standard_normal(mask.shape),
        log_reference_ratios=apart * rng.standard_normal(mask.shape),
        log_probs=-2 * rng.random(mask.shape),
    )
