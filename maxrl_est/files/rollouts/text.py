"""Rollouts in a text file, and what their fields must be."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeAlias

import numpy as np

from maxrl_est._arguments import closest
from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.files.whole import FileError

encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode  # one text for equal values

WRITTEN = ("weight", "advantage")

BLOCK_BYTES = 1 << 19  # input that is read together; output, and lists of its fields, are held beside it


Bounds: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """Names of the columns that are read, and the bounds that the numbers in each lie in: likelihoods, then ratios."""

    numbers: dict[str, Bounds]
    group: str


class Rollout(NamedTuple):
    """One rollout."""

    line: int  # where its record starts
    head: str  # the record, up to where the new fields go
    group: str  # printable, different for different groups
    numbers: list[float]  # of each column


class Rollouts(NamedTuple):
    """Rollouts that follow one another, field by field."""

    lines: list[int]
    heads: list[str]
    groups: list[str]
    numbers: list[FloatArray]  # of each column


class TextFile(NamedTuple):
    """A text file: what its output starts with, how a line of that is written, and its rollouts as they are read."""

    header: str
    between: tuple[str, str, str]  # what a line has after the head, the weight and the advantage
    rollouts: Iterator[Rollouts]


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """The rest of a stream, in pieces of whole lines."""
    while block := stream.read(BLOCK_BYTES) + stream.readline():
        yield block


def together(rows: Iterable[Rollout]) -> Iterator[Rollouts]:
    """Rollouts that come one by one, those before an error first."""
    taken: list[Rollout] = []
    failure = None
    try:
        taken.extend(rows)
    except FileError as error:
        failure = error
    if taken:
        found, heads, groups, numbers = map(list, zip(*taken, strict=True))
        yield Rollouts(found, heads, groups, [np.array(column) for column in zip(*numbers, strict=True)])
    if failure:
        raise failure


def named(groups: list[Any], text: Callable[[Any], str]) -> list[str]:
    """The text of each, made once where they are told apart by ``==`` as by their texts."""
    if {*map(type, groups)} in ({str}, {int}):
        texts = {group: text(group) for group in {*groups}}
        return [texts[group] for group in groups]
    return list(map(text, groups))


def lines(source: Path, raws: Iterable[bytes], first: int = 1) -> Iterator[tuple[int, bytes, str]]:
    """Number, bytes and text of each line."""
    for line, raw in enumerate(raws, first):
        try:
            text = raw.decode("utf-8-sig" if line == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise FileError(f"{source}:{line}: must be UTF-8, got an {error.reason}") from error
        yield line, raw, text


def check_names(source: Path, line: int, names: Collection[str], columns: ColumnNames) -> None:
    """The columns are there, and those that are written are not."""
    for name in (*columns.numbers, columns.group):
        if name not in names:
            hint = closest(name, names)
            there = ", ".join(map(repr, names)) or "none"
            raise FileError(f"{source}:{line}: columns must have {name!r}, got {there}{hint and '; '}{hint}")
    for name in WRITTEN:
        if name in names:
            raise FileError(f"{source}:{line}: columns must not have {name!r}, which is written; rename or remove it")


def all_within(numbers: list[FloatArray], columns: ColumnNames) -> bool:
    """Whether all are what the numbers of their column may be; NaN is not."""
    pairs = zip(numbers, columns.numbers.values(), strict=True)
    return all(bool(((values >= low) & (values <= high)).all()) for values, (low, high) in pairs)


def outside(where: object, name: str, value: Any, bounds: Bounds) -> FileError:
    """The error for what is no number of its column."""
    low, high = bounds
    return FileError(f"{where}: {name} must be a number in [{low:g}, {high:g}], got {short(encode(value))}")


def short(text: str) -> str:
    """At most 60 characters of it."""
    return text if len(text) <= 60 else f"{text[:57]}..."
