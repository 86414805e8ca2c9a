"""Files of rollouts in; the same files, with a weight and an advantage for every rollout, out.

A file holds one rollout a row, and the rows of a group follow one another. A row's bytes are kept as they are
and the two values are put at its end. Rows are streamed, so a file may be larger than memory.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import itertools
import json
import operator
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from maxrl_est._typing import Array, FloatArray
from maxrl_est.files.whole import FileError, replacing

Weigh = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""Likelihoods, or what stands for them, of groups ``(B, N)`` to finite weights ``(B, N)`` and advantages ``(B, N)``."""

Bounds = tuple[float, float]

_FORMATS = {".csv": "csv", ".jsonl": "json", ".ndjson": "json", ".npy": "npy"}
_BATCH_BYTES = 1 << 20  # input held until its complete groups are weighed together
_LONGEST_FIELD = 1 << 24  # characters; the csv module's default is shorter than some completions
_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")  # float() also takes 0_1
_WORDS = {"true": 1.0, "false": 0.0, "-inf": -np.inf, "-infinity": -np.inf}
_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Summary:
    """How much was weighed: rows (one a rollout) and the groups they form."""

    rows: int
    groups: int


class _Group(NamedTuple):
    line: int  # where its first record starts
    value: str  # printable
    heads: list[bytes]  # the records, up to where the new fields go
    likelihoods: list[float]


_Row = tuple[int, bytes, str, float]  # one of each of a group's
_Table = tuple[bytes, bytes, Iterator[_Row]]  # header, template of (head, weight, advantage), rows


def write_weights(
    source: Path,
    destination: Path | None,
    *,
    likelihood: str,
    group: str,
    weigh: Weigh,
    max_group: int,
    bounds: Bounds = (0.0, 1.0),
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Copy `source` to `destination` (None: standard output), adding fields ``weight`` and ``advantage``.

    The suffix of `source` tells the format:

    - ``.csv``: UTF-8, commas, a header row. ``.jsonl``, ``.ndjson``: one JSON object a line. Consecutive rows
      with the same value of `group` form a group; sizes may differ. Blank lines are dropped. A likelihood is
      a number within `bounds`, true or false; where logarithms stand for likelihoods, -inf is their lower bound.
    - ``.npy``: numbers of shape ``(N,)``, one group, or ``(B, N)``, a group a row. `destination` gets shape
      ``(..., N, 3)``, the last axis being likelihood, weight, advantage. Column names are ignored.

    `weigh` maps groups of one size ``(B, N)`` to weights and advantages, or raises ValueError. `progress` is
    told the rows written so far. `destination` is replaced once all is written, and left alone on failure;
    it may be `source`.

    Raises FileError if a file cannot be read or written, a likelihood is out of bounds, a group is
    interrupted by another or larger than `max_group`, or `weigh` refuses one.
    """
    suffix = source.suffix.lower()
    if suffix not in _FORMATS:
        raise FileError(f"{source}: unknown suffix {suffix!r}; known are {', '.join(_FORMATS)}")
    if destination and _FORMATS.get(destination.suffix.lower(), _FORMATS[suffix]) != _FORMATS[suffix]:
        raise FileError(f"{destination}: formats are not converted; end its name in {suffix}")
    progress = progress or (lambda _: None)
    if suffix == ".npy":
        return _weigh_array(source, destination, weigh, max_group, bounds, progress)

    read_table = _csv_table if suffix == ".csv" else _json_table
    rows = groups = 0
    with _long_csv_fields(), _open(source) as stream, _output(destination) as out:
        header, template, records = read_table(source, stream, likelihood, group, bounds)
        out.write(header)
        for batch in _batches(_groups(source, records, max_group)):
            out.writelines(_weighed(source, batch, template, weigh))
            rows += sum(len(members.heads) for members in batch)
            groups += len(batch)
            progress(rows)
    return Summary(rows, groups)


def _open(source: Path) -> BinaryIO:
    try:
        return source.open("rb")
    except OSError as error:
        raise FileError(f"{source}: cannot be read: {error.strerror}") from error


@contextmanager
def _output(destination: Path | None) -> Iterator[BinaryIO]:
    """A stream to `destination`, replaced on success only; None: standard output."""
    if destination is not None:
        with replacing(destination) as stream:
            yield stream
        return
    if sys.stdout is None:
        raise FileError("standard output is closed; name an output file with -o")
    sys.stdout.flush()
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


@contextmanager
def _long_csv_fields() -> Iterator[None]:
    limit = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _lines(source: Path, stream: BinaryIO) -> Iterator[tuple[int, bytes, str]]:
    for line, raw in enumerate(stream, 1):
        try:
            text = raw.decode("utf-8-sig" if line == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise FileError(f"{source}:{line}: is not UTF-8: {error.reason}") from error
        yield line, raw, text


def _csv_records(source: Path, stream: BinaryIO) -> Iterator[tuple[int, bytes, list[str]]]:
    taken: list[bytes] = []  # the lines of a record: several if it quotes a line break

    def texts() -> Iterator[str]:
        for _, raw, text in _lines(source, stream):
            taken.append(raw)
            yield text

    reader = csv.reader(texts(), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise FileError(f"{source}:{line}: invalid CSV: {error}") from error
        if fields is None:
            return
        if fields:
            yield line, b"".join(taken), fields
        taken.clear()


def _csv_table(source: Path, stream: BinaryIO, likelihood: str, group: str, bounds: Bounds) -> _Table:
    records = _csv_records(source, stream)
    line, header, names = next(records, (1, b"", []))
    _check_names(source, line, names, likelihood, group)
    if names.count(likelihood) + names.count(group) > 2:
        raise FileError(f"{source}:{line}: {likelihood!r} or {group!r} names two columns")
    at_likelihood, at_group = names.index(likelihood), names.index(group)

    def rows() -> Iterator[_Row]:
        for line, raw, fields in records:
            if len(fields) != len(names):
                raise FileError(f"{source}:{line}: {len(fields)} fields; the header has {len(names)}")
            value = _number(fields[at_likelihood])
            if not bounds[0] <= value <= bounds[1]:
                raise _outside(source, line, likelihood, fields[at_likelihood], bounds)
            yield line, raw.rstrip(b"\r\n"), repr(fields[at_group]), value

    end = b"\r\n" if header.endswith(b"\r\n") else b"\n"
    return header.rstrip(b"\r\n") + b",weight,advantage" + end, b"%b,%r,%r" + end, rows()


def _json_table(source: Path, stream: BinaryIO, likelihood: str, group: str, bounds: Bounds) -> _Table:
    def rows() -> Iterator[_Row]:
        for line, raw, text in _lines(source, stream):
            if text.isspace() or not text:
                continue
            try:
                record = json.loads(text)
            except (ValueError, RecursionError) as error:
                what = str(error).replace("line 1 ", "")  # of the one line it was given
                raise FileError(f"{source}:{line}: invalid JSON: {what}") from error
            if not isinstance(record, dict):
                raise FileError(f"{source}:{line}: {_short(_encode(record))} is not a JSON object")
            _check_names(source, line, record, likelihood, group)
            value = record[likelihood]
            if not (isinstance(value, (int, float)) and bounds[0] <= value <= bounds[1]):
                raise _outside(source, line, likelihood, value, bounds)
            yield line, raw.rstrip()[:-1], _encode(record[group]), float(value)

    return b"", b'%b, "weight": %r, "advantage": %r}\n', rows()


def _check_names(source: Path, line: int, names: Collection[str], likelihood: str, group: str) -> None:
    for name in (likelihood, group):
        if name not in names:
            close = difflib.get_close_matches(name, names, 1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            there = ", ".join(map(repr, names)) or "none"
            raise FileError(f"{source}:{line}: no column {name!r}; the columns are: {there}{hint}")
    for name in ("weight", "advantage"):
        if name in names:
            raise FileError(f"{source}:{line}: column {name!r} is there already; rename or remove it")


def _number(text: str) -> float:
    return float(text) if _NUMBER.fullmatch(text) else _WORDS.get(text.strip().lower(), np.nan)


def _outside(source: Path, where: object, name: str, value: object, bounds: Bounds) -> FileError:
    low, high = bounds
    return FileError(f"{source}:{where}: {name} {_short(_encode(value))} is not a number in [{low:g}, {high:g}]")


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _groups(source: Path, rows: Iterable[_Row], max_group: int) -> Iterator[_Group]:
    """The runs of rows with the same group value, each value once."""
    seen: set[bytes] = set()  # hashes: two of 10^6 groups share one by chance in 1 file of 10^7
    for value, members in itertools.groupby(rows, key=operator.itemgetter(2)):
        lines, heads, _, likelihoods = map(list, zip(*itertools.islice(members, max_group + 1), strict=True))
        where = f"{source}:{lines[0]}: group {_short(value)}"
        digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        if digest in seen:
            raise FileError(f"{where} comes back after others; sort the file by that column first")
        if len(heads) > max_group:
            raise FileError(f"{where} has more than {max_group} rows; raise --max-group")
        seen.add(digest)
        yield _Group(lines[0], value, heads, likelihoods)


def _batches(groups: Iterable[_Group]) -> Iterator[list[_Group]]:
    batch: list[_Group] = []
    size = 0
    for group in groups:
        batch.append(group)
        size += sum(map(len, group.heads))
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _weighed(source: Path, batch: list[_Group], template: bytes, weigh: Weigh) -> Iterator[bytes]:
    """The output rows of a batch, in order; groups of one size are weighed together."""
    by_size: defaultdict[int, list[_Group]] = defaultdict(list)
    for group in batch:
        by_size[len(group.heads)].append(group)
    results = {}
    for size, groups in by_size.items():
        where = f"{source}:{groups[0].line}: group {_short(groups[0].value)}"
        block = np.array([group.likelihoods for group in groups])
        weights, advantages = _weigh_block(where, block, weigh)
        results[size] = zip(weights.tolist(), advantages.tolist(), strict=True)
    for group in batch:
        for row in zip(group.heads, *next(results[len(group.heads)]), strict=True):
            yield template % row


def _weigh_block(where: str, block: FloatArray, weigh: Weigh) -> tuple[FloatArray, FloatArray]:
    try:
        return weigh(block)
    except ValueError as error:
        raise FileError(f"{where} of {block.shape[1]} rows: {error}") from error


def _weigh_array(
    source: Path,
    destination: Path | None,
    weigh: Weigh,
    max_group: int,
    bounds: Bounds,
    progress: Callable[[int], None],
) -> Summary:
    if destination is None:
        raise FileError(f"{source}: an array needs an output file; name one with -o")
    _open(source).close()
    try:
        values: Array = np.lib.format.open_memmap(source, mode="r")  # never unpickles
    except Exception as error:  # a damaged header can raise almost anything
        raise FileError(f"{source}: is not a plain .npy array: {error}") from error
    if values.ndim not in (1, 2) or values.dtype.kind not in "biuf":
        found = f"{values.dtype} of shape {values.shape}"
        raise FileError(f"{source}: holds {found}; give numbers of shape (N,) or (B, N)")
    table = np.atleast_2d(values)
    groups, size = table.shape
    if size > max_group:
        raise FileError(f"{source}: a group has {size} rows, more than {max_group}; raise --max-group")
    step = max(1, _BATCH_BYTES // 8 // max(1, size))
    with _output(destination) as out:
        header = {"descr": "<f8", "fortran_order": False, "shape": (*values.shape, 3)}
        np.lib.format.write_array_header_1_0(out, header)
        for start in range(0, groups, step):
            block = np.array(table[start : start + step], dtype=np.float64)
            for row, column in np.argwhere(~((block >= bounds[0]) & (block <= bounds[1]))).tolist():
                index = [start + row, column][-values.ndim :]
                raise _outside(source, index, "likelihood", float(block[row, column]), bounds)
            weights, advantages = _weigh_block(f"{source}: group {start}", block, weigh)
            out.write(np.stack([block, weights, advantages], axis=-1, dtype="<f8").tobytes())
            progress((start + len(block)) * size)
    return Summary(values.size, groups)
