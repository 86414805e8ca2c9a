"""A file of rollouts copied, with a weight and an advantage for each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from maxrl_est.estimates.groups import LARGEST
from maxrl_est.files.rollouts import arrays, csv_rows, json_rows
from maxrl_est.files.rollouts.groups import Weigh, grouped, weighed, written
from maxrl_est.files.rollouts.text import Bounds, ColumnNames, TextFile
from maxrl_est.files.whole import FileError, replacing

_Reader = Callable[[Path, BinaryIO, ColumnNames], TextFile]

_FORMATS: dict[str, _Reader | None] = {
    ".csv": csv_rows.read,
    ".jsonl": json_rows.read,
    ".ndjson": json_rows.read,
    ".npy": None,  # an array is read and written as one
}

_RATIOS = (0.0, float(LARGEST))


@dataclass(frozen=True, slots=True)
class Summary:
    """How much was weighed: rows (one a rollout) and the groups they form."""

    rows: int
    groups: int


def write_weights(
    source: Path,
    destination: Path | None,
    *,
    likelihood: str,
    group: str,
    weigh: Weigh,
    max_group: int,
    bounds: Bounds = (0.0, 1.0),
    ratios: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Copy `source` to `destination`, adding fields ``weight`` and ``advantage``.

    Not for rows of a group that are scattered over the file: sort it by group first.

    Parameters
    ----------
    source : its suffix tells the format

        - ``.csv``: UTF-8, commas, a header row. ``.jsonl``, ``.ndjson``: one JSON object a line. Consecutive rows
          with the same value of `group` form a group; sizes may differ. Blank lines are dropped. A likelihood is
          a number within `bounds`, true or false; where logarithms stand for likelihoods, -inf is their lower bound.
        - ``.npy``: numbers of shape ``(N,)``, one group, or ``(B, N)``, a group a row. `destination` gets shape
          ``(..., N, 3)``, the last axis being likelihood, weight, advantage. Column names are ignored.
    destination : replaced once all is written, and left alone on failure; may be `source`. None: standard output
    likelihood, group : names of the columns
    weigh : maps groups of one size ``(B, N)``, and their ratios, to weights and advantages, or raises ValueError
    max_group : rows of the largest group that is held in memory
    bounds : what likelihoods lie in
    ratios : the name of a column of ratios, numbers in [0, 1e100] that `weigh` then takes too; not for arrays
    progress : told the rows written so far

    Returns
    -------
    How many rows and groups there were

    Raises
    ------
    FileError
        If a file cannot be read or written or holds no rollouts, a likelihood or ratio is out of bounds, a group is
        interrupted by another or larger than `max_group`, or `weigh` refuses one; for ratios of an array.
    """
    suffix = source.suffix.lower()
    if suffix not in _FORMATS:
        raise FileError(f"{source}: a file of rollouts must end in one of {', '.join(_FORMATS)}, got {suffix!r}")
    if destination and _FORMATS.get(destination.suffix.lower(), _FORMATS[suffix]) != _FORMATS[suffix]:
        raise FileError(f"{destination}: the output must have the format of the input and end in {suffix}")
    progress = progress or (lambda _: None)
    read = _FORMATS[suffix]
    if read is None:
        if ratios is not None:
            raise FileError(f"{source}: ratios must be a column of .csv or .jsonl, got {ratios!r} for an array")
        return _weigh_array(source, destination, weigh, max_group, bounds, progress)
    if ratios == likelihood:
        raise FileError(f"{source}: ratios must be another column than likelihoods, got {ratios!r} for both")
    columns = ColumnNames({likelihood: bounds, **({} if ratios is None else {ratios: _RATIOS})}, group)
    return _weigh_rows(source, destination, read, columns, weigh, max_group, progress)


def _weigh_rows(
    source: Path,
    destination: Path | None,
    read: _Reader,
    columns: ColumnNames,
    weigh: Weigh,
    max_group: int,
    progress: Callable[[int], None],
) -> Summary:
    rows = groups = 0
    with csv_rows.long_fields(), _open(source) as stream, _output(destination) as out:
        found = read(source, stream, columns)
        for batch in grouped(source, found.rollouts, max_group):
            weights, advantages = weighed(source, batch, weigh)
            out.write(("" if rows else found.header).encode())
            out.write(written(batch.rows.heads, weights, advantages, found.between))
            rows += len(weights)
            groups += len(batch.starts)
            progress(rows)
        if not rows:
            raise FileError(f"{source}: holds no rollouts")
    return Summary(rows, groups)


def _weigh_array(
    source: Path,
    destination: Path | None,
    weigh: Weigh,
    max_group: int,
    bounds: Bounds,
    progress: Callable[[int], None],
) -> Summary:
    if destination is None:
        raise FileError(f"{source}: an array must have an output file; name one with -o")
    _open(source).close()  # tells a file that cannot be read from one that is no array
    values = arrays.read(source, max_group)
    if not values.size:
        raise FileError(f"{source}: holds no rollouts")
    with _output(destination) as out:
        arrays.write(source, values, out, weigh=weigh, bounds=bounds, progress=progress)
    return Summary(values.size, len(values) if values.ndim == 2 else 1)


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
        raise FileError("standard output must be open, got none; name an output file with -o")
    sys.stdout.flush()
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()
