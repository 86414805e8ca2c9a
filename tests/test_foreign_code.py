"""Code of others is run where it is named, from places that only its owner writes; their names are text."""

import importlib.util
import os
import sys
import warnings

import numba
import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.cli import main
from maxrl_est.estimates._kernels import _jit
from maxrl_est.files import formats
from maxrl_est.files.rollouts import write_weights
from maxrl_est.files.whole import FileError

posix = pytest.mark.skipif(os.name != "posix", reason="needs modes of POSIX")


@pytest.mark.parametrize("place", ["alone.py:f", "pack/inner.py:f", "pack.inner:f", "alone:f"])
def test_a_command_leaves_paths_and_modules_as_they_were(tmp_path, monkeypatch, capsys, place):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "helper_of_alone.py").write_text("")
    (tmp_path / "alone.py").write_text(
        "import helper_of_alone, sys\nsys.path.insert(0, 'x')\nf = lambda l: l - 0 * l\n"
    )
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("")
    (tmp_path / "pack" / "inner.py").write_text("from . import other\nf = other.f\n")
    (tmp_path / "pack" / "other.py").write_text("f = lambda l: l - 0 * l\n")
    main(["check", "rloo", "--group-sizes", "2"])  # what the command itself imports
    path, modules = list(sys.path), {*sys.modules}
    assert main(["check", place, "--objective", "expected", "--group-sizes", "2"]) == 0
    assert sys.path == path
    assert {*sys.modules} == modules
    assert main(["check", place, "--objective", "expected", "--group-sizes", "2"]) == 0  # and again
    capsys.readouterr()


def test_what_is_installed_stays(tmp_path, monkeypatch, capsys):
    """NumPy cannot be loaded twice, though an environment may lie below the folder that was added."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alone.py").write_text("import maxrl_est.selftest.mutants, json.tool\nf = lambda l: l\n")
    for name in ("json.tool", "maxrl_est.selftest.mutants"):
        sys.modules.pop(name, None)
    assert main(["check", "alone.py:f", "--objective", "expected", "--group-sizes", "2"]) == 0
    assert {"json.tool", "maxrl_est.selftest.mutants"} <= {*sys.modules}
    capsys.readouterr()


def test_no_file_that_is_read_is_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    np.save(tmp_path / "in.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(FileError, match=r"must be a plain \.npy array"):
        write_weights(tmp_path / "in.npy", tmp_path / "out.npy", likelihood="", group="", weigh=None, max_group=9)
    assert not (tmp_path / "sprung").exists()


# What numba keeps is a pickle.


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """Hits of the cache of a kernel in a new process, as it were, and whether there is a cache; with its folder."""
    folder, source = tmp_path / "cache", tmp_path / "small.py"
    source.write_text("def twice(x):\n    return 2 * x\n")
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(folder))
    monkeypatch.setattr(_jit, "KERNELS", [])

    def called():
        spec = importlib.util.spec_from_file_location("small", source)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        compiled = _jit.jit(module.twice)
        assert compiled(21) == 42
        return sum(compiled.stats.cache_hits.values()), bool(compiled.stats.cache_path)

    return called, folder


def files(folder, suffix):
    return [path for path in folder.rglob("*") if path.suffix == suffix]


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("content", [b"", b"\x80\x04", b"noise " * 99])
def test_a_damaged_cache_is_passed_over_and_made_anew(kernel, suffix, content):
    called, folder = kernel
    assert [called(), called()] == [(0, True), (1, True)]
    (path,) = files(folder, suffix)
    path.write_bytes(content)
    assert [called(), called()] == [(0, True), (1, True)]


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_a_cache_that_cannot_be_read_is_passed_over(kernel, suffix):
    called, folder = kernel
    called()
    (path,) = files(folder, suffix)
    path.unlink()
    path.mkdir()
    assert called() == (0, True)


def test_a_full_cache_is_passed_over(kernel, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    called, folder = kernel
    assert [called(), called()] == [(0, True), (0, True)]
    assert files(folder, ".nbc") == []


@posix
@pytest.mark.parametrize(("mode", "owner"), [(0o777, None), (0o1777, None), (0o755, 65534)])
def test_a_cache_that_others_may_write_is_not_read(kernel, mode, owner):
    """What is unpickled from it is run."""
    if owner is not None and os.geteuid():
        pytest.skip("gives a folder away")
    called, folder = kernel
    called()
    (own,) = folder.iterdir()
    own.chmod(mode)
    if owner is not None:
        os.chown(own, owner, -1)
    assert called() == (0, False)


# Names are text wherever they are shown.

NAME = "=cmd|'/c calc'!A1\n\x1b[31m\\input{x}%<script>[a](b)`"


def test_names_are_text_in_every_format(capsys):
    function = lambda l: l - l.mean(axis=-1, keepdims=True)  # noqa: E731
    function.__name__ = NAME
    table = mx.bias_variance_table({"coin": mx.problems.Bernoulli(0.5)}, n=[4], estimators=[function])
    forms = {name: getattr(table, f"to_{name}")() for name in ("csv", "latex", "html", "markdown", "text")}
    for name, text in forms.items():
        assert "\x1b" not in text or name in ("csv", "html"), name
        assert "<script>" not in text or name not in ("html", "markdown"), name
    assert "'=cmd" in forms["csv"]
    assert "\n'=cmd" not in forms["text"]
    assert "\\input" not in forms["latex"]
    assert "\\[a](b)\\`" in forms["markdown"]
    columns = {line.replace("\\|", "").count("|") for line in forms["markdown"].splitlines() if line[:1] == "|"}
    assert len(columns) == 1


@pytest.mark.parametrize("cell", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_a_cell_that_is_a_formula_is_text_in_csv(cell):
    assert formats.to_csv(["a"], [[cell]]).split("\n", 1)[1].strip('"').startswith("'")


@pytest.mark.parametrize("cell", ["-1.5", "+2", "-inf", "1e-3", "-", "", "nan", "a=b"])
def test_numbers_are_as_they_were_in_csv(cell):
    assert formats.to_csv(["a", "b"], [["x", cell]]).split("\n")[1] == f"x,{cell}"


def test_a_title_stays_in_its_comment():
    assert formats.as_comment("a\n\\input{x}\r\u2028b") == "% a\\n\\input{x}\\r\\u2028b"


# What would not fit.


def test_an_order_that_no_group_has_is_refused_before_memory_is_taken():
    for make in (mx.Objective.maxrl, mx.Objective.pass_at):
        with pytest.raises(ValueError, match=r"^(order|k) must be at most 10000000, got 1000000000000$"):
            make(10**12)
    with pytest.raises(ValueError, match="order must be at most 10000000, got 10000001"):
        mx.optimal_baseline(mx.problems.Bernoulli(0.5), 4, mx.Objective.tsallis(0.5, 10**7 + 1))


@pytest.mark.parametrize("baseline", [np.float32("inf"), np.float32("nan"), np.float16("-inf")])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_baseline_that_is_not_finite_is_refused_in_every_type(baseline, dtype):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="baseline must be finite, got"):
            mx.advantages(np.ones(3, dtype), baseline=baseline)


def test_a_baseline_is_finite_in_the_callers_type():
    """1e300 became -inf in float32, with a warning of NumPy's."""
    group = np.array([1, 0, 0.5], np.float32)
    for call in (mx.advantages, mx.estimators.weights_and_advantages):
        with pytest.raises(
            ValueError, match=r"baseline must be at most 3\.40282e\+38 for likelihoods in float32, got 1e\+300"
        ):
            call(group, baseline=1e300)
    assert np.isfinite(mx.advantages(group.astype(float), baseline=1e300)).all()
    largest = np.finfo(np.float32).max
    assert mx.advantages(group, baseline=largest).tolist() == [-largest] * 3
    np.testing.assert_array_equal(
        mx.advantages(group, baseline=np.float32(0.1)), mx.advantages(group, baseline=float(np.float32(0.1)))
    )
