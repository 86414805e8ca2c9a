"""Several computations at a time, where there are several processors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from maxrl_est.training import workers

_MOST_WORKERS = 4  # each imports sympy, which takes as long as a few proofs


def side_by_side(tasks: Mapping[str, Callable[[], Any]], *, progress: Callable[[str | None], None]) -> Iterator[Any]:
    """The results of tasks by name, in order; with several processors they have to be picklable."""
    count = min(_MOST_WORKERS, os.cpu_count() or 1, len(tasks))
    if count == 1:
        yield from _in_turn(map, tasks, progress)
        return
    with workers(count) as executor:
        yield from _in_turn(executor.map, tasks, progress)


def _in_turn(mapping: Any, tasks: Mapping[str, Callable[[], Any]], progress: Callable[[str], None]) -> Iterator[Any]:
    found = iter(mapping(_done, tasks.values()))
    for place, name in enumerate(tasks, 1):
        progress(f"{place} of {len(tasks)}: {name}")
        yield next(found)


def _done(task: Callable[[], Any]) -> Any:
    return task()
