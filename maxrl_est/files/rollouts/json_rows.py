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
            found = arrow.of_json(block, columns.likelihood, columns.group)
        found = found or _decoded(texts, columns)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    if found is None or not all_within(found[0], columns.bounds):
        return None
    heads = [text[:-1] for text in texts]
    return Rollouts(list(range(first, first + len(texts))), heads, named(found[1], encode), found[0])


def _decoded(texts: list[str], columns: ColumnNames) -> tuple[FloatArray, list[Any]] | None:
    """Likelihoods and groups of lines that are an object each."""
    records, ends = zip(*map(_decode, texts), strict=True)
    values = [record[columns.likelihood] for record in records]
    groups = [record[columns.group] for record in records]
    one_a_line = all(map(int.__eq__, ends, map(len, texts)))
    numbers = {*map(type, values)} <= {int, float, bool}
    taken = any(name in record for name in WRITTEN for record in records)
    return (np.array(values, dtype=np.float64), groups) if one_a_line and numbers and not taken else None


def _each(source: Path, block: bytes, first: int, columns: ColumnNames) -> Iterator[Rollout]:
    low, high = columns.bounds
    for line, raw, text in lines(source, io.BytesIO(block), first):
        if text.isspace() or not text:
            continue
        where = f"{source}:{line}"
        record = _object(where, text)
        check_names(source, line, record, columns)
        value = record[columns.likelihood]
        if not (isinstance(value, (int, float)) and low <= value <= high):
            raise outside(where, columns.likelihood, value, columns.bounds)
        yield Rollout(line, raw.decode().rstrip()[:-1], encode(record[columns.group]), float(value))


def _object(where: str, text: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = str(error).replace("line 1 ", "")  # of the one line it was given
        raise FileError(f"{where}: must be JSON, got {short(text.strip())}: {what}") from error
    if not isinstance(record, dict):
        raise FileError(f"{where}: must be a JSON object, got {short(encode(record))}")
    return record
