"""Rollouts in comma-separated values: UTF-8, a header row, records that may span lines."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from maxrl_est.files.rollouts.text import ColumnNames, Rollout, TextFile, check_names, lines, outside
from maxrl_est.files.whole import FileError

_LONGEST_FIELD = 1 << 24  # characters; the csv module's default is shorter than some completions
_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")  # float() also takes 0_1
_WORDS = {"true": 1.0, "false": 0.0, "-inf": -math.inf, "-infinity": -math.inf}


@contextmanager
def long_fields() -> Iterator[None]:
    """Let fields be as long as completions are; the csv module keeps its limit for the whole process."""
    limit = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def read(source: Path, stream: BinaryIO, columns: ColumnNames) -> TextFile:
    """What the stream holds; its rollouts are read within `long_fields`."""
    records = _records(source, stream)
    line, header, names = next(records, (1, b"", []))
    check_names(source, line, names, columns)
    for name in (columns.likelihood, columns.group):
        if names.count(name) > 1:
            raise FileError(f"{source}:{line}: columns must have {name!r} once, got it {names.count(name)} times")
    end = b"\r\n" if header.endswith(b"\r\n") else b"\n"
    head = header.rstrip(b"\r\n") + b",weight,advantage" + end
    return TextFile(head, b"%b,%r,%r" + end, _rows(source, records, names, columns))


def _rows(
    source: Path, records: Iterator[tuple[int, bytes, list[str]]], names: list[str], columns: ColumnNames
) -> Iterator[Rollout]:
    at_likelihood, at_group = names.index(columns.likelihood), names.index(columns.group)
    for line, raw, fields in records:
        if len(fields) != len(names):
            raise FileError(
                f"{source}:{line}: a row must have the {len(names)} fields of the header, got {len(fields)}"
            )
        value = _number(fields[at_likelihood])
        if not columns.bounds[0] <= value <= columns.bounds[1]:
            raise outside(f"{source}:{line}", columns.likelihood, fields[at_likelihood], columns.bounds)
        yield Rollout(line, raw.rstrip(b"\r\n"), repr(fields[at_group]), value)


def _records(source: Path, stream: BinaryIO) -> Iterator[tuple[int, bytes, list[str]]]:
    """First line, bytes and fields of each record that is not blank."""
    taken: list[bytes] = []  # the lines of a record: several if it quotes a line break

    def texts() -> Iterator[str]:
        for _, raw, text in lines(source, stream):
            taken.append(raw)
            yield text

    reader = csv.reader(texts(), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise FileError(f"{source}:{line}: must be CSV, got the error {str(error)!r}") from error
        if fields is None:
            return
        if fields:
            yield line, b"".join(taken), fields
        taken.clear()


def _number(text: str) -> float:
    return float(text) if _NUMBER.fullmatch(text) else _WORDS.get(text.strip().lower(), math.nan)
