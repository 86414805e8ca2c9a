"""The room of the adapters: reachable, without a framework until one is used, and clear where one is missing."""

import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path

import pytest

import maxrl_est as mx

FRAMEWORKS = ("array_api_compat", "jax", "swift", "tensordict", "torch", "torchrl", "trl", "tunix", "verl")
WITHOUT = f"""
import sys
import maxrl_est as mx
for name in {FRAMEWORKS}:
    sys.modules[name] = None  # as if it were not installed
"""


def lines_of(code):
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_package_is_reachable_and_imports_no_framework():
    code = f"""
import sys
import maxrl_est as mx
print(dir(mx.adapters) == mx.adapters.__all__)
print([name for name in {FRAMEWORKS} if name in sys.modules])
"""
    assert lines_of(code) == ["True", "[]"]


def test_all_modules_are_named():
    files = {path.stem for path in Path(mx.adapters.__file__).parent.glob("[a-z]*.py")}
    assert files == set(mx.adapters.__all__)


def test_a_module_is_there_at_its_first_use():
    pytest.importorskip("array_api_compat", reason="needs array-api-compat")
    assert lines_of("import maxrl_est as mx; print(mx.adapters.array_api.advantages.__module__)") == [
        "maxrl_est.adapters.array_api"
    ]


@pytest.mark.parametrize("name", ["array_api", "jax", "swift", "torch", "torchrl", "trl", "tunix", "verl"])
def test_where_a_framework_is_missing_one_line_says_which_extra_brings_it(name):
    code = f"""{WITHOUT}
try:
    mx.adapters.{name}
except ImportError as error:
    print(error)
try:
    from maxrl_est.adapters import {name}
except ImportError as error:
    print(error)
"""
    first, second = lines_of(code)
    extra = name.replace("_", "-")
    assert first == second
    assert first.startswith(f"maxrl_est.adapters.{name} needs ")
    assert first.endswith(f": pip install 'maxrl-est[{extra}]'")
    assert extra in metadata("maxrl-est").get_all("Provides-Extra")


def test_what_is_no_adapter_is_no_attribute():
    with pytest.raises(AttributeError, match=r"^module 'maxrl_est\.adapters' has no attribute 'numpy'$"):
        _ = mx.adapters.numpy
    assert not hasattr(mx.adapters, "_torch")
