"""Rules that see a whole batch of 0/1 rewards (B, N), and what they ascend, enumerated rollout by rollout."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction as F

import numpy as np

RATES = (F(1, 10), F(1, 2), F(4, 5))


def group_mean(r):
    return r.mean(axis=-1, keepdims=True)


def of_the_total(r):
    """Less the mean of the batch, over it: shipped MaxRL of all prompts together."""
    return (r - r.mean()) / (r.mean() if r.any() else 1)


def over_the_batch_mean(r):
    """Less the mean of the group, over that of the batch."""
    return (r - group_mean(r)) / (r.mean() if r.any() else 1)


def over_the_batch_variance(r):
    """Less the mean of the group, over the variance of the batch: what Fractions can have of a standard deviation."""
    variance = r.mean() * (1 - r.mean())
    return (r - group_mean(r)) / (variance if variance else 1)


def weighted_by_the_other_prompts(r):
    n = r.shape[-1]
    rloo = r - (r.sum(axis=-1, keepdims=True) - r) / (n - 1)
    return rloo * (r.sum() - r.sum(axis=-1, keepdims=True)) / n


def trl_batch(r):
    r = np.asarray(r, dtype=float)
    return (r - group_mean(r)) / (r.std() + 1e-4)


def reinforce_plus_plus(r):
    r = np.asarray(r, dtype=float)
    return (r - r.mean()) / (r.std() + 1e-8)


def reinforce_plus_plus_baseline(r):
    r = np.asarray(r, dtype=float)
    centred = r - group_mean(r)
    return (centred - centred.mean()) / (centred.std() + 1e-8)


COUPLED = [of_the_total, over_the_batch_mean, over_the_batch_variance, weighted_by_the_other_prompts]
BY_TOTAL = [of_the_total, reinforce_plus_plus]
CENTRED = [trl_batch, reinforce_plus_plus_baseline, over_the_batch_mean, over_the_batch_variance]


def mean_gradients(rule, rates, n):
    """E[(1/n) sum_i A_i S_i] of each prompt over grad p: all 2^(B n) outcomes, scores l - p of one logit a prompt."""
    found = [F(0)] * len(rates)
    for outcome in itertools.product((0, 1), repeat=len(rates) * n):
        batch = np.array([F(x) for x in outcome], dtype=object).reshape(len(rates), n)
        advantages = np.asarray(rule(batch))
        chance = math.prod(math.prod(p if x else 1 - p for x in row) for p, row in zip(rates, batch, strict=True))
        for x, p in enumerate(rates):
            found[x] += chance * sum(a * (l - p) for a, l in zip(advantages[x], batch[x], strict=True)) / n
    return [total / (p * (1 - p)) for total, p in zip(found, rates, strict=True)]
