"""What the commands share: one-line errors, a progress line, tables, and reports written whole or not at all."""

from __future__ import annotations

import difflib
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maxrl_est.files.whole import replacing


class Misuse(Exception):
    """What the user has to change, in one line."""


def closest(name: str, known: Sequence[str]) -> str:
    """The closest known name, if one is close, else all of them."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"{close[0]!r} (did you mean that?)" if close else ", ".join(known) or "none"


def progress(text: str | None) -> None:
    """Show what is being done, on a terminal only; None clears the line."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text or ''}")
        sys.stderr.flush()


def check_folder(option: str, path: str | None) -> None:
    """Say that a report cannot be written before the work and not after it."""
    if path not in (None, "-") and not Path(str(path)).resolve().parent.is_dir():
        raise Misuse(f"--{option} {path}: there is no folder {str(Path(str(path)).resolve().parent)!r}")


def write_text(path: str | None, text: str) -> bool:
    """Write a report where it was asked for; whether standard output is taken by it."""
    if path is None:
        return False
    if path == "-":
        sys.stdout.write(text)
        return True
    with replacing(Path(path)) as stream:
        stream.write(text.encode())
    return False


def write_json(path: str | None, result: dict[str, Any]) -> bool:
    """The same for a result as JSON."""
    return write_text(path, json.dumps(_plain(result), indent=2, allow_nan=False) + "\n")


def print_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print `aligned` lines."""
    print("\n".join(aligned(head, rows)))


def aligned(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines with columns as wide as their widest cell: the head, a rule, the rows."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = (head, tuple("-" * width for width in widths), *rows)
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def _plain(value: Any) -> Any:
    """The same for JSON, which has no infinities and no NaN: they become text."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
