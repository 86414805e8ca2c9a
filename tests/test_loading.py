"""Where the commands find a user's function: by module from a project's root, by file inside a package or alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import maxrl_est

FUNCTION = "def advantages(rewards):\n    return rewards - rewards.mean(axis=-1, keepdims=True)\n"
SHADOW = "raise RuntimeError('shadowed by the file in the folder')\n"
CODE = """
import sys
from maxrl_est.cli import main
from maxrl_est.cli.loading import estimator
function = estimator(sys.argv[1])
print(function.__module__, function([1.0, 0.0]).tolist() if len(sys.argv) > 2 else "")
import numpy, random, statistics, tempfile
assert "site-packages" in numpy.__file__, numpy.__file__
"""


def project(folder):
    """A project whose package imports itself in both ways, beside files with the names of others' modules."""
    package = folder / "my_pkg"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "inner" / "__init__.py").write_text("from my_pkg.base import advantages\n")
    (package / "base.py").write_text(FUNCTION)
    (package / "inner" / "relative.py").write_text("from ..base import advantages as base\n" + wrapped("base"))
    (package / "inner" / "absolute.py").write_text("from my_pkg import base\n" + wrapped("base.advantages"))
    (package / "inner" / "beside.py").write_text("import neighbour\n" + wrapped("neighbour.advantages"))
    (package / "inner" / "neighbour.py").write_text(FUNCTION)
    return folder


def wrapped(call):
    return f"import numpy as np\nimport random\ndef function(r):\n    return {call}(np.asarray(r))\n"


def shadows(*folders):
    for folder in folders:
        for name in ("numpy", "random", "torch", "statistics", "tempfile", "numba"):
            (folder / f"{name}.py").write_text(SHADOW)


def python(folder, *arguments, safe="1"):
    """A fresh interpreter in a folder that, as for a console script, is not on its path."""
    root = str(Path(maxrl_est.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": root, "PYTHONSAFEPATH": safe}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def loaded(folder, target):
    done = python(folder, "-c", CODE, target, "call")
    assert done.returncode == 0, done.stderr
    return done.stdout.split(maxsplit=1)


@pytest.mark.parametrize(
    ("target", "module"),
    [
        ("my_pkg.inner.relative:function", "my_pkg.inner.relative"),
        ("my_pkg.inner.absolute:function", "my_pkg.inner.absolute"),
        ("my_pkg/inner/relative.py:function", "my_pkg.inner.relative"),
        ("my_pkg/inner/absolute.py:function", "my_pkg.inner.absolute"),
        ("my_pkg/inner/beside.py:function", "my_pkg.inner.beside"),
    ],
)
def test_a_package_is_found_from_the_root_of_its_project_and_shadowed_by_nothing(target, module, tmp_path):
    folder = project(tmp_path)
    shadows(folder, folder / "my_pkg" / "inner")
    assert loaded(folder, target) == [module, "[0.5, -0.5]\n"]


def test_a_file_finds_its_package_from_anywhere(tmp_path):
    folder = project(tmp_path / "project")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    target = f"{folder / 'my_pkg' / 'inner' / 'relative.py'}:function"
    assert loaded(elsewhere, target) == ["my_pkg.inner.relative", "[0.5, -0.5]\n"]
    assert python(elsewhere, "-c", CODE, "my_pkg.base:advantages").returncode != 0  # not from there by its module


def test_the_package_of_a_file_is_taken_and_not_another_of_its_name(tmp_path):
    """An older copy that is installed, say: here one beside the commands."""
    project(tmp_path / "first")
    second = project(tmp_path / "second")
    (second / "my_pkg" / "base.py").write_text(FUNCTION.replace("return", "return 2.0 *"))
    target = f"{second / 'my_pkg' / 'inner' / 'relative.py'}:function"
    assert loaded(tmp_path / "first", target)[1] == "[1.5, -0.5]\n"


def test_the_file_of_a_package_itself_is_the_package(tmp_path):
    folder = project(tmp_path)
    done = python(folder, "-c", CODE, "my_pkg/inner/__init__.py:advantages")
    assert (done.returncode, done.stdout.split()) == (0, ["my_pkg.base"]), done.stderr


def test_a_file_may_have_the_name_of_a_module_that_it_uses(tmp_path):
    (tmp_path / "random.py").write_text("import random\nassert random.random() < 1\n" + wrapped("np.positive"))
    assert loaded(tmp_path, "random.py:function") == ["maxrl_est_target_random", "[1.0, 0.0]\n"]


@pytest.mark.parametrize("safe", ["", "1"])
def test_the_command_as_a_module_is_shadowed_by_nothing(safe, tmp_path):
    shadows(project(tmp_path))
    done = python(tmp_path, "-m", "maxrl_est", "check", "my_pkg.base:advantages", "--group-sizes", "2", safe=safe)
    assert "shadowed" not in done.stdout + done.stderr
    assert "1/2 x J_1" in done.stdout, done.stderr


def test_a_package_that_breaks_when_it_is_imported_is_named(tmp_path):
    folder = project(tmp_path)
    (folder / "my_pkg" / "__init__.py").write_text("raise RuntimeError('not today')\n")
    done = python(folder, "-m", "maxrl_est", "check", "my_pkg/base.py:advantages")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "importing my_pkg/base.py raised RuntimeError: not today" in done.stderr
