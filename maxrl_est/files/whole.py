"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from maxrl_est._arguments import printable


class FileError(ValueError):
    """A file cannot be read or written, or holds something else; the message names it, the place and the rule.

    It is one line that a terminal shows as it is: what it quotes of a file is `printable`.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


@contextmanager
def replacing(destination: Path) -> Iterator[BinaryIO]:
    """A stream whose content becomes `destination` if the block succeeds, and vanishes if it fails."""
    target = Path(os.path.realpath(destination))  # a link stays, what it points to is replaced
    temporary = target.with_name(f".maxrl-est-{secrets.token_hex(8)}.tmp")
    try:
        if not target.parent.is_dir():
            raise FileError(f"{destination}: there is no folder {str(target.parent)!r}")
        if target.exists() and not target.is_file():
            raise FileError(f"{destination}: is not a regular file")
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
        _make_durable(target.parent)
    except OSError as error:
        raise FileError(f"{destination}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _make_durable(folder: Path) -> None:
    """Have the new name survive a loss of power, where the system lets a folder be opened."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
