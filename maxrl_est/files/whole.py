"""Files that are written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from maxrl_est._arguments import printable

if sys.platform != "win32":
    import fcntl


class FileError(ValueError):
    """A file cannot be read or written, or holds something else; the message names it, the place and the rule.

    It is one line that a terminal shows as it is: what it quotes of a file is `printable`.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


@contextmanager
def replacing(destination: Path) -> Iterator[BinaryIO]:
    """A stream whose content becomes `destination` if the block succeeds, and vanishes if it fails.

    Until then it is a hidden file beside it, of the same mode. A process that is killed leaves that behind, and the
    next one that replaces the same file removes it.
    """
    target = Path(os.path.realpath(destination))  # a link stays, what it points to is replaced
    temporary = None
    try:
        if not target.parent.is_dir():
            raise FileError(f"{destination}: there is no folder {str(target.parent)!r}")
        if target.exists() and not target.is_file():
            raise FileError(f"{destination}: is not a regular file")
        _remove_leftovers(target)
        temporary, stream = _beside(target)
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            if sys.platform == "win32":
                stream.close()  # or it could not be renamed
            temporary.replace(target)  # while it is still locked
        _make_durable(target.parent)
    except OSError as error:
        raise FileError(f"{destination}: cannot be written: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()


def _prefix(target: Path) -> str:
    """What the names of its temporary files begin with, however long its own is."""
    return f".maxrl-est-{hashlib.blake2b(os.fsencode(target.name), digest_size=8).hexdigest()}-"


def _beside(target: Path) -> tuple[Path, BinaryIO]:
    """A new file that nobody may read who may not read the target, locked as long as it is open."""
    kept = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    while True:
        path = target.with_name(f"{_prefix(target)}{secrets.token_hex(8)}.tmp")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        stream = os.fdopen(os.open(path, flags, 0o666 if kept is None else kept), "w+b")
        _lock(stream.fileno(), wait=True)
        if os.fstat(stream.fileno()).st_nlink:
            break
        stream.close()  # taken for a leftover before it was locked
    if kept is not None:
        path.chmod(kept)  # also what the umask took
    return path, stream


def _remove_leftovers(target: Path) -> None:
    """Remove the temporary files of processes that have ended: no living one holds their lock."""
    for path in target.parent.glob(f"{_prefix(target)}*.tmp"):
        with suppress(OSError):
            if sys.platform == "win32":
                path.unlink()  # fails where it is open
                continue
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                if _lock(descriptor, wait=False):
                    path.unlink()
            finally:
                os.close(descriptor)


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Whether the open file is locked now, until it is closed or the process ends in any way."""
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:  # another's, or the file system has no locks
            return False
    return True


def _make_durable(folder: Path) -> None:
    """Have the new name survive a loss of power, where the system lets a folder be opened."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
