"""Whatever a page or a public docstring tells a reader to use is reachable after ``import maxrl_est as mx``."""

from __future__ import annotations

import ast
import dataclasses
import doctest
import importlib
import inspect
import pkgutil
import re
import types
from pathlib import Path

import pytest

import maxrl_est as mx

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "proofs/README.md")]
PAGES += sorted(page for page in (ROOT / "analysis").glob("*.md"))
FRAMEWORKS = {
    "array_api",
    "jax",
    "swift",
    "torch",
    "torchrl",
    "trl",
    "tunix",
    "verl",
}  # adapters, each of which needs its own
DOTTED = re.compile(r"\b(?:mx|maxrl_est)((?:\.[A-Za-z]\w*)+)")
REFERENCE = re.compile(r"(?<![`:])`([A-Za-z_][\w.]*)`(?!`)")  # of docstrings: `name`, but not ``code``


def reachable(path):
    """Whether `path`, such as estimators.get, leads through public names only, from maxrl_est on."""
    value = mx
    for name in path.split("."):
        public = getattr(value, "__all__", None)
        if isinstance(value, types.ModuleType) and public is not None and name not in public:
            return False
        if value is getattr(mx, "adapters", None) and name in FRAMEWORKS:
            return True
        if dataclasses.is_dataclass(value) and name in {field.name for field in dataclasses.fields(value)}:
            return True
        if not hasattr(value, name):
            return False
        value = getattr(value, name)
    return True


def public_objects():
    """Name and value of all that can be reached: modules, their functions and classes, and these classes' methods."""
    waiting, seen = [("", mx)], {}  # seen keeps values alive, so that no other one gets their id
    while waiting:
        path, value = waiting.pop()
        yield path, value
        if id(value) in seen:
            continue
        seen[id(value)] = value
        if isinstance(value, types.ModuleType):
            names = [name for name in value.__all__ if not (value is mx.adapters and name in FRAMEWORKS)]
        elif inspect.isclass(value) and value.__module__.startswith("maxrl_est"):
            names = [name for name in vars(value) if not name.startswith("_")]
        else:
            continue
        waiting += [(f"{path}.{name}".lstrip("."), getattr(value, name)) for name in names]


OBJECTS = dict(public_objects())
DOCUMENTED = {
    path: value
    for path, value in OBJECTS.items()
    if inspect.ismodule(value) or inspect.isclass(value) or inspect.isroutine(value) or isinstance(value, property)
}
SHORT = {name for path in OBJECTS for name in (path.rpartition(".")[2],)}


def test_every_public_name_is_there_and_listed_once():
    assert len(set(mx.__all__)) == len(mx.__all__)
    assert sorted(mx.__all__) == list(mx.__all__) == dir(mx)
    for name in mx.__all__:
        assert getattr(mx, name) is not None


def test_types_are_told_to_checkers_for_every_public_name():
    tree = ast.parse(Path(mx.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    told = {alias.asname or alias.name for node in block.body for alias in node.names}
    assert told == set(mx.__all__)


def test_what_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing_like_this'"):
        mx.nothing_like_this  # noqa: B018


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_can_be_reached(page):
    for path in DOTTED.findall(page.read_text()):
        assert reachable(path[1:]), f"maxrl_est{path}"


@pytest.mark.parametrize("path", DOCUMENTED)
def test_what_a_public_docstring_names_can_be_reached(path):
    text = inspect.getdoc(DOCUMENTED[path]) or ""
    for found in DOTTED.findall(text):
        assert reachable(found[1:]), f"{path}: maxrl_est{found}"
    for name in REFERENCE.findall(text):
        name = name.removeprefix("maxrl_est.").removeprefix("mx.")
        assert reachable(name) or _beside(path, name), f"{path} refers to `{name}`"


def _beside(path, name):
    """Whether a name is one of a neighbour, of a member, of a row, or of what the text stands beside."""
    first = name.partition(".")[0]
    home = path.rpartition(".")[0]
    places = {f"{place}.{first}".lstrip(".") for place in (path, home, home.rpartition(".")[0])}
    rows = {*mx.estimators.names(), *mx.estimators.sequential_names()}
    return bool(places & set(OBJECTS)) or first in rows or first in SHORT


@pytest.mark.parametrize("path", DOCUMENTED)
def test_whatever_is_public_says_what_it_is(path):
    assert inspect.getdoc(DOCUMENTED[path]), path


FUNCTIONS = {
    path: value
    for path, value in DOCUMENTED.items()
    if inspect.isfunction(value) and inspect.ismodule(OBJECTS[path.rpartition(".")[0]])
}


@pytest.mark.parametrize("path", FUNCTIONS)
def test_a_function_of_several_arguments_says_what_goes_in_comes_out_and_is_refused(path):
    text = inspect.getdoc(FUNCTIONS[path])
    if len(inspect.signature(FUNCTIONS[path]).parameters) > 1:
        for title in ("Parameters", "Returns", "Raises"):
            assert f"\n{title}\n{'-' * len(title)}\n" in text, f"{path} has no section {title}"


def test_examples_import_what_is_public():
    """An example shows a reader how to get at a name: by ``mx``, or from a public module."""
    for path, value in DOCUMENTED.items():
        for example in doctest.DocTestParser().get_examples(inspect.getdoc(value) or ""):
            for node in ast.walk(ast.parse(example.source)):
                names = []
                if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("maxrl_est"):
                    names = [f"{node.module}.{alias.name}" for alias in node.names]
                elif isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names if alias.name.startswith("maxrl_est.")]
                for name in names:
                    assert reachable(name.removeprefix("maxrl_est.")), f"{path}: {name}"


ADVERTISED = [name for name in mx.__all__ if inspect.ismodule(getattr(mx, name))]


@pytest.mark.parametrize("name", ADVERTISED)
def test_a_module_in_an_advertised_folder_is_public_or_has_an_underscore(name):
    module = getattr(mx, name)
    for entry in pkgutil.iter_modules(getattr(module, "__path__", [])):
        assert entry.name.startswith("_") or entry.name in module.__all__, f"{module.__name__}.{entry.name}"


def test_the_first_level_of_the_package_is_short():
    folder = Path(mx.__file__).parent
    entries = [path.name for path in folder.iterdir() if path.name not in ("__pycache__", "proofs")]
    assert len(entries) <= 20, sorted(entries)


def test_a_wrong_name_would_be_found():
    assert not reachable("estimators.registry")
    assert not reachable("estimates.groups")
    assert not reachable("no_such_name")
    assert importlib.import_module("maxrl_est.estimates.groups") is not None  # though it is there
