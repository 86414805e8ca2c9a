"""Blocks of groups side by side: kernels run without Python's lock, so threads share the work of one call."""

from __future__ import annotations

import contextvars
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from maxrl_est._arguments.protocols import Array


def in_blocks(fill: Callable[..., None], n_threads: int, *arrays: Array) -> None:
    """Have arrays (B, ...) filled, a block of groups by each of so many threads. They end with the call.

    >>> numbers, doubled = np.arange(5.0), np.empty(5)
    >>> in_blocks(lambda x, out: np.multiply(x, 2, out=out), 2, numbers, doubled)
    >>> doubled
    array([0., 2., 4., 6., 8.])
    """
    blocks = min(n_threads, len(arrays[0]))
    if blocks <= 1:
        fill(*arrays)
        return
    ends = np.linspace(0, len(arrays[0]), blocks + 1).astype(int).tolist()
    with ThreadPoolExecutor(blocks) as pool:
        started = [
            pool.submit(contextvars.copy_context().run, fill, *(array[start:stop] for array in arrays))
            for start, stop in itertools.pairwise(ends)
        ]
        for block in started:
            block.result()
