"""A rule that sees a whole batch, on rewards of a few values: the advantages in every batch that there can be."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np

from maxrl_est._arguments import short
from maxrl_est._arguments.protocols import Array, Estimator, FloatArray
from maxrl_est.ascent._multisets import count, joined, multisets
from maxrl_est.estimators._answers import answer, differs, orders
from maxrl_est.measures._equivariant import exactly

MAX_BATCHES = 100_000  # each is a call of the rule, and a few more in other orders
MAX_ROLLOUTS = 2_000_000  # in all of them, which are in memory at once


def need_few_batches(prompts: int, n: int, values: int) -> None:
    """ValueError for more batches than are enumerated.

    >>> need_few_batches(2, 400, 2)
    Traceback (most recent call last):
    ValueError: n must make at most 100000 batches, got 400: with 2 prompts there are 160801
    """
    batches = count(n, values) ** prompts
    if batches > MAX_BATCHES:
        limit = f"n must make at most {MAX_BATCHES} batches"
        raise ValueError(f"{limit}, got {short(n)}: with {prompts} prompts there are {short(batches)}")
    if batches * prompts * n > MAX_ROLLOUTS:
        limit = f"n must make batches of at most {MAX_ROLLOUTS} rollouts in all"
        raise ValueError(f"{limit}, got {short(n)}: with {prompts} prompts there are {batches * prompts * n}")


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
    for order in orders(batches.shape[2]):
        reordered = np.stack([_answer(rule, batch) for batch in floats[..., order]])
        other = differs(reordered, found[..., order]).any(axis=(1, 2))
        if other.any():
            given = floats[int(other.argmax())].tolist()
            raise ValueError(
                f"rule must treat the rollouts of a prompt alike, but the order of {given} changes advantages"
            )
    exact = [exactly(rule, batch) for batch in batches[:1]]
    exact += [exactly(rule, batch) for batch in batches[1:]] if exact[0] is not None else []
    fractions = [one for one in exact if one is not None]
    if len(fractions) < len(exact) or differs(np.stack(fractions).astype(np.float64), found).any():
        return found
    return np.stack(fractions)


def _answer(rule: Estimator, batch: Array) -> FloatArray:
    return answer("rule", rule(batch.copy()), batch.shape, exact=False)
