"""Measured speed and accuracy, each figure with its limit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from maxrl_est.estimates import settled
from maxrl_est.selftest.bench import (
    any_order,
    arithmetic,
    baselines,
    errors,
    exact,
    full_order,
    peers,
    processes,
    work,
)
from maxrl_est.selftest.bench.figures import Figure, Measurement
from maxrl_est.selftest.bench.machine import meta
from maxrl_est.selftest.bench.processes import peak_memory

__all__ = ["GROUPS", "SPEED", "Measurement", "figures_of", "measure", "meta", "peak_memory"]

_SPEED: dict[str, Callable[[], list[Figure]]] = {
    "start-up": processes.figures,
    "full-order": full_order.figures,
    "any-order": any_order.figures,
    "arithmetic": arithmetic.figures,
    "advantages": baselines.figures,
    "peers": peers.figures,
    "exact": exact.figures,
    "work": work.figures,
}
SPEED = tuple(_SPEED)
GROUPS = (*SPEED, "accuracy")
SECONDS, QUICK_SECONDS = 1.0, 0.2  # of turns for a ratio


def figures_of(group: str, *, quick: bool) -> list[Figure]:
    """The figures of a group; ``quick`` leaves out the largest sizes of accuracy."""
    return errors.figures(quick=quick) if group == "accuracy" else _SPEED[group]()


def measure(groups: Sequence[str], *, quick: bool, progress: Callable[[str], None]) -> Iterator[Measurement]:
    """Measure the figures of these groups one by one; ``quick`` takes shorter turns."""
    for group in groups:
        for figure in figures_of(group, quick=quick):
            progress(f"{group}: {figure.figure}, {figure.case}")
            with settled(math.inf, 1):  # by compiled kernels, where a process settles once work pays for them
                found = figure.measured(QUICK_SECONDS if quick else SECONDS)
            yield found
