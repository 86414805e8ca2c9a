"""Rollouts as JSON, an object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from maxrl_est.files.rollouts.text import ColumnNames, Rollout, TextFile, check_names, encode, lines, outside, short
from maxrl_est.files.whole import FileError


def read(source: Path, stream: BinaryIO, columns: ColumnNames) -> TextFile:
    """What the stream holds."""
    return TextFile(b"", b'%b, "weight": %r, "advantage": %r}\n', _rows(source, stream, columns))


def _rows(source: Path, stream: BinaryIO, columns: ColumnNames) -> Iterator[Rollout]:
    low, high = columns.bounds
    for line, raw, text in lines(source, stream):
        if text.isspace() or not text:
            continue
        where = f"{source}:{line}"
        record = _object(where, text)
        check_names(source, line, record, columns)
        value = record[columns.likelihood]
        if not (isinstance(value, (int, float)) and low <= value <= high):
            raise outside(where, columns.likelihood, value, columns.bounds)
        yield Rollout(line, raw.rstrip()[:-1], encode(record[columns.group]), float(value))


def _object(where: str, text: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = str(error).replace("line 1 ", "")  # of the one line it was given
        raise FileError(f"{where}: must be JSON, got {short(text.strip())}: {what}") from error
    if not isinstance(record, dict):
        raise FileError(f"{where}: must be a JSON object, got {short(encode(record))}")
    return record
