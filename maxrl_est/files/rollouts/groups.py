"""Rows that follow one another as groups, and groups of one size weighed together."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.files.rollouts import arrow
from maxrl_est.files.rollouts.text import Rollouts, short
from maxrl_est.files.whole import FileError

Weigh: TypeAlias = Callable[..., tuple[FloatArray, FloatArray]]
"""Of groups ``(B, N)`` likelihoods, or what stands for them, and ratios ``(B, N)`` where there are any, to finite
weights ``(B, N)`` and advantages ``(B, N)``."""


_SHORT = 32  # characters of a group that are remembered as they are


class Groups(NamedTuple):
    """Whole groups, one after another."""

    rows: Rollouts
    starts: Array  # the first row of each


def grouped(source: Path, blocks: Iterable[Rollouts], max_group: int) -> Iterator[Groups]:
    """The runs of rows with the same group value, each value once, as many together as a block has."""
    seen: set[str | bytes] = set()
    held: Rollouts | None = None
    try:
        for block in blocks:
            if held is not None:
                last = int(_starts(held.groups)[-1])  # that group may go on
                if last:
                    yield _checked(source, _part(held, slice(last)), max_group, seen)
                held = _part(held, slice(last, None))
                if len(held.heads) > max_group:
                    _checked(source, held, max_group, seen)
            held = block if held is None else _joined(held, block)
    except FileError:
        if held is not None and (last := int(_starts(held.groups)[-1])):  # what is wrong further up is told first
            _checked(source, _part(held, slice(last)), max_group, seen)
        raise
    if held is not None:
        yield _checked(source, held, max_group, seen)


def _joined(first: Rollouts, second: Rollouts) -> Rollouts:
    numbers = [np.concatenate(columns) for columns in zip(first.numbers, second.numbers, strict=True)]
    return Rollouts(first.lines + second.lines, first.heads + second.heads, first.groups + second.groups, numbers)


def _part(rows: Rollouts, chosen: slice) -> Rollouts:
    numbers = [column[chosen] for column in rows.numbers]
    return Rollouts(rows.lines[chosen], rows.heads[chosen], rows.groups[chosen], numbers)


def _starts(values: list[str]) -> Array:
    changes = np.fromiter(map(operator.ne, values[1:], values), dtype=bool, count=len(values) - 1)
    return np.concatenate(([0], np.flatnonzero(changes) + 1))


def _checked(source: Path, rows: Rollouts, max_group: int, seen: set[str | bytes]) -> Groups:
    """Their groups, none of which is too large or was seen before."""
    starts = _starts(rows.groups)
    sizes = np.diff(starts, append=len(rows.heads)).tolist()
    for start, size in zip(starts.tolist(), sizes, strict=True):
        value = rows.groups[start]
        known = value if len(value) < _SHORT else _digest(value)
        if known in seen:
            raise FileError(
                f"{source}:{rows.lines[start]}: a group must have its rows together, got {short(value)} again "
                "after others; sort the file by that column first"
            )
        if size > max_group:
            raise FileError(
                f"{source}:{rows.lines[start]}: a group must have at most {max_group} rows, got more for "
                f"{short(value)}; raise --max-group"
            )
        seen.add(known)
    return Groups(rows, starts)


def _digest(value: str) -> bytes:
    """Of 10^6 groups two share one by chance in 1 file of 10^7."""
    return hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def weighed(source: Path, groups: Groups, weigh: Weigh) -> tuple[FloatArray, FloatArray]:
    """The weight and the advantage of each row; groups of one size are weighed together."""
    rows, starts = groups
    sizes = np.diff(starts, append=len(rows.heads))
    weights, advantages = np.empty((2, len(rows.heads)))
    for size in dict.fromkeys(sizes.tolist()):
        firsts = starts[sizes == size]
        cells = firsts[:, None] + np.arange(size)
        where = f"{source}:{rows.lines[firsts[0]]}: group {short(rows.groups[firsts[0]])}"
        weights[cells], advantages[cells] = weigh_block(where, [column[cells] for column in rows.numbers], weigh)
    return weights, advantages


def written(heads: list[str], weights: FloatArray, advantages: FloatArray, between: tuple[str, str, str]) -> bytes:
    """The rows of the output."""
    quick = arrow.written(heads, weights, advantages, between)
    if quick is not None:
        return quick
    template = "%s{}%r{}%r{}".format(*between)
    return "".join(map(template.__mod__, zip(heads, weights.tolist(), advantages.tolist(), strict=True))).encode()


def weigh_block(where: str, numbers: list[FloatArray], weigh: Weigh) -> tuple[FloatArray, FloatArray]:
    """Weights and advantages of what each column has of groups (B, N); the error says which group was refused."""
    try:
        return weigh(*numbers)
    except ValueError as error:
        raise FileError(f"{where} of {numbers[0].shape[1]} rows: {error}") from error
