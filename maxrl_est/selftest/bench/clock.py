"""How long two calls take beside each other: the CPU time of this process, by turns.

Times on shared machines wander, ratios hardly do. So each speed is the time of one call over that of another in the
same process: after a warm-up of both (compilation, caches) they take turns, A B A B, with garbage collection off, and
the least time of each counts, which nothing else on the machine can lower. Of calls that take microseconds many make a
turn. CPU time is that of all threads, so that nothing is hidden in a pool of them.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import numpy as np

from maxrl_est.selftest.bench.figures import Figure

Call: TypeAlias = Callable[[], object]
Pair: TypeAlias = tuple[Call, Call]

TURN = 1e-3  # seconds that a turn takes at least: short ones are often left in peace, and the clock ticks finer
FEWEST = 3  # turns, however long they take
FREED_AND_KEPT = 31 << 17  # doubles, 31 MiB: once a block of this size was freed, glibc keeps what is freed later.
# Otherwise it may hand results and temporaries back to the system at every call, which takes longer than either
# side's arithmetic, or may not: then ratios vary by a factor of 2 from array to array, mostly downwards.


def over(figure: str, case: str, limit: float, pair: Callable[[], Pair], scale: float = 1.0) -> Figure:
    """The figure that is the time of the first call over that of the second, times scale.

    The calls are made by ``pair`` when it is measured, so that arrays and imports wait for their turn.
    """
    return Figure(figure, case, limit, lambda seconds: scale * ratio(*pair(), seconds))


def ratio(first: Call, second: Call, seconds: float) -> float:
    """Least CPU time of a call of the first over that of the second, from turns of so many seconds in all."""
    with np.errstate(all="ignore"):  # groups of equal rewards have no deviation to divide by
        least = least_seconds((first, second), seconds)
    return least[0] / least[1]


def least_seconds(calls: tuple[Call, ...], seconds: float) -> list[float]:
    """Least CPU seconds of one call of each, all taking turns."""
    np.empty(FREED_AND_KEPT)
    for call in calls:
        call()
    turns = [(call, max(1, int(TURN / max(cpu_seconds(call, 1), 1e-7)))) for call in calls]
    times: list[list[float]] = []
    end = time.process_time() + seconds
    with _no_garbage_collection():
        while len(times) < FEWEST or time.process_time() < end:
            times.append([cpu_seconds(*turn) for turn in turns])
    return [min(column) for column in zip(*times, strict=True)]


def cpu_seconds(call: Call, calls: int) -> float:
    """CPU seconds of one of so many calls in a row."""
    start = time.process_time_ns()
    for _ in range(calls):
        call()
    return (time.process_time_ns() - start) / (1e9 * calls)


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
