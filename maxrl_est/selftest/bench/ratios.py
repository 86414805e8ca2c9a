"""How fast the package is, as ratios within one run.

Times on shared machines wander, ratios hardly do. So each speed is the time of the package over that of a
stated NumPy computation in the same process: after a warm-up of both (compilation, caches) they take turns,
A B A B, with garbage collection off, and the median of the paired ratios counts. Both use one thread, float64
and memory that the process already holds; the package is called by its public function, validation and a new
result array included. Of small batches, where a call takes microseconds, many are timed at once, in CPU time.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.estimates.ustatistics import loo_weights
from maxrl_est.estimators import BASELINES, advantages, get
from maxrl_est.selftest import definition
from maxrl_est.selftest.bench.figures import Measurement, Progress, at_least, at_most, silent
from maxrl_est.selftest.bench.processes import scratch_memory

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
SMALL_BATCH = (32, 8)
CALLS, TURNS = 20, 10  # calls timed at once, and how often for each repeat: short turns are often left in peace
BASELINE_LIMIT, USUAL_LIMIT = 2.0, 1.6


def speed(*, quick: bool, progress: Progress = silent) -> list[Measurement]:
    """What `loo_weights` takes beside NumPy, and advantages beside it; ``quick`` repeats less often."""
    repeats = 11 if quick else 25
    return [
        *full_order_speed((*FULL_ORDER_LIMITS, *UNLIMITED), repeats, progress),
        *growth(repeats, progress),
        *speed_up(repeats, progress),
        *any_order_speed(ANY_ORDER_SHAPES, repeats, progress),
        *advantages_speed(repeats, progress),
        scratch_memory(progress),
    ]


def full_order_speed(
    sizes: Iterable[int], repeats: int, progress: Progress = silent, *, total: int = LIKELIHOODS
) -> list[Measurement]:
    """Time at T = N over that of `normalise` on the same array, for each group size N."""
    rows = []
    for n in sorted(sizes):
        for kind, group in (("uniform", _uniform(n, total)), ("one success", _one_success(n, total))):
            case = f"N={n} {kind}"
            progress(f"full order, {case}")
            ratio = _ratio(partial(loo_weights, group), partial(normalise, group), repeats)
            limit = FULL_ORDER_LIMITS.get(n)
            rows.append(at_most("full order: time / normalising in NumPy", case, ratio, limit, "times"))
    return rows


def growth(repeats: int, progress: Progress = silent) -> list[Measurement]:
    """Time per weight in long groups over that in short ones, at T = N."""
    rows = []
    for kind, draw in (("uniform", _uniform), ("one success", _one_success)):
        case = f"N=65536 over N=256, {kind}"
        progress(f"time per weight, {case}")
        long, short = draw(65_536, LIKELIHOODS), draw(256, LIKELIHOODS)
        ratio = _ratio(partial(loo_weights, long), partial(loo_weights, short), repeats)
        rows.append(at_most("full order: time per weight", case, ratio, 1.0, "times"))
    return rows


def speed_up(repeats: int, progress: Progress = silent) -> list[Measurement]:
    """How many times faster than the definition in NumPy a weight is at T = N = 64."""
    n = 64
    progress(f"the definition in NumPy, N={n}")
    groups = _uniform(n, LIKELIHOODS)
    rows = []
    for case, few, limit in (
        ("group by group", groups[0], SPEED_UP_LIMIT),
        ("64 groups at once", groups[:64], None),
    ):
        ratio = _ratio(partial(definition.loo_weights, few, [1] * n), partial(loo_weights, groups), repeats)
        ratio *= groups.size / few.size
        rows.append(at_least("full order: times faster than the definition", f"N={n} {case}", ratio, limit))
    return rows


def any_order_speed(shapes: Iterable[tuple[int, int]], repeats: int, progress: Progress = silent) -> list[Measurement]:
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
        progress(f"any order, {case}")
        groups = _uniform(n, LIKELIHOODS_ANY_ORDER)
        ratio = _ratio(partial(loo_weights, groups, order), multiply_add, repeats)
        ratio *= calls * VECTOR / (2 * groups.size * order)
        figure = "any order: time / 2 N T multiply-adds in NumPy"
        rows.append(at_most(figure, case, ratio, ANY_ORDER_LIMIT, "times"))
    return rows


def advantages_speed(repeats: int, progress: Progress = silent) -> list[Measurement]:
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
        progress(f"advantages, {case}")
        ratio = _cpu_ratio(call, partial(loo_weights, groups, order), repeats)
        rows.append(at_most("advantages: CPU time / loo_weights", case, ratio, limit, "times"))
    return rows


def normalise(rewards: FloatArray) -> FloatArray:
    """Return the groups (..., N) with mean 0 and standard deviation 1: the measure of cheapness."""
    return np.asarray((rewards - rewards.mean(-1, keepdims=True)) / rewards.std(-1, keepdims=True))


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
