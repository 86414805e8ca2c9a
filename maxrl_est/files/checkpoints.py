"""The state of a run in a file: JSON, in which floats keep all their bits, sealed by a digest, replaced as a whole."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

from maxrl_est.files.whole import FileError, replacing

_SECONDS = 5.0  # between two writes


class Checkpoint:
    """A file that one run, told by its configuration, may be resumed from.

    ``configuration`` is all that the result depends on, as JSON; a file with another one is refused, and so is one of
    which a single bit is not as it was written. Two processes with the same run do each other no harm: each writes
    whole files. Not for sharing work between them, as both do all of it.
    """

    def __init__(self, path: str | Path, configuration: dict[str, Any]) -> None:
        self.path, self.configuration = Path(path), json.loads(json.dumps(configuration))
        self._written = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """The state that was saved, None if there is no file."""
        try:
            content = _opened(self.path.read_bytes())
            configuration, state = content["configuration"], content["state"]
            if not (isinstance(configuration, dict) and isinstance(state, dict)):
                raise TypeError
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FileError(f"{self.path}: cannot be read: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            rule = "is not a checkpoint as it was written"
            raise FileError(f"{self.path}: {rule}; remove it or name another file") from error
        for name in [*self.configuration, *configuration]:
            theirs, ours = (given.get(name, "missing") for given in (configuration, self.configuration))
            if theirs != ours:
                raise FileError(f"{self.path}: is the checkpoint of another run: {name} is {theirs}, here it is {ours}")
        return state

    def damaged(self, what: str) -> FileError:
        """The error for a state that is none of this run: what is wrong with it."""
        return FileError(f"{self.path}: is not a checkpoint of this run: {what}; remove it or name another file")

    @property
    def due(self) -> bool:
        """Whether the last write is some seconds ago."""
        return time.monotonic() - self._written >= _SECONDS

    def save(self, state: dict[str, Any]) -> None:
        """Replace the file."""
        content = {"configuration": self.configuration, "state": state}
        with replacing(self.path) as stream:
            stream.write(_sealed(json.dumps(content).encode()))
        self._written = time.monotonic()


def _sealed(content: bytes) -> bytes:
    """An object of JSON with its own digest before all else."""
    return b'{"sha256": "%s", %s' % (hashlib.sha256(content).hexdigest().encode(), content[1:])


def _opened(sealed: bytes) -> Any:
    """The object; ValueError unless its bytes are those that `_sealed` gave."""
    content = b"{" + sealed[len(_sealed(b"{")) :]
    if _sealed(content) != sealed:
        raise ValueError
    return json.loads(content)
