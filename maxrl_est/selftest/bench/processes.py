"""What only a new process shows: the time to start, and the memory of one call."""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from maxrl_est.estimates.ustatistics import loo_weights
from maxrl_est.selftest.bench.figures import Measurement, Progress, at_most, silent

IMPORT_LIMIT_S = 0.25
HEAVY_MODULES = ("numba", "sympy", "scipy.stats", "matplotlib")
MEMORY_LIMIT_MIB = 64.0


def start_up() -> list[Measurement]:
    """Seconds until the package can be used, each in a new process, and what importing it brings in."""
    timed = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
    imports = [timed.format(f"import {package}") for package in ("maxrl_est", "numpy")]
    first_call = "import maxrl_est; " + timed.format("maxrl_est.loo_weights([1, 0, 0])")
    loaded = f"import sys, maxrl_est; print(*[m for m in {HEAVY_MODULES} if m in sys.modules])"

    python(imports[0])  # reads the files into the system's cache and compiles them to bytecode
    runs = [[float(python(code)) for code in imports] for _ in range(5)]
    package, numpy = map(statistics.median, zip(*runs, strict=True))
    heavy = python(loaded).split()
    case = f"of {', '.join(HEAVY_MODULES)}: {', '.join(heavy) or 'none'}"
    with tempfile.TemporaryDirectory() as folder:
        cold, warm = (float(python(first_call, NUMBA_CACHE_DIR=folder)) for _ in range(2))
    return [
        at_most("import maxrl_est", "median of 5 processes", package, IMPORT_LIMIT_S, "s"),
        at_most("import numpy alone", "median of 5 processes, by turns with those", numpy, None, "s"),
        at_most("heavy modules imported", case, float(len(heavy)), 0.0, "modules"),
        at_most("first loo_weights of a process", "empty compilation cache", cold, None, "s"),
        at_most("first loo_weights of a process", "filled compilation cache", warm, None, "s"),
    ]


def scratch_memory(progress: Progress = silent) -> Measurement:
    """Memory that one call at N = 4096, T = 2048 takes at its peak."""
    figure, case = "any order: peak scratch memory", "N=4096 T=2048"
    progress(f"scratch memory, {case}")
    loo_weights([1.0, 0.0], 1)  # fills the compilation cache, so that no compiler runs in the new process
    small = "import maxrl_est, numpy as np; l = np.linspace(0, 1, 4096); maxrl_est.loo_weights(l[:8], 4)"
    used = peak_memory(small, "maxrl_est.loo_weights(l, 2048)")
    if used is None:
        return at_most(figure, f"{case}: not measured, this system does not tell", math.nan, None, "MiB")
    return at_most(figure, case, used / 2**20, MEMORY_LIMIT_MIB, "MiB")


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
    return 1024 * int(python(code, MALLOC_MMAP_THRESHOLD_="65536"))


def python(code: str, **environment: str) -> str:
    """Return what the code prints in a new process that imports this very package."""
    here = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    process = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode != 0:
        raise RuntimeError(f"python -c {code!r} exits with {process.returncode}: {process.stderr.strip()}")
    return process.stdout
