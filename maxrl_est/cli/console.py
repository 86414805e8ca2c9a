"""What the commands share: one-line errors, a progress line, tables, and reports written whole or not at all."""

from __future__ import annotations

import argparse
import codecs
import io
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from maxrl_est._arguments import one_of, printable, whole
from maxrl_est.files.formats import aligned, plain
from maxrl_est.files.whole import replacing


class Misuse(Exception):
    """What the user has to change, in one line that a terminal shows as it is."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


@contextmanager
def as_misuse() -> Iterator[None]:
    """Make a Misuse of the ValueError that a rule raises for what the user gave."""
    try:
        yield
    except ValueError as error:
        raise Misuse(str(error)) from None


def named(option: str, value: str, known: Sequence[str]) -> str:
    """The value of an option that is one of some names; Misuse for any other."""
    with as_misuse():
        return one_of(option, value, known)


def at_least(options: argparse.Namespace, **least: int) -> None:
    """Misuse unless these options, where they are given, are ints of at least so much."""
    for name, number in least.items():
        given = getattr(options, name)
        for value in given if isinstance(given, list) else [given]:
            if value is not None:
                with as_misuse():
                    whole(f"--{name.replace('_', '-')}", value, number)


def _spelt_out(error: UnicodeError) -> tuple[str | bytes, int]:
    """What stands for characters that an encoding has not: +- for the sign, escapes for others."""
    assert isinstance(error, UnicodeEncodeError)
    if error.object[error.start] == "\N{PLUS-MINUS SIGN}":
        return "+-", error.start + 1
    first = UnicodeEncodeError(error.encoding, error.object, error.start, error.start + 1, error.reason)
    return codecs.backslashreplace_errors(first)


codecs.register_error("maxrl_est.spelt_out", _spelt_out)


@contextmanager
def writes_any_text() -> Iterator[None]:
    """Let standard output take any text, whatever the terminal's encoding; afterwards it is as strict as before."""
    stream = sys.stdout
    if not isinstance(stream, io.TextIOWrapper):  # closed, or a stream in memory, which takes any text
        yield
        return
    earlier = stream.errors
    stream.reconfigure(errors="maxrl_est.spelt_out")
    try:
        yield
    finally:
        stream.reconfigure(errors=earlier)


def progress(text: str | None) -> None:
    """Show what is being done, on a terminal only; None clears the line."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text or ''}")
        sys.stderr.flush()


def terminal_width() -> int:
    """Columns for text: the terminal's, between 40 and 100; 80 where standard output is none."""
    if not sys.stdout.isatty():
        return 80
    return min(100, max(40, shutil.get_terminal_size((80, 24)).columns))


def check_target(option: str, path: str | Path | None) -> None:
    """Say that a file cannot be written before the work and not after it."""
    if path is None or str(path) == "-":
        return
    target = Path(path).resolve()
    folder = str(target.parent)
    if not target.parent.is_dir():
        raise Misuse(f"--{option} must be in a folder that exists, got {path}; there is no folder {folder!r}")
    if target.exists() and not target.is_file():
        raise Misuse(f"--{option} {path}: is not a regular file")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Misuse(f"--{option} {path}: the folder {folder!r} cannot be written to")


def write_text(path: str | None, text: str) -> bool:
    """Write a report where it was asked for; whether standard output is taken by it."""
    if path is None:
        return False
    if path == "-":
        sys.stdout.write(text)
        return True
    with replacing(Path(path)) as stream:
        stream.write(text.encode(errors="backslashreplace"))  # names of files may be no text
    return False


def write_json(path: str | None, result: dict[str, Any]) -> bool:
    """The same for a result as JSON."""
    return write_text(path, json.dumps(plain(result), indent=2, allow_nan=False) + "\n")


def print_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print `aligned` lines."""
    print("\n".join(aligned(head, rows)))
