"""What a trainer logged of its rollouts, as columns: one file, or a folder with one for each step."""

from __future__ import annotations

import csv
import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from maxrl_est.files.rollouts.csv_rows import long_fields
from maxrl_est.files.rollouts.text import encode, lines, short
from maxrl_est.files.whole import FileError

Columns = dict[str, list[Any]]


def read_columns(source: Path) -> Columns:
    """Columns by name, of equal length; FileError for what is no log.

    ``.csv`` with a header, ``.jsonl`` or ``.ndjson`` with an object a line, ``.parquet`` if pyarrow is installed; a
    folder of such files, of one kind, is read in the order of the numbers in their names. Not for logs larger than the
    memory, which holds them whole.
    """
    if source.is_dir():
        return _joined(source, [(path, _of_file(path)) for path in _logs_in(source)])
    return _of_file(source)


def _of_file(source: Path) -> Columns:
    suffix = source.suffix.lower()
    if suffix not in _READERS:
        raise FileError(f"{source}: a log must end in one of {', '.join(_READERS)}, got {suffix!r}")
    try:
        columns = _READERS[suffix](source)
    except OSError as error:
        raise FileError(f"{source}: cannot be read: {error.strerror or error}") from error
    if not columns or not next(iter(columns.values())):
        raise FileError(f"{source}: holds no rollouts")
    return columns


def _logs_in(folder: Path) -> list[Path]:
    """The logs in a folder, by the numbers in their names: 2.jsonl comes before 10.jsonl."""
    paths = sorted(
        (path for path in folder.iterdir() if path.suffix.lower() in _READERS),
        key=lambda path: (int("".join(filter(str.isdecimal, path.stem)) or 0), path.name),
    )
    if not paths:
        raise FileError(f"{folder}: a folder of logs must have files that end in one of {', '.join(_READERS)}")
    for path in paths:
        if path.suffix.lower() != paths[0].suffix.lower():
            raise FileError(f"{folder}: logs must be of one kind, got {paths[0].name} and {path.name}")
    return paths


def _joined(folder: Path, parts: list[tuple[Path, Columns]]) -> Columns:
    first, names = parts[0][0], list(parts[0][1])
    for path, columns in parts:
        if set(columns) != set(names):
            other = sorted(set(columns) ^ set(names))[0]
            raise FileError(f"{path}: columns must be those of {first.name} in {folder}, got {other!r} in one only")
    return {name: [value for _, columns in parts for value in columns[name]] for name in names}


def _csv(source: Path) -> Columns:
    with source.open("rb") as stream, long_fields():
        reader = csv.reader((text for _, _, text in lines(source, stream)), strict=True)
        try:
            names = next(reader, [])
            rows = [fields for fields in reader if fields]
        except csv.Error as error:
            raise FileError(f"{source}:{reader.line_num}: must be CSV, got the error {str(error)!r}") from error
    for row in rows:
        if len(row) != len(names):
            raise FileError(f"{source}: a row must have the {len(names)} fields of the header, got {len(row)}")
    return {name: [row[at] for row in rows] for at, name in enumerate(names)}


def _jsonl(source: Path) -> Columns:
    rows = list(_objects(source))
    names = list(dict.fromkeys(name for _, row in rows for name in row))
    for line, row in rows:
        for name in names:
            if name not in row:
                raise FileError(f"{source}:{line}: an object must have {name!r}, as others have, got {', '.join(row)}")
    return {name: [row[name] for _, row in rows] for name in names}


def _objects(source: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with source.open("rb") as stream:
        for line, _, text in lines(source, stream):
            if not text.strip():
                continue
            try:
                row = json.loads(text)
            except (ValueError, RecursionError) as error:
                raise FileError(f"{source}:{line}: must be JSON, got {short(text.strip())}") from error
            if not isinstance(row, dict):
                raise FileError(f"{source}:{line}: must be a JSON object, got {short(encode(row))}")
            yield line, row


def _parquet(source: Path) -> Columns:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise FileError(f"{source}: reading parquet needs pyarrow; install it, or write the log as .jsonl") from None
    with source.open("rb") as stream:  # tells a file that cannot be read from one that is none
        try:
            columns: Columns = parquet.read_table(stream).to_pydict()
        except Exception as error:  # a damaged file can raise almost anything
            raise FileError(f"{source}: must be parquet, got {short(str(error))}") from error
    return columns


_READERS: dict[str, Callable[[Path], Columns]] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".parquet": _parquet,
}
