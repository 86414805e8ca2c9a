"""What a user names on the command line: rows of the table, and functions and steps of files and packages."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from maxrl_est._arguments import closest
from maxrl_est.cli.console import Misuse
from maxrl_est.cli.frameworks import FRAMEWORKS, shipped

_TARGET = "maxrl_est_target_"  # before the name of a file's module


def estimator(text: str) -> Any:
    """The row of that name, or the function that path/to/file.py:function or package.module:function is.

    ``trl:GRPOTrainer``, ``verl:grpo`` and ``torchrl:MCAdvantage`` are what these frameworks ship.

    Packages are also looked for in the current folder, and a file may import its own package; both come after what is
    installed. Importing a function runs the user's code, which may print. Misuse where there is none.

    >>> estimator("rloo").name, estimator("maxrl_est:advantages").__name__
    ('rloo', 'advantages')
    """
    from maxrl_est import estimators

    place, colon, name = text.rpartition(":")
    if place in FRAMEWORKS:
        return shipped(place, name)
    if colon:
        return _function(text, _module(text, place), name)
    try:
        return estimators.chosen(text)
    except ValueError as error:
        raise Misuse(f"{error}; a function of yours is path/to/file.py:function") from None


def step(text: str) -> Any:
    """The training step that path/to/file.py:function or package.module:function is, or that a framework takes.

    ``trl:GRPOTrainer``, ``verl:vanilla`` and ``torchrl:GRPOLoss`` are those of these frameworks, as their adapters have
    them. Misuse where there is none.

    >>> step("maxrl_est:advantages").__name__
    'advantages'
    """
    place, colon, name = text.rpartition(":")
    if place in FRAMEWORKS:
        return shipped(place, name, step=True)
    if not colon:
        raise Misuse(f"TARGET must be path/to/file.py:function, package.module:function or trl:GRPOTrainer, got {text}")
    return _function(text, _module(text, place), name)


@functools.cache
def _loaded(text: str) -> Any:
    from maxrl_est import estimators

    return estimators.as_it_stands(estimator(text))


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


@contextmanager
def guests() -> Iterator[None]:
    """Have `sys.path` and `sys.modules` back as they were, but for what is installed: what a user named has left."""
    path, before = list(sys.path), {*sys.modules}
    try:
        yield
    finally:
        folders = {*map(str, sys.path)} - {*path}
        sys.path[:] = path
        theirs = {name for name in {*sys.modules} - before if "." not in name and _is_of(folders, name)}
        for name in [name for name in sys.modules if name.partition(".")[0] in theirs]:
            del sys.modules[name]


def _is_of(folders: set[str], name: str) -> bool:
    """Whether a module is the file of a target, or lies in one of these folders, and not deeper."""
    own = getattr(sys.modules[name], "__dict__", {})  # and not what a module makes up when it is asked
    places = list(own["__path__"]) if "__path__" in own else [own.get("__file__")]
    return name.startswith(_TARGET) or any(str(Path(place).parent) in folders for place in places if place)


def _module(text: str, place: str) -> ModuleType:
    argv = sys.argv
    try:
        sys.argv = [place]  # a script that reads its arguments finds none
        if place.endswith(".py"):
            return _of_file(text, Path(place))
        _search(Path.cwd())
        return importlib.import_module(place)
    except Misuse:
        raise
    except (Exception, SystemExit) as error:
        raise Misuse(f"{text}: importing {place} raised {type(error).__name__}: {error}") from error
    finally:
        sys.argv = argv


def _search(folder: Path) -> None:
    """Have modules of a folder found, after all that is installed: one of them may be called numpy.py."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _of_file(text: str, path: Path) -> ModuleType:
    """The module that a file is: in its package, whose root is above the topmost ``__init__.py``, or on its own."""
    if not path.is_file():
        raise Misuse(f"{text}: no file {path}")
    path = path.resolve()
    folder = path.parent
    names = [] if path.stem == "__init__" else [path.stem]
    while (folder / "__init__.py").is_file():
        names.insert(0, folder.name)
        folder = folder.parent
    for place in (folder, path.parent, Path.cwd()):
        _search(place)
    if folder != path.parent and _has_package(folder / names[0]):
        return importlib.import_module(".".join(names))
    return _executed(f"{_TARGET}{path.stem}", path)  # a file may be called random.py


def _has_package(folder: Path) -> bool:
    """Whether the package of a folder is the one of its name; it is imported unless the name is another's by now."""
    name = folder.name
    if name not in sys.modules and name not in sys.stdlib_module_names:
        _executed(name, folder / "__init__.py", [str(folder)])  # by its place: another may be installed
    return str(folder) in getattr(sys.modules.get(name), "__path__", [])


def _executed(name: str, path: Path, inside: list[str] | None = None) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=inside)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _function(text: str, module: ModuleType, name: str) -> Any:
    function: Any = module
    for part in name.split("."):  # a static method is Class.method
        function = getattr(function, part, None)
    if not callable(function):
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        hint = closest(name, functions) or f"it has {', '.join(functions) or 'none'}"
        raise Misuse(f"{text}: no function {name!r} there; {hint}")
    return function
