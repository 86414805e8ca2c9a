"""Rollouts in comma-separated values: UTF-8, a header row, records that may span lines."""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.files.rollouts import arrow
from maxrl_est.files.rollouts.text import (
    ColumnNames,
    Rollout,
    Rollouts,
    TextFile,
    all_within,
    blocks,
    check_names,
    lines,
    named,
    outside,
    together,
)
from maxrl_est.files.whole import FileError

_LONGEST_FIELD = 1 << 24  # characters; the csv module's default is shorter than some completions
# What float() takes, but for 0_1; no digit is tried twice, or a long field that is no number would take minutes.
_NUMBER = re.compile(r"[+-]?+(?:[0-9]++\.?+[0-9]*+|\.[0-9]++)(?:[eE][+-]?+[0-9]++)?+")
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
    line, header, names, last = next(_records(source, stream, 1), (1, "", [], 0))
    check_names(source, line, names, columns)
    for name in (*columns.numbers, columns.group):
        if names.count(name) > 1:
            raise FileError(f"{source}:{line}: columns must have {name!r} once, got it {names.count(name)} times")
    end = "\r\n" if header.endswith("\r\n") else "\n"
    head = header.rstrip("\r\n") + ",weight,advantage" + end
    return TextFile(head, (",", ",", end), _Rows(source, stream, names, columns).read(last + 1))


class _Rows:
    """The rows below a header. Blocks of plain records are split at once, and the rest record by record."""

    def __init__(self, source: Path, stream: BinaryIO, names: list[str], columns: ColumnNames) -> None:
        self._source, self._stream, self._columns, self._width = source, stream, columns, len(names)
        self._numbers, self._group = list(map(names.index, columns.numbers)), names.index(columns.group)

    def read(self, line: int) -> Iterator[Rollouts]:
        for block in blocks(self._stream):
            if plain := self._plain(block, line):
                yield plain
                line += len(plain.lines)
            else:
                self._next = line
                yield from together(self._each(list(io.BytesIO(block)), line))
                line = self._next

    def _plain(self, block: bytes, line: int) -> Rollouts | None:
        """All rows of a block, if each is a line and nothing is wrong; None leaves it to `_each` to say what is."""
        try:
            texts = block.decode().removesuffix("\n").split("\n")
            found = arrow.of_csv(block, self._width, self._numbers, self._group) or self._split(texts)
        except (UnicodeDecodeError, csv.Error):
            return None
        if found is None or not all_within(found[0], self._columns):
            return None
        heads = [text.rstrip("\r") for text in texts] if b"\r" in block else texts
        return Rollouts(list(range(line, line + len(texts))), heads, named(found[1], repr), found[0])

    def _split(self, texts: list[str]) -> tuple[list[FloatArray], list[str]] | None:
        """Columns of numbers and groups of lines that are a row each."""
        rows = list(csv.reader(texts, strict=True))
        if len(rows) != len(texts) or any(len(row) != self._width for row in rows):
            return None
        numbers = [np.array(_numbers([row[place] for row in rows])) for place in self._numbers]
        return numbers, [row[self._group] for row in rows]

    def _each(self, raws: list[bytes], first: int) -> Iterator[Rollout]:
        """Rows to the end of the record that these lines end in, which may be further on in the stream."""
        for line, text, fields, last in _records(self._source, itertools.chain(raws, self._stream), first):
            where = f"{self._source}:{line}"
            if len(fields) != self._width:
                raise FileError(f"{where}: a row must have the {self._width} fields of the header, got {len(fields)}")
            numbers = [_number(fields[place]) for place in self._numbers]
            for value, place, (name, bounds) in zip(numbers, self._numbers, self._columns.numbers.items(), strict=True):
                if not bounds[0] <= value <= bounds[1]:
                    raise outside(where, name, fields[place], bounds)
            yield Rollout(line, text.rstrip("\r\n"), repr(fields[self._group]), numbers)
            self._next = last + 1
            if last >= first + len(raws) - 1:
                return


def _records(source: Path, raws: Iterable[bytes], first: int) -> Iterator[tuple[int, str, list[str], int]]:
    """First line, text, fields and last line of each record that is not blank."""
    taken: list[str] = []  # the lines of a record: several if it quotes a line break

    def texts() -> Iterator[str]:
        for _, raw, text in lines(source, raws, first):
            taken.append(raw.decode())  # with its byte order mark
            yield text

    reader = csv.reader(texts(), strict=True)
    while True:
        line = first + reader.line_num
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise FileError(f"{source}:{line}: must be CSV, got the error {str(error)!r}") from error
        if fields is None:
            return
        if fields:
            yield line, "".join(taken), fields, first + reader.line_num - 1
        taken.clear()


def _numbers(texts: list[str]) -> list[float]:
    spelt = "".join(texts)
    if spelt.isascii() and "_" not in spelt:  # else float() takes more than `_number` does
        with suppress(ValueError):
            return list(map(float, texts))
    return list(map(_number, texts))


def _number(text: str) -> float:
    text = text.strip()  # of what float() calls a space, and more
    return float(text) if _NUMBER.fullmatch(text) else _WORDS.get(text.lower(), math.nan)
