"""Rollouts in a text file, and what their fields must be."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from maxrl_est._arguments import closest
from maxrl_est.files.whole import FileError

encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode  # one text for equal values


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """Names of the columns that are read, and the bounds that likelihoods lie in."""

    likelihood: str
    group: str
    bounds: tuple[float, float]


class Rollout(NamedTuple):
    """One rollout."""

    line: int  # where its record starts
    head: bytes  # the record, up to where the new fields go
    group: str  # printable, different for different groups
    likelihood: float


class TextFile(NamedTuple):
    """A text file: what its output starts with, how a line of that is written, and its rollouts as they are read."""

    header: bytes
    template: bytes  # of (head, weight, advantage)
    rollouts: Iterator[Rollout]


def lines(source: Path, stream: BinaryIO) -> Iterator[tuple[int, bytes, str]]:
    """Number, bytes and text of each line."""
    for line, raw in enumerate(stream, 1):
        try:
            text = raw.decode("utf-8-sig" if line == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise FileError(f"{source}:{line}: must be UTF-8, got an {error.reason}") from error
        yield line, raw, text


def check_names(source: Path, line: int, names: Collection[str], columns: ColumnNames) -> None:
    """Both columns are there, and those that are written are not."""
    for name in (columns.likelihood, columns.group):
        if name not in names:
            hint = closest(name, names)
            there = ", ".join(map(repr, names)) or "none"
            raise FileError(f"{source}:{line}: columns must have {name!r}, got {there}{hint and '; '}{hint}")
    for name in ("weight", "advantage"):
        if name in names:
            raise FileError(f"{source}:{line}: columns must not have {name!r}, which is written; rename or remove it")


def outside(where: object, name: str, value: Any, bounds: tuple[float, float]) -> FileError:
    """The error for what is no likelihood."""
    low, high = bounds
    return FileError(f"{where}: {name} must be a number in [{low:g}, {high:g}], got {short(encode(value))}")


def short(text: str) -> str:
    """At most 60 characters of it."""
    return text if len(text) <= 60 else f"{text[:57]}..."
