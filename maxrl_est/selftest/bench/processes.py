"""What only a new process shows: the time to start, what is compiled then, and the memory of one call."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from maxrl_est.estimates.ustatistics import loo_weights
from maxrl_est.selftest.bench.figures import Figure, NotMeasured

HEAVY_MODULES = ("numba", "sympy", "scipy.stats", "matplotlib")
FIRST_CALL = "maxrl_est.loo_weights([1, 0, 0])"
FULL_ORDER = "[maxrl_est.loo_weights(np.full((64, n), 0.5, d)) for n in (8, 32, 64, 128, 512) for d in ('f4', 'f8')]"
PATIENCE, STARTING = 5, 10.0  # times its limit, and seconds more, after which what has a limit in seconds is stopped


def figures() -> list[Figure]:
    """Seconds until the package can be used, each in a new process, and what importing it brings in."""
    cold = "empty compilation cache, import of NumPy excluded"
    return [
        Figure("import maxrl_est", "median of 5 processes", 0.25, _import_seconds, "s"),
        Figure("heavy modules imported", f"of {', '.join(HEAVY_MODULES)}", 0.0, _heavy_modules, "modules"),
        Figure("first loo_weights of a process", cold, 1.5, lambda _: _first_calls()[0], "CPU s"),
        Figure("first loo_weights of a process", "filled cache", 1.0, lambda _: _first_calls()[1], "CPU s"),
        Figure("compiling all that T = N needs", "import of numba excluded", 6.0, _compilation, "CPU s"),
    ]


def _import_seconds(_: float) -> tuple[float, str]:
    codes = [_timed("perf_counter", "", f"import {package}") for package in ("maxrl_est", "numpy")]
    python(codes[0])  # reads the files into the system's cache and compiles them to bytecode
    runs = [[float(python(code)) for code in codes] for _ in range(5)]
    package, numpy = map(statistics.median, zip(*runs, strict=True))
    return package, f"NumPy alone, by turns with those: {numpy:.2g} s"


def _heavy_modules(_: float) -> tuple[float, str]:
    heavy = python(f"import sys, maxrl_est; print(*[m for m in {HEAVY_MODULES} if m in sys.modules])").split()
    return float(len(heavy)), ", ".join(heavy)


@cache
def _first_calls() -> tuple[float, float]:
    """CPU seconds of the first call with an empty cache of compiled code, and with what that left there."""
    code = _timed("process_time", "import numpy", f"import maxrl_est; {FIRST_CALL}")
    with tempfile.TemporaryDirectory() as folder:
        cold, warm = (float(python(code, NUMBA_CACHE_DIR=folder)) for _ in range(2))
    return cold, warm


def _compilation(_: float) -> float:
    code = _timed("process_time", "import numpy as np, numba, maxrl_est", FULL_ORDER)
    with tempfile.TemporaryDirectory() as folder:
        return float(python(code, NUMBA_CACHE_DIR=folder, MAXRL_EST_KERNELS="numba"))


def _timed(clock: str, before: str, statement: str) -> str:
    """Code that prints how many seconds of a clock a statement takes, after another one."""
    return f"{before}\nimport time; start = time.{clock}(); {statement}; print(time.{clock}() - start)"


def seconds_of(before: str, statement: str, limit: float) -> tuple[float, str]:
    """CPU seconds of a statement in a new process, its own processes included, after what is not timed; and a note.

    What takes several times its limit is stopped, and that is then what it took at least.
    """
    clock, patience = "sum(os.times()[:4])", STARTING + PATIENCE * limit
    code = f"import os\n{before}\nstart = {clock}\n{statement}\nprint()\nprint({clock} - start)"
    try:
        return float(python(code, timeout=patience).split()[-1]), ""
    except subprocess.TimeoutExpired:
        return patience, "stopped there"


def scratch_memory() -> Figure:
    """Memory that one call at N = 4096, T = 2048 takes at its peak."""
    return Figure("any order: peak scratch memory", "N=4096 T=2048", 64.0, _scratch, "MiB")


def _scratch(_: float) -> float:
    loo_weights(np.linspace(0, 1, 1024), 512)  # fills the compilation cache, so that no compiler runs there
    small = "import maxrl_est, numpy as np; l = np.linspace(0, 1, 4096); maxrl_est.loo_weights(l[:1024], 512)"
    used = peak_memory(small, "maxrl_est.loo_weights(l, 2048)")
    if used is None:
        raise NotMeasured("this system does not tell; Linux does")
    return used / 2**20


def peak_memory(before: str, statement: str) -> int | None:
    """Bytes by which a statement raises the resident memory of a new process at its peak, after another one.

    Linux counts it, compiled code included, which `tracemalloc` does not see; None on other systems. The peak is
    reset before the statement, and blocks of 64 KiB or more are mapped and unmapped one by one, so that none can hide
    in memory that was used and freed before. (``ru_maxrss`` would not do: a new process inherits it from its parent.)
    """
    if not Path("/proc/self/clear_refs").exists():
        return None
    peak = "int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    reset = "with open('/proc/self/clear_refs', 'w') as file: file.write('5')"
    code = f"{before}\n{reset}\nbase = {peak}\n{statement}\nprint({peak} - base)"
    return 1024 * int(python(code, MALLOC_MMAP_THRESHOLD_="65536", MAXRL_EST_KERNELS="numba"))


def python(code: str, *, timeout: float | None = None, **environment: str) -> str:
    """Return what the code prints in a new process that imports this very package."""
    here = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    process = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    if process.returncode != 0:
        raise RuntimeError(f"python -c {code!r} exits with {process.returncode}: {process.stderr.strip()}")
    return process.stdout
