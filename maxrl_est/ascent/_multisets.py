"""All multisets of one size of k values, and where each is when one more value joins it."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np

from maxrl_est._arguments.protocols import Array


def count(size: int, k: int) -> int:
    """How many multisets of this size there are of k values.

    >>> count(2, 3)
    6
    """
    return math.comb(size + k - 1, k - 1)


@functools.lru_cache(maxsize=32)
def multisets(size: int, k: int) -> Array:
    """How often each value is in each of them, (M, k), at least two values; `places` finds them again."""
    top = size + k - 1
    bars = np.fromiter(itertools.chain.from_iterable(itertools.combinations(range(top), k - 1)), np.int64)
    edges = np.pad(bars.reshape(-1, k - 1), ((0, 0), (1, 1)), constant_values=((0, 0), (-1, top)))
    counts = np.diff(edges, axis=1) - 1
    ordered = np.empty_like(counts)
    ordered[places(counts)] = counts
    ordered.flags.writeable = False
    return ordered


def places(counts: Array) -> Array:
    """The row in `multisets` of each multiset (..., k): its bars between the values, numbered as combinations are."""
    k = counts.shape[-1]
    size = int(counts.reshape(-1, k)[0].sum())
    bars = np.cumsum(counts[..., :-1], axis=-1) + np.arange(k - 1)
    return np.asarray(_ways(size, k)[bars, np.arange(1, k)].sum(axis=-1))


@functools.lru_cache(maxsize=32)
def joined(size: int, k: int) -> Array:
    """The row, among multisets of size + 1, of each multiset of this size with one more of each value: (M, k)."""
    return places(multisets(size, k)[:, None, :] + np.eye(k, dtype=np.int64))


@functools.lru_cache(maxsize=32)
def _ways(size: int, k: int) -> Array:
    """C(b, j) for j-th bars at b, which are at most at size + j - 1."""
    return np.array([[math.comb(b, j) if b < size + j else 0 for j in range(k)] for b in range(size + k - 1)])
