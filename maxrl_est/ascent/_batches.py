"""A rule that sees a whole batch, on rewards of a few values: the advantages in every batch that there can be."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np

from maxrl_est._typing import Array, Estimator, FloatArray
from maxrl_est.ascent._multisets import joined, multisets
from maxrl_est.measures._equivariant import exactly

_ROUNDING = 1e-5  # relative: what float32 may lose


def tables_of(rule: Estimator, prompts: int, n: int, values: tuple[Fraction, ...]) -> list[Array]:
    """Of each prompt b the advantage of a rollout of value x: axis b says who are its n - 1 others, the last one x.

    Each of shape (G, .., U, .., G, k), G groups of n and U multisets of n - 1; exact where all are Fractions.
    """
    k, counts = len(values), multisets(n, len(values))
    groups = np.array([np.repeat(np.array(values, dtype=object), row) for row in counts])
    rows = np.array(list(itertools.product(range(len(groups)), repeat=prompts)))
    advantages = _advantages(rule, groups[rows])  # (Q, B, n)
    row, first = joined(n - 1, k), np.cumsum(counts, axis=1) - counts
    place = first[row, np.arange(k)]
    found = []
    for b in range(prompts):
        of_batch = advantages[:, b].reshape(*[len(groups)] * prompts, n)
        found.append(np.moveaxis(np.moveaxis(of_batch, b, 0)[row, ..., place], (0, 1), (b, -1)))
    return found


def _advantages(rule: Estimator, batches: Array) -> Array:
    """Of each batch (Q, B, n), asked one at a time; refused where the order of the rollouts of a prompt counts."""
    floats = batches.astype(np.float64)
    found = np.stack([_answer(rule, batch) for batch in floats])
    reversed_ = np.stack([_answer(rule, batch[:, ::-1]) for batch in floats])[..., ::-1]
    differs = (abs(found - reversed_) > _ROUNDING * max(1.0, abs(found).max())).any(axis=(1, 2))
    if differs.any():
        given = floats[int(differs.argmax())].tolist()
        raise ValueError(f"rule must treat the rollouts of a prompt alike, but the order of {given} changes advantages")
    exact = [exactly(rule, batch) for batch in batches[:1]]
    exact += [exactly(rule, batch) for batch in batches[1:]] if exact[0] is not None else []
    return found if any(one is None for one in exact) else np.stack([one for one in exact if one is not None])


def _answer(rule: Estimator, batch: Array) -> FloatArray:
    got = np.asarray(rule(batch.copy()))
    if got.shape != batch.shape:
        raise ValueError(f"rule must return the shape of the batch, {batch.shape}, got {got.shape}")
    floats = got.astype(np.float64)
    if not np.isfinite(floats).all():
        raise ValueError(f"rule must be finite, got {floats.tolist()} for {batch.tolist()}")
    return floats
