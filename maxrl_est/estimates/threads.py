"""Blocks of groups side by side: kernels run without Python's lock, so threads share the work of one call."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf

import numpy as np

from maxrl_est._arguments import whole
from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates._kernels import settled


def in_blocks(fill: Callable[..., None], n_threads: int, *arrays: Array) -> None:
    """Have arrays (B, ...) filled, a block of groups by each thread. The threads end with the call.

    >>> numbers, doubled = np.arange(5.0), np.empty(5)
    >>> in_blocks(lambda x, out: np.multiply(x, 2, out=out), 2, numbers, doubled)
    >>> doubled
    array([0., 2., 4., 6., 8.])
    """
    if whole("n_threads", n_threads) == 1:
        fill(*arrays)
        return

    def of_block(start: int, stop: int) -> None:
        with settled(inf, 1):  # compiled: NumPy holds the lock
            fill(*(array[start:stop] for array in arrays))

    ends = np.linspace(0, len(arrays[0]), n_threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(of_block, ends[:-1], ends[1:]))
