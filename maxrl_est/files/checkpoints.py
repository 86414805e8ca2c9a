"""The state of a run in a file: JSON, in which floats keep all their bits, replaced as a whole."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from maxrl_est.files.whole import FileError, replacing

_SECONDS = 5.0  # between two writes


class Checkpoint:
    """A file that one run, told by its configuration, may be resumed from. Not for two runs at once.

    ``configuration`` is all that the result depends on, as JSON; a file with another one is refused.
    """

    def __init__(self, path: str | Path, configuration: dict[str, Any]) -> None:
        self.path, self.configuration = Path(path), json.loads(json.dumps(configuration))
        self._written = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """The state that was saved, None if there is no file."""
        try:
            content = json.loads(self.path.read_bytes())
            configuration, state = content["configuration"], content["state"]
            if not (isinstance(configuration, dict) and isinstance(state, dict)):
                raise TypeError
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FileError(f"{self.path}: cannot be read: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise FileError(f"{self.path}: is not a checkpoint; remove it or name another file") from error
        for name in [*self.configuration, *configuration]:
            theirs, ours = configuration.get(name), self.configuration.get(name)
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
            stream.write(json.dumps(content).encode())
        self._written = time.monotonic()
