"""Rollouts as JSON, an object a line."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.files.rollouts import arrow
from maxrl_est.files.rollouts.text import (
    WRITTEN,
    ColumnNames,
    Rollout,
    Rollouts,
    TextFile,
    all_within,
    blocks,
    check_names,
    encode,
    lines,
    named,
    outside,
    short,
    together,
)
from maxrl_est.files.whole import FileError

_decode = json.JSONDecoder().raw_decode


def read(source: Path, stream: BinaryIO, columns: ColumnNames) -> TextFile:
    """What the stream holds."""
    return TextFile("", (', "weight": ', ', "advantage": ', "}\n"), _rows(source, stream, columns))


def _rows(source: Path, stream: BinaryIO, columns: ColumnNames) -> Iterator[Rollouts]:
    """Blocks of plain lines are read at once, and the rest line by line."""
    line = 1
    for block in blocks(stream):
        if plain := _plain(block, line, columns):
            yield plain
        else:
            yield from together(_each(source, block, line, columns))
        line += block.count(b"\n")


def _plain(block: bytes, first: int, columns: ColumnNames) -> Rollouts | None:
    """All rows of a block, if each line is one and nothing is wrong; None leaves it to `_each` to say what is."""
    try:
        texts = block.decode().removesuffix("\n").split("\n")
        if b"\r" in block:
            texts = [text.removesuffix("\r") for text in texts]
        found = None
        if not any(f'"{name}"'.encode() in block for name in WRITTEN):
            found = arrow.of_json(block, columns.numbers, columns.group)
        found = found or _decoded(texts, columns)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    if found is None or not all_within(found[0], columns):
        return None
    heads = [text[:-1] for text in texts]
    return Rollouts(list(range(first, first + len(texts))), heads, named(found[1], encode), found[0])


def _decoded(texts: list[str], columns: ColumnNames) -> tuple[list[FloatArray], list[Any]] | None:
    """Columns of numbers and groups of lines that are an object each."""
    records, ends = zip(*map(_decode, texts), strict=True)
    values = [[record[name] for record in records] for name in columns.numbers]
    groups = [record[columns.group] for record in records]
    one_a_line = all(map(int.__eq__, ends, map(len, texts)))
    numbers = all({*map(type, column)} <= {int, float, bool} for column in values)
    taken = any(name in record for name in WRITTEN for record in records)
    if not one_a_line or not numbers or taken:
        return None
    return [np.array(column, dtype=np.float64) for column in values], groups


def _each(source: Path, block: bytes, first: int, columns: ColumnNames) -> Iterator[Rollout]:
    for line, raw, text in lines(source, io.BytesIO(block), first):
        if text.isspace() or not text:
            continue
        where = f"{source}:{line}"
        record = _object(where, text)
        check_names(source, line, record, columns)
        for name, bounds in columns.numbers.items():
            value = record[name]
            if not (isinstance(value, (int, float)) and bounds[0] <= value <= bounds[1]):
                raise outside(where, name, value, bounds)
        numbers = [float(record[name]) for name in columns.numbers]
        yield Rollout(line, raw.decode().rstrip()[:-1], encode(record[columns.group]), numbers)


def _object(where: str, text: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = str(error).replace("line 1 ", "")  # of the one line it was given
        raise FileError(f"{where}: must be JSON, got {short(text.strip())}: {what}") from error
    if not isinstance(record, dict):
        raise FileError(f"{where}: must be a JSON object, got {short(encode(record))}")
    return record
