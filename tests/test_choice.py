"""Which kernels compute: NumPy's until compiling pays, and for a job of reproducible bits by its size alone."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.cli import compile, main
from maxrl_est.estimates import settled
from maxrl_est.estimates._kernels import Kernels, Operation, _ahead, _choice, _jit, _quadrature

PACKAGE = str(Path(mx.__file__).parents[1])
GROUPS = np.random.default_rng(0).random((9, 600))
FEW = np.array([[0.25, 0.5, 1.0]])


def new_process(code, setting, **options):
    environment = {**os.environ, "PYTHONPATH": PACKAGE, _choice.VARIABLE: setting}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment, text=True, check=False, **options
    )


def printed(code, setting="auto"):
    done = new_process(f"import sys, numpy as np, maxrl_est as mx\n{code}", setting, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture
def which(monkeypatch):
    """Whether a call of an operation is compiled, where the environment says nothing."""
    ran = []

    def kernels(compiled):
        fakes = [lambda *_: ran.append(compiled)] * (len(Kernels._fields) - 1)
        return lambda: Kernels(compiled, *fakes)

    monkeypatch.setattr(_choice, "setting", lambda: "auto")
    monkeypatch.setattr(_choice, "load", kernels(True))
    monkeypatch.setattr(_choice, "in_arrays", kernels(False))

    def call(operation, groups=FEW):
        ran.clear()
        operation(groups, groups)
        (compiled,) = ran
        return compiled

    return call


def test_the_first_results_of_a_process_import_no_compiler():
    code = """
mx.loo_weights([1, 0, 0]), mx.loo_weights([0.5, 0.25], 1), mx.advantages([[1, 0], [0, 1]], baseline="pass_loo")
mx.objective_estimate([1, 0, 0]), mx.failure_powers([1, 0], 2), mx.loo_failure_powers([1, 0], 1)
print("numba" in sys.modules, round(mx.loo_weights(np.ones((80_000, 64))).sum()), "numba" in sys.modules)"""
    assert printed(code) == ["False", "5120000", "True"]


@pytest.mark.parametrize("setting", ["numba", "numpy"])
def test_the_environment_decides_otherwise(setting):
    code = "mx.loo_weights(np.ones((9, 8))); print('numba' in sys.modules)"
    assert printed(code, setting) == [str(setting == "numba")]


def test_a_setting_that_is_none_is_an_error():
    done = new_process("import maxrl_est as mx; mx.loo_weights([1, 0])", "fast", capture_output=True)
    assert "MAXRL_EST_KERNELS must be one of auto, numba, numpy, got 'fast'" in done.stderr


@pytest.mark.parametrize("command", ["check rloo --group-sizes 4", "weights g.csv", "prove circle-rule", "compile"])
def test_commands_say_it_before_they_judge_anything(command, monkeypatch, capfd):
    monkeypatch.setenv(_choice.VARIABLE, "fast")
    _choice.setting.cache_clear()
    try:
        assert main(command.split()) == 2
    finally:
        _choice.setting.cache_clear()
    name = command.split()[0]
    message = "MAXRL_EST_KERNELS must be one of auto, numba, numpy, got 'fast'"
    assert capfd.readouterr().err == f"maxrl-est {name}: {message}\n"


def test_numba_must_be_there_to_be_asked_for():
    code = "import sys; sys.modules['numba'] = None; import maxrl_est as mx; mx.loo_weights([1, 0])"
    done = new_process(code, "numba", capture_output=True)
    assert "MAXRL_EST_KERNELS must be numpy or auto where numba cannot be imported" in done.stderr


def fresh():
    return Operation("full_order_weights", _quadrature)


def test_small_calls_add_up_until_a_compiler_pays(which):
    operation = fresh()
    runs = [which(operation) for _ in range(200_000)]
    first = runs.index(True)
    assert 10_000 < first < 150_000
    assert all(runs[first:])


def test_one_large_call_is_compiled_at_once(which):
    assert which(fresh(), np.zeros((4_000_000, 8)))


def test_a_job_is_settled_by_its_size_and_not_by_what_ran_before(which):
    used, new = fresh(), fresh()
    which(used, np.zeros((4_000_000, 8)))
    for operation in (used, new):
        with settled(1000, 8):
            assert not which(operation)
        with settled(10**8, 8):
            assert which(operation)
    assert which(used)
    assert not which(new)


def test_samples_have_the_same_bits_before_and_after_a_compiler_came():
    code = """
def drawn():
    return mx.monte_carlo(mx.problems.Bernoulli(0.25), "ustat", 7, replicates=500, seed=0).mean[0].hex()
before = drawn()
mx.loo_weights(np.ones((80_000, 64)))
print(before == drawn(), "numba" in sys.modules)"""
    assert printed(code) == ["True", "True"]


def test_both_ways_are_within_ulps_of_each_other(monkeypatch):
    groups = np.random.default_rng(0).random((50, 12))
    found = []
    for setting in ("numba", "numpy"):
        monkeypatch.setattr(_choice, "setting", lambda setting=setting: setting)
        with settled(1, 1):
            found.append(mx.loo_weights(groups))
    np.testing.assert_array_max_ulp(*found, maxulp=8)
    assert (found[0] != found[1]).any()


def test_underflow_is_no_error_whichever_way_is_taken(monkeypatch):
    monkeypatch.setattr(_choice, "setting", lambda: "numpy")
    with np.errstate(all="raise"), settled(1, 1):
        np.testing.assert_allclose(mx.loo_weights(np.full(7, 5e-324)), 7.0)


def test_kernels_leave_the_compiling_of_others_alone():
    code = """
import types, numba
from maxrl_est.estimates._kernels import quadrature
homeless = types.FunctionType((lambda x: x + 1).__code__, {})
print(homeless.__module__, numba.njit(homeless)(3))"""
    assert printed(code) == ["None", "4"]


def test_the_command_compiles_every_kernel(capfd, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    assert main(["compile"]) == 0
    counted = re.match(r"(\d+) kernels compiled, (\d+) were in the cache; .* s\ncache: .", capfd.readouterr().out)
    assert sum(map(int, counted.groups())) >= len(Kernels._fields) - 1
    assert len(_jit.KERNELS) == sum(bool(kernel.signatures) for kernel in _jit.KERNELS)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/elsewhere")
    assert main(["compile"]) == 1
    assert "could not write to NUMBA_CACHE_DIR, /elsewhere" in capfd.readouterr().out
    monkeypatch.setattr(_ahead, "compiled", lambda: None)
    assert main(["compile"]) == 2
    assert "numba cannot be imported" in capfd.readouterr().err
    monkeypatch.setattr(compile, "setting", lambda: "numpy")
    assert main(["compile"]) == 2
    assert "MAXRL_EST_KERNELS must not be numpy" in capfd.readouterr().err


def test_after_the_command_nothing_is_left_to_compile(capfd, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    assert main(["compile"]) == 0
    before = [kernel.signatures[:] for kernel in _jit.KERNELS]
    with settled(float("inf"), 1):
        for n in (1, 2, 9, 17, 200, 600):
            for groups in (GROUPS[:, :n], GROUPS[:, :n].astype(np.float32), np.asfortranarray(GROUPS[:, :n])):
                for order in {1, (n + 1) // 2, n}:
                    mx.loo_weights(groups, order)
                    mx.objective_estimate(groups, order)
                    mx.weight_estimate(groups, order)
                mx.loo_weights(groups), mx.weight_estimate(groups), mx.loo_weights(groups, n_threads=2)
                mx.failure_powers(groups, 1), mx.loo_failure_powers(groups, min(1, n - 1))
                for baseline in ("mean_loo", "pass_loo") if n > 2 else ():
                    mx.advantages(groups, baseline=baseline), mx.advantages(groups, 2, baseline=baseline)
    assert [kernel.signatures for kernel in _jit.KERNELS] == before


def test_compiling_is_told_once_and_on_a_terminal_alone(tmp_path):
    code = """
import numpy as np
from maxrl_est.estimates import checked
checked.mean_of_others(np.eye(2)), checked.failure_of_others(np.eye(2))"""
    environment = {**os.environ, "PYTHONPATH": PACKAGE, _choice.VARIABLE: "numba", "NUMBA_CACHE_DIR": str(tmp_path)}
    terminal, end = pty.openpty()
    subprocess.run([sys.executable, "-c", code], env=environment, stderr=end, check=True)
    os.close(end)
    assert os.read(terminal, 1000).decode().strip() == (
        "maxrl_est compiles its kernels, which takes seconds, once on this machine"
    )
    again = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert again.stderr == b""
