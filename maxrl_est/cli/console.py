"""What the commands share: one-line errors, a progress line, tables, and reports written whole or not at all."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maxrl_est._arguments import closest
from maxrl_est.files.formats import aligned, plain
from maxrl_est.files.whole import replacing


class Misuse(Exception):
    """What the user has to change, in one line."""


def named(option: str, value: str, known: Sequence[str]) -> str:
    """The value of an option that is one of some names; Misuse for any other."""
    if value not in known:
        hint = closest(value, known)
        raise Misuse(f"{option} must be one of {', '.join(known)}, got {value!r}{hint and '; '}{hint}")
    return value


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
    return write_text(path, json.dumps(plain(result), indent=2, allow_nan=False) + "\n")


def print_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print `aligned` lines."""
    print("\n".join(aligned(head, rows)))
