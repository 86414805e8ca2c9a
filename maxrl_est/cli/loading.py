"""Estimators that a user names on the command line: rows of the table, and functions of files and packages."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from maxrl_est._arguments import closest
from maxrl_est.cli.console import Misuse


def estimator(text: str) -> Any:
    """The row of that name, or the function that path/to/file.py:function or package.module:function is.

    Importing a function runs the user's code, which may print. Misuse where there is none.

    >>> estimator("rloo").name, estimator("maxrl_est:advantages").__name__
    ('rloo', 'advantages')
    """
    from maxrl_est import estimators

    place, colon, name = text.rpartition(":")
    if colon:
        return _function(text, _module(text, place), name)
    try:
        return estimators.chosen(text)
    except ValueError as error:
        raise Misuse(f"{error}; a function of yours is path/to/file.py:function") from None


_loaded = functools.cache(estimator)


@dataclass(frozen=True, slots=True)
class LoadedFunction:
    """A user's function under its text: what a file defines cannot be pickled, so every process loads it for itself.

    What it prints is no part of a report, and whatever it raises becomes a ValueError that names it.
    """

    name: str

    def __call__(self, likelihoods: Any) -> Any:
        """Advantages (B, N), as the function returns them."""
        with redirect_stdout(sys.stderr):
            function = _loaded(self.name)
            try:
                return function(likelihoods)
            except Exception as error:
                raise ValueError(f"{self.name} raised {type(error).__name__}: {error}") from error


def _module(text: str, place: str) -> ModuleType:
    argv = sys.argv
    try:
        sys.argv = [place]  # a script that reads its arguments finds none
        return _of_file(text, Path(place)) if place.endswith(".py") else importlib.import_module(place)
    except Misuse:
        raise
    except (Exception, SystemExit) as error:
        raise Misuse(f"{text}: importing {place} raised {type(error).__name__}: {error}") from error
    finally:
        sys.argv = argv


def _of_file(text: str, path: Path) -> ModuleType:
    if not path.is_file():
        raise Misuse(f"{text}: no file {path}")
    alias = f"maxrl_est_target_{path.stem}"  # a file may be called random.py
    spec = importlib.util.spec_from_file_location(alias, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[alias] = module
    sys.path.append(str(path.resolve().parent))
    spec.loader.exec_module(module)
    return module


def _function(text: str, module: ModuleType, name: str) -> Any:
    function = getattr(module, name, None)
    if not callable(function):
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        hint = closest(name, functions) or f"it has {', '.join(functions) or 'none'}"
        raise Misuse(f"{text}: no function {name!r} there; {hint}")
    return function
