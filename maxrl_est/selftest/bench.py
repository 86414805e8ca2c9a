"""How fast the package is, as ratios within one run, and how accurate, in units in the last place.

Times on shared machines wander, ratios hardly do. So each speed is the time of the package over that of a
stated NumPy computation in the same process: after a warm-up of both (compilation, caches) they take turns,
A B A B, with garbage collection off, and the median of the paired ratios counts. Both use one thread, float64
and memory that the process already holds; the package is called by its public function, validation and a new
result array included. Of small batches, where a call takes microseconds, many calls are timed at once, in CPU time.

Errors are against Arb balls (`reference`), the worst over every family of `problems.adversarial`.
"""

from __future__ import annotations

import gc
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeAlias

import numpy as np

from maxrl_est._typing import FloatArray
from maxrl_est.estimates._kernels import load
from maxrl_est.estimates.ustatistics import loo_weights
from maxrl_est.estimators import BASELINES, advantages, get
from maxrl_est.selftest import reference
from maxrl_est.selftest.adversarial import FAMILIES

Progress: TypeAlias = Callable[[str], None] | None
Weights: TypeAlias = Callable[[FloatArray], FloatArray]  # (N,) to (N,)

LIKELIHOODS = 1 << 18  # in one call at full order: one group where N is larger
SHORT, MIDDLE, LONG = (2, 4, 8, 16), (64, 128, 256, 512), (4096, 16_384, 65_536, 1_000_000)
FULL_ORDER_LIMITS = dict.fromkeys(SHORT + LONG, 2.0) | dict.fromkeys(MIDDLE, 8.0)  # of time / normalising
UNLIMITED = (32, 1024, 2048)  # shown beside them
FREED_AND_KEPT = 31 << 17  # doubles, 31 MiB: once a block of this size was freed, glibc keeps what is freed later.
# Otherwise it may hand results and temporaries back to the system at every call, which takes longer than either
# side's arithmetic, or may not: then ratios vary by a factor of 2 from array to array, mostly downwards.
SPEED_UP_LIMIT = 1000.0
LIKELIHOODS_ANY_ORDER = 4096
ANY_ORDER_SHAPES = ((8, 4), (16, 8), (64, 32), (256, 128), (1024, 16), (1024, 512), (4096, 2048))
ANY_ORDER_LIMIT = 3.0
VECTOR = 2048  # doubles in one of NumPy's multiply-adds: 16 KiB, in first-level cache
MEMORY_LIMIT_MIB = 64.0
SMALL_BATCH = (32, 8)
CALLS, TURNS = 20, 10  # calls timed at once, and how often for each repeat: short ones are more often left in peace
BASELINE_LIMIT, USUAL_LIMIT = 2.0, 1.6

FULL_ORDER_SIZES = (1, 2, 3, 4, 8, 16, 17, 32, 64, 65, 128, 256, 1024, 4096, 65_536, 1_000_000)
QUICK_FULL_ORDER_SIZE = 1024
ANY_ORDER_SIZES = (2, 8, 32, 128, 256, 512, 1024)
QUICK_ANY_ORDER_SIZE = 128
ULP_LIMIT, LARGE_ULP_LIMIT, LARGE = 8.0, 64.0, 512  # the larger limit is for orders T < N at N >= 512
DEFLATION_SIZES = (8, 16, 32, 64, 128, 1030)  # e_k of 1030 zeros exceeds the largest double

IMPORT_LIMIT_S = 0.25
HEAVY_MODULES = ("numba", "sympy", "scipy.stats", "matplotlib")


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure. Without a limit it is shown for information and ``holds`` is None."""

    figure: str
    case: str
    measured: float
    limit: float | None
    unit: str
    holds: bool | None


def speed(*, quick: bool, progress: Progress = None) -> list[Row]:
    """Time and memory of `loo_weights` beside what NumPy needs; ``quick`` repeats less often."""
    repeats = 11 if quick else 25
    return [
        *full_order_speed((*FULL_ORDER_LIMITS, *UNLIMITED), repeats, progress),
        *growth(repeats, progress),
        *speed_up(repeats, progress),
        *any_order_speed(ANY_ORDER_SHAPES, repeats, progress),
        *advantages_speed(repeats, progress),
        scratch_memory(progress),
    ]


def accuracy(*, quick: bool, progress: Progress = None) -> list[Row]:
    """Worst errors over all families; ``quick`` leaves out the largest groups."""
    try:
        reference.ball_loo_weights(np.array([0.5]), [1])
    except ImportError:
        case = "not measured: `pip install 'maxrl-est[test]'` brings the Arb balls it needs"
        return [_at_most("error", case, math.nan, None, "ulp")]
    full = [n for n in FULL_ORDER_SIZES if n <= QUICK_FULL_ORDER_SIZE or not quick]
    any_order = [n for n in ANY_ORDER_SIZES if n <= QUICK_ANY_ORDER_SIZE or not quick]
    return [
        *full_order_accuracy(full, progress),
        *any_order_accuracy(any_order, progress),
        *deflation_accuracy([n for n in DEFLATION_SIZES if n <= QUICK_ANY_ORDER_SIZE or not quick], progress),
    ]


def start_up() -> list[Row]:
    """Seconds until the package can be used, each in a new process, and what importing it brings in."""
    timed = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
    imports = [timed.format(f"import {package}") for package in ("maxrl_est", "numpy")]
    first_call = "import maxrl_est; " + timed.format("maxrl_est.loo_weights([1, 0, 0])")
    loaded = f"import sys, maxrl_est; print(*[m for m in {HEAVY_MODULES} if m in sys.modules])"

    _python(imports[0])  # reads the files into the system's cache and compiles them to bytecode
    runs = [[float(_python(code)) for code in imports] for _ in range(5)]
    package, numpy = map(statistics.median, zip(*runs, strict=True))
    heavy = _python(loaded).split()
    case = f"of {', '.join(HEAVY_MODULES)}: {', '.join(heavy) or 'none'}"
    with tempfile.TemporaryDirectory() as folder:
        cold, warm = (float(_python(first_call, NUMBA_CACHE_DIR=folder)) for _ in range(2))
    return [
        _at_most("import maxrl_est", "median of 5 processes", package, IMPORT_LIMIT_S, "s"),
        _at_most("import numpy alone", "median of 5 processes, by turns with those", numpy, None, "s"),
        _at_most("heavy modules imported", case, float(len(heavy)), 0.0, "modules"),
        _at_most("first loo_weights of a process", "empty compilation cache", cold, None, "s"),
        _at_most("first loo_weights of a process", "filled compilation cache", warm, None, "s"),
    ]


def meta() -> dict[str, str]:
    """Return what a result depends on: date, versions, processor."""
    packages = ("numpy", "numba", "llvmlite", "python-flint", "maxrl-est")
    versions = {name: found for name in packages if (found := _version(name)) is not None}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        **versions,
        "processor": _processor(),
        "system": platform.system(),
    }


def full_order_speed(
    sizes: Iterable[int], repeats: int, progress: Progress = None, *, total: int = LIKELIHOODS
) -> list[Row]:
    """Time at T = N over that of `normalise` on the same array, for each group size N."""
    rows = []
    for n in sorted(sizes):
        for kind, group in (("uniform", _uniform(n, total)), ("one success", _one_success(n, total))):
            case = f"N={n} {kind}"
            _show(progress, f"full order, {case}")
            ratio = _ratio(partial(loo_weights, group), partial(normalise, group), repeats)
            limit = FULL_ORDER_LIMITS.get(n)
            rows.append(_at_most("full order: time / normalising in NumPy", case, ratio, limit, "times"))
    return rows


def growth(repeats: int, progress: Progress = None) -> list[Row]:
    """Time per weight in long groups over that in short ones, at T = N."""
    rows = []
    for kind, draw in (("uniform", _uniform), ("one success", _one_success)):
        case = f"N=65536 over N=256, {kind}"
        _show(progress, f"time per weight, {case}")
        long, short = draw(65_536, LIKELIHOODS), draw(256, LIKELIHOODS)
        ratio = _ratio(partial(loo_weights, long), partial(loo_weights, short), repeats)
        rows.append(_at_most("full order: time per weight", case, ratio, 1.0, "times"))
    return rows


def speed_up(repeats: int, progress: Progress = None) -> list[Row]:
    """How many times faster than the definition in NumPy a weight is at T = N = 64."""
    n = 64
    _show(progress, f"the definition in NumPy, N={n}")
    groups = _uniform(n, LIKELIHOODS)
    rows = []
    for case, few, limit in (
        ("group by group", groups[0], SPEED_UP_LIMIT),
        ("64 groups at once", groups[:64], None),
    ):
        ratio = _ratio(partial(weights_by_definition, few), partial(loo_weights, groups), repeats)
        ratio *= groups.size / few.size
        rows.append(_at_least("full order: times faster than the definition", f"N={n} {case}", ratio, limit))
    return rows


def any_order_speed(shapes: Iterable[tuple[int, int]], repeats: int, progress: Progress = None) -> list[Row]:
    """Time at order T over that of 2 B N T multiply-adds in NumPy, B groups of N."""
    x, y, z = np.full((3, VECTOR), 0.5)
    calls = 256

    def multiply_add() -> None:
        for _ in range(calls):
            np.multiply(x, y, out=z)
            np.add(z, x, out=z)

    rows = []
    for n, order in shapes:
        case = f"N={n} T={order}"
        _show(progress, f"any order, {case}")
        groups = _uniform(n, LIKELIHOODS_ANY_ORDER)
        ratio = _ratio(partial(loo_weights, groups, order), multiply_add, repeats)
        ratio *= calls * VECTOR / (2 * groups.size * order)
        figure = "any order: time / 2 N T multiply-adds in NumPy"
        rows.append(_at_most(figure, case, ratio, ANY_ORDER_LIMIT, "times"))
    return rows


def advantages_speed(repeats: int, progress: Progress = None) -> list[Row]:
    """CPU time of advantages of a small batch over that of weights of the same order, by baseline."""
    groups = np.random.default_rng(0).random(SMALL_BATCH)
    n, some = SMALL_BATCH[1], SMALL_BATCH[1] // 2
    calls: dict[str, tuple[Callable[[], object], int | None, float]] = {
        "default": (partial(advantages, groups), None, USUAL_LIMIT),
        "ustat_one": (partial(get("ustat_one"), groups), None, USUAL_LIMIT),
    }
    for baseline in BASELINES:
        order = n - 1 if baseline == "pass_loo" else None
        calls[baseline] = partial(advantages, groups, baseline=baseline), order, BASELINE_LIMIT
        calls[f"{baseline} T={some}"] = partial(advantages, groups, some, baseline=baseline), some, BASELINE_LIMIT
    rows = []
    for name, (call, order, limit) in calls.items():
        case = "{} groups of N={}, ".format(*SMALL_BATCH) + name
        _show(progress, f"advantages, {case}")
        ratio = _cpu_ratio(call, partial(loo_weights, groups, order), repeats)
        rows.append(_at_most("advantages: CPU time / loo_weights", case, ratio, limit, "times"))
    return rows


def scratch_memory(progress: Progress = None) -> Row:
    """Memory that one call at N = 4096, T = 2048 takes at its peak."""
    figure, case = "any order: peak scratch memory", "N=4096 T=2048"
    _show(progress, f"scratch memory, {case}")
    loo_weights([1.0, 0.0], 1)  # fills the compilation cache, so that no compiler runs in the new process
    small = "import maxrl_est, numpy as np; l = np.linspace(0, 1, 4096); maxrl_est.loo_weights(l[:8], 4)"
    used = peak_memory(small, "maxrl_est.loo_weights(l, 2048)")
    if used is None:
        return _at_most(figure, f"{case}: not measured, this system does not tell", math.nan, None, "MiB")
    return _at_most(figure, case, used / 2**20, MEMORY_LIMIT_MIB, "MiB")


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
    return 1024 * int(_python(code, MALLOC_MMAP_THRESHOLD_="65536"))


def full_order_accuracy(sizes: Iterable[int], progress: Progress = None) -> list[Row]:
    """Worst error of `loo_weights` at T = N."""
    figure, oracle = "full order: error", reference.ball_loo_weights_full_order
    return [_worst(figure, n, n, loo_weights, oracle, ULP_LIMIT, progress) for n in sizes]


def any_order_accuracy(sizes: Iterable[int], progress: Progress = None) -> list[Row]:
    """Worst error of the recurrence that serves any objective, at orders from 1 to N."""
    rows = []
    for n in sizes:
        for order in sorted({1, 2, n // 8, n // 2, n - 1, n} - {0}):
            got = partial(_by_recurrence, order=order)
            expected = partial(reference.ball_loo_weights, coefficients=np.ones(order))
            limit = ULP_LIMIT if n < LARGE else LARGE_ULP_LIMIT
            rows.append(_worst("any order: error", n, order, got, expected, limit, progress))
    return rows


def deflation_accuracy(sizes: Iterable[int], progress: Progress = None) -> list[Row]:
    """Worst error of `weights_by_deflation`, the reason why the package does otherwise."""
    figure, oracle = "for comparison, by deflation: error", reference.ball_loo_weights_full_order
    return [_worst(figure, n, n, weights_by_deflation, oracle, None, progress) for n in sizes]


def normalise(rewards: FloatArray) -> FloatArray:
    """Return the groups (..., N) with mean 0 and standard deviation 1: the measure of cheapness."""
    return np.asarray((rewards - rewards.mean(-1, keepdims=True)) / rewards.std(-1, keepdims=True))


def weights_by_definition(likelihoods: FloatArray) -> FloatArray:
    """Weights of order N of one group (N,), as the formula reads, or of groups (B, N) in the same steps.

    omega_i = sum_k e_k / C(N-1, k), e_k being the elementary symmetric polynomials of 1 - l_j, j != i.
    """
    n = likelihoods.shape[-1]
    shares = np.array([1 / math.comb(n - 1, k) for k in range(n)])
    weights = np.empty_like(likelihoods)
    for i in range(n):
        e = np.zeros_like(likelihoods)
        e[..., 0] = 1.0
        for q in np.delete(1.0 - likelihoods, i, axis=-1).T[..., None]:
            e[..., 1:] += q * e[..., :-1]
        weights[..., i] = e @ shares
    return weights


def weights_by_deflation(likelihoods: FloatArray) -> FloatArray:
    """Weights of order N of one group (N,) by the textbook's shorter route, which loses all digits.

    e_k of the whole group are found once; then each value is divided back out: e_k of the others is that of
    all minus q_i times e_{k-1} of the others, a difference of numbers that agree in ever more digits.
    """
    n, q = likelihoods.size, 1.0 - likelihoods
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.zeros(n + 1)
        e[0] = 1.0
        for value in q:
            e[1:] += value * e[:-1]
        others, weights = np.ones(n), np.ones(n)
        for k in range(1, n):
            others = e[k] - q * others
            weights += others * (1 / math.comb(n - 1, k))
    return weights


def _worst(
    figure: str, n: int, order: int, got: Weights, expected: Weights, limit: float | None, progress: Progress
) -> Row:
    """Error in the family where it is largest."""
    _show(progress, f"{figure}, N={n} T={order}")
    errors = {}
    for name, draw in FAMILIES.items():
        group = draw(n, np.random.default_rng(0))
        errors[name] = reference.ulp_error(got(group), expected(group))
    name = max(errors, key=errors.__getitem__)
    case = f"N={n} T={order}" + (f", worst: {name}" if errors[name] > 0 else "")
    return _at_most(figure, case, errors[name], limit, "ulp")


def _by_recurrence(likelihoods: FloatArray, order: int) -> FloatArray:
    """MaxRL weights (N,) by the kernel for any objective, even at order N, where `loo_weights` does not."""
    out: FloatArray = np.empty((1, likelihoods.size))
    load().loo_weights(likelihoods[None], np.ones(order), out)
    return out.reshape(-1)


def _uniform(n: int, total: int) -> FloatArray:
    return np.random.default_rng(0).random((max(1, total // n), n))


def _one_success(n: int, total: int) -> FloatArray:
    """Groups of a hard prompt: 0/1 rewards with a single 1, anywhere."""
    groups = np.zeros((max(1, total // n), n))
    groups[np.arange(len(groups)), np.random.default_rng(0).integers(n, size=len(groups))] = 1.0
    return groups


def _ratio(a: Callable[[], object], b: Callable[[], object], repeats: int) -> float:
    """Median over the repeats of time(a) / time(b), the two taking turns after a warm-up of both."""
    np.empty(FREED_AND_KEPT)
    for function in (a, b, a, b):
        function()
    with _no_garbage_collection():
        return statistics.median(_seconds(a) / _seconds(b) for _ in range(repeats))


def _cpu_ratio(a: Callable[[], object], b: Callable[[], object], repeats: int) -> float:
    """Least CPU time of many calls of a over that of b, the two taking turns after a warm-up of both."""
    for function in (a, b, a, b):
        function()
    with _no_garbage_collection():
        turns = [(_cpu_seconds(a), _cpu_seconds(b)) for _ in range(TURNS * repeats)]
    return min(seconds for seconds, _ in turns) / min(seconds for _, seconds in turns)


def _cpu_seconds(function: Callable[[], object]) -> float:
    start = time.process_time()
    for _ in range(CALLS):
        function()
    return time.process_time() - start


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _at_most(figure: str, case: str, measured: float, limit: float | None, unit: str) -> Row:
    return Row(figure, case, measured, limit, unit, None if limit is None else measured <= limit)


def _at_least(figure: str, case: str, measured: float, limit: float | None) -> Row:
    holds = None if limit is None else measured >= limit
    return Row(figure, case, measured, limit, "times" if limit is None else "times (at least)", holds)


def _show(progress: Progress, text: str) -> None:
    if progress is not None:
        progress(text)


def _python(code: str, **environment: str) -> str:
    """Return what the code prints in a new process that imports this very package."""
    here = str(Path(__file__).resolve().parents[2])
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


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """Name of the processor; /proc tells it more often than `platform` does."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()}, {os.cpu_count()} cores"
    except OSError:
        pass
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
