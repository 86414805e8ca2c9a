"""What importing the package costs, and where its compiled code is kept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import maxrl_est

PACKAGE = Path(maxrl_est.__file__).parent
HEAVY = {"flint", "jax", "llvmlite", "matplotlib", "mpmath", "numba", "pandas", "scipy", "sympy", "torch"}


def python(code, tmp_path, *, path=PACKAGE.parent, **environment):
    """What a fresh interpreter prints, as JSON; warnings are errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def imported(code, tmp_path):
    names = "sorted({name.partition('.')[0] for name in sys.modules})"
    return set(python(f"import json, sys\nimport maxrl_est\n{code}\nprint(json.dumps({names}))", tmp_path))


def test_importing_the_package_imports_nothing_heavy(tmp_path):
    assert imported("", tmp_path) & HEAVY == set()


def test_objectives_problems_and_exact_answers_need_nothing_heavy(tmp_path):
    code = """
from fractions import Fraction
maxrl_est.Objective.maxrl(8).weight(0.5)
maxrl_est.loo_weights([Fraction(1), Fraction(1, 2)])
maxrl_est.exact_moments(maxrl_est.problems.Bernoulli(Fraction(1, 4)), maxrl_est.estimators.get("maxrl"), 2)
"""
    assert imported(code, tmp_path) & HEAVY == set()


def test_the_first_weights_of_floats_import_numba_and_what_it_imports(tmp_path):
    heavy = imported("maxrl_est.loo_weights([0.5, 0.25])", tmp_path) & HEAVY
    assert heavy - {"scipy"} == {"llvmlite", "numba"}  # numba looks for SciPy's linear algebra


def test_where_numba_compiles_nothing_weights_come_from_array_operations(tmp_path):
    """As in coverage jobs; the interpreter cannot run the instructions of LLVM that kernels are made of."""
    code = """
import json
import maxrl_est
from maxrl_est.estimates._kernels import load
x = [1.0, 0.0, 0.25, 0.5]
print(json.dumps([
    load().compiled,
    maxrl_est.loo_weights(x).tolist(),
    maxrl_est.loo_weights(x, 2).tolist(),
    maxrl_est.advantages(x).tolist(),
    maxrl_est.advantages(x, baseline="pass_loo").tolist(),
    maxrl_est.objective_estimate(x),
]))
"""
    (compiled, *usual), (without, *got) = (
        python(code, tmp_path, NUMBA_DISABLE_JIT=off, MAXRL_EST_KERNELS=kind)
        for off, kind in (("0", "numba"), ("1", "auto"))
    )
    assert (compiled, without) == (True, False)
    assert got == [pytest.approx(x, rel=1e-14) for x in usual]


def calling(call, name):
    """Code that prints a result and what became of one kernel."""
    return f"""
import json
import maxrl_est
from maxrl_est.estimates._kernels import load
result = maxrl_est.{call}.tolist()
assert load().compiled
stats = load().{name}.stats
hits, misses = sum(stats.cache_hits.values()), sum(stats.cache_misses.values())
print(json.dumps([result, hits, misses, str(stats.cache_path)]))
"""


WEIGHTS = calling("loo_weights([1, 0, 0, 0.5], 2)", "loo_weights")
POWERS = calling("failure_powers([1, 0, 0, 1], 2)", "powers")  # quicker to compile
EXPECTED = [1.0, 0.5, pytest.approx(1 / 6)]


def test_a_second_process_reuses_what_the_first_one_compiled(tmp_path):
    cache = tmp_path / "cache"
    first, second = (python(WEIGHTS, tmp_path, NUMBA_CACHE_DIR=str(cache)) for _ in range(2))
    expected, path = [1 + 2.5 / 3, 1.5, 1.5, 1 + 2 / 3], first[3]
    assert Path(path).parent == cache
    assert list(cache.rglob("recurrence.loo_weights_*.nbc"))
    assert first == [pytest.approx(expected), 0, 1, path]
    assert second == [first[0], 1, 0, path]


def copied_package(folder):
    shutil.copytree(PACKAGE, folder / "maxrl_est", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def nowhere_to_cache(tmp_path):
    """A copy of the package and an environment in which every place for a cache is below a regular file.

    That holds for root too, whom permissions would not stop.
    """
    copy, file = copied_package(tmp_path / "copy"), tmp_path / "file"
    file.touch()
    for folder in [copy / "maxrl_est", *(path for path in (copy / "maxrl_est").rglob("*") if path.is_dir())]:
        (folder / "__pycache__").touch()
    homes = ("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR", "LOCALAPPDATA", "IPYTHONDIR")
    return {"path": copy, **{name: str(file / "below") for name in homes}}


def test_without_a_writable_cache_the_kernels_are_compiled_in_memory(tmp_path, nowhere_to_cache):
    assert python(POWERS, tmp_path, **nowhere_to_cache) == [EXPECTED, 0, 1, "None"]
    assert not list(tmp_path.rglob("*.nb[ci]"))


def test_numba_alone_refuses_to_cache_there(tmp_path, nowhere_to_cache):
    code = """
import json
from numba import njit
import maxrl_est.estimates._kernels.nodes as module
try:
    exec(compile("@njit(cache=True)\\ndef f(): return 1", module.__file__, "exec"))
except RuntimeError as error:
    print(json.dumps(str(error)))
"""
    assert "no locator available" in python(code, tmp_path, **nowhere_to_cache)
