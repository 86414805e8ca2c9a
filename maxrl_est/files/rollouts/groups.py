"""Rows that follow one another as groups, and groups of one size weighed together."""

from __future__ import annotations

import hashlib
import itertools
import operator
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.files.rollouts.text import Rollout, short
from maxrl_est.files.whole import FileError

Weigh: TypeAlias = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""Likelihoods, or what stands for them, of groups ``(B, N)`` to finite weights ``(B, N)`` and advantages ``(B, N)``."""

BATCH_BYTES = 1 << 20  # input held until its complete groups are weighed together


class Group(NamedTuple):
    """Consecutive rows with one group value."""

    line: int  # where its first record starts
    value: str  # printable
    heads: list[bytes]
    likelihoods: list[float]


def grouped(source: Path, rows: Iterable[Rollout], max_group: int) -> Iterator[Group]:
    """The runs of rows with the same group value, each value once."""
    seen: set[bytes] = set()  # hashes: two of 10^6 groups share one by chance in 1 file of 10^7
    for value, members in itertools.groupby(rows, key=operator.attrgetter("group")):
        lines, heads, _, likelihoods = map(list, zip(*itertools.islice(members, max_group + 1), strict=True))
        where = f"{source}:{lines[0]}"
        digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        if digest in seen:
            raise FileError(
                f"{where}: a group must have its rows together, got {short(value)} again after others; "
                "sort the file by that column first"
            )
        if len(heads) > max_group:
            raise FileError(
                f"{where}: a group must have at most {max_group} rows, got more for {short(value)}; raise --max-group"
            )
        seen.add(digest)
        yield Group(lines[0], value, heads, likelihoods)


def batches(found: Iterable[Group]) -> Iterator[list[Group]]:
    """Groups that are held in memory together."""
    batch: list[Group] = []
    size = 0
    for group in found:
        batch.append(group)
        size += sum(map(len, group.heads))
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def weighed(source: Path, batch: list[Group], template: bytes, weigh: Weigh) -> Iterator[bytes]:
    """The output rows of a batch, in order; groups of one size are weighed together."""
    by_size: defaultdict[int, list[Group]] = defaultdict(list)
    for group in batch:
        by_size[len(group.heads)].append(group)
    results = {}
    for size, members in by_size.items():
        where = f"{source}:{members[0].line}: group {short(members[0].value)}"
        weights, advantages = weigh_block(where, np.array([group.likelihoods for group in members]), weigh)
        results[size] = zip(weights.tolist(), advantages.tolist(), strict=True)
    for group in batch:
        for row in zip(group.heads, *next(results[len(group.heads)]), strict=True):
            yield template % row


def weigh_block(where: str, block: FloatArray, weigh: Weigh) -> tuple[FloatArray, FloatArray]:
    """Weights and advantages of groups (B, N); the error says which group was refused."""
    try:
        return weigh(block)
    except ValueError as error:
        raise FileError(f"{where} of {block.shape[1]} rows: {error}") from error
