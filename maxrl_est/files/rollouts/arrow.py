"""Plain rows by pyarrow, where that is installed: many at once, with the results of csv, json and repr.

Whatever it reads in another way, or may not read at all, is left to those: functions then give None.
"""

from __future__ import annotations

import functools
import importlib
import io
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import FloatArray

FEWEST = 1000  # rows for which it is worth importing
_LONGEST = 1 << 24  # bytes of a block, whose fields the csv module then takes too
_DIGITS = b"0123456789.eE+-"  # so no words: of what is spelt by these alone, it takes no more than float() does
_MARKS = (
    b'"',
    b"\r",
    b"\0",
    b"\n\n",
)  # where rows may not be lines, and fields not what stands there


@functools.cache
def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _pyarrow(rows: int, part: str) -> tuple[Any, Any]:
    """It and a part of it; None for so few rows, and where it is not installed."""
    if rows < FEWEST or _module("pyarrow") is None:
        return None, None
    return _module("pyarrow"), _module(f"pyarrow.{part}")


def of_csv(block: bytes, width: int, numbers: list[int], group: int) -> tuple[list[FloatArray], list[str]] | None:
    """Columns of numbers and groups, by their places, of lines without quotes, of so many fields each."""
    arrow, reader = _pyarrow(block.count(b"\n"), "csv")
    if arrow is None or len(block) > _LONGEST or any(mark in block for mark in _MARKS):
        return None
    if block.startswith((b"\n", b"\xef\xbb\xbf")):  # it would skip these
        return None
    names = [str(column) for column in range(width)]
    chosen = list(dict.fromkeys(map(str, (*numbers, group))))
    try:
        table = reader.read_csv(
            io.BytesIO(block),
            reader.ReadOptions(use_threads=False, column_names=names, block_size=2 * len(block)),
            reader.ParseOptions(quote_char=False),
            reader.ConvertOptions(column_types=dict.fromkeys(names, arrow.string()), include_columns=chosen),
        )
        texts = [table[str(place)] for place in numbers]
        if b"".join(chunk.buffers()[2] for text in texts for chunk in text.chunks).translate(None, _DIGITS):
            return None
        return [text.cast(arrow.float64()).to_numpy() for text in texts], table[str(group)].to_pylist()
    except arrow.ArrowInvalid:
        return None


def of_json(block: bytes, numbers: Iterable[str], group: str) -> tuple[list[FloatArray], list[Any]] | None:
    """Columns of numbers, and groups, all texts or all ints, of lines that are an object each."""
    lines = block.count(b"\n")
    arrow, reader = _pyarrow(lines, "json")
    if arrow is None or rb"\u" in block or not (block.startswith(b"{") and block.endswith(b"}\n")):
        return None
    if block.count(b"}\n{") != lines - 1:  # each is between two objects: within one it is an error
        return None
    for kind in (arrow.string(), arrow.int64()):
        schema = arrow.schema({**dict.fromkeys(numbers, arrow.float64()), group: kind}.items())
        try:
            table = reader.read_json(
                io.BytesIO(block),
                reader.ReadOptions(use_threads=False, block_size=2 * len(block)),
                reader.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
            )
        except arrow.ArrowInvalid:
            continue
        columns, groups = [table[name] for name in numbers], table[group]
        if len(table) != lines or groups.null_count or any(column.null_count for column in columns):
            return None
        found = [column.to_numpy() for column in columns]
        negative = any((np.signbit(values) & (values == 0)).any() for values in found)
        return None if negative else (found, groups.to_pylist())  # -0 is an int
    return None


def written(heads: list[str], weights: FloatArray, advantages: FloatArray, between: Sequence[str]) -> bytes | None:
    """The rows of the output: a head, a weight and an advantage, and what stands after each of them."""
    arrow, compute = _pyarrow(len(heads), "compute")
    if arrow is None:
        return None
    text = arrow.large_string()
    columns = [arrow.array(heads, text), *(_texts(arrow, compute, values) for values in (weights, advantages))]
    parts = zip(columns, (arrow.scalar(after, text) for after in between), strict=True)
    rows = compute.binary_join_element_wise(*itertools.chain(*parts), arrow.scalar("", text))
    _, offsets, content = rows.buffers()
    found: bytes = content[: np.frombuffer(offsets, dtype=np.int64)[len(rows)]].to_pybytes()
    return found


def _texts(arrow: Any, compute: Any, values: FloatArray) -> Any:
    """``repr`` of floats: it writes a whole one without .0, and has exponents elsewhere."""
    sizes, text = np.abs(values), arrow.large_string()
    whole, other = np.trunc(values) == values, ((sizes < 1e-4) & (sizes > 0)) | ~(sizes < 1e9)
    ends = compute.if_else(arrow.array(whole), arrow.scalar(".0", text), arrow.scalar("", text))
    shown = compute.binary_join_element_wise(arrow.array(values).cast(text), ends, arrow.scalar("", text))
    if not other.any():
        return shown
    return compute.replace_with_mask(
        shown, arrow.array(other), arrow.array(list(map(repr, values[other].tolist())), text)
    )
