"""Compile every kernel for the types that the package calls it with."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from maxrl_est.estimates._kernels._choice import compiled


class Found(NamedTuple):
    """How many kernels were compiled, how many a cache had, in how long; the cache's folder, None where none is."""

    compiled: int
    loaded: int
    seconds: float
    folder: str | None


def compile_all(progress: Callable[[str], None]) -> Found | None:
    """Compile what no cache has, or return None where nothing can be compiled."""
    start = time.perf_counter()
    kernels = compiled()
    if kernels is None:
        return None
    likelihoods = np.zeros((1, 2))
    likelihoods.flags.writeable = False  # as the door leaves it; a writeable array is another type
    weights, numbers = np.empty((1, 2)), np.empty(1)
    calls: dict[str, tuple[Any, ...]] = {
        "full_order_weights": (weights,),
        "full_order_weight_estimate": (numbers,),
        "full_order_objective_estimate": (1.5, numbers),
        "loo_weights": (np.ones(2), False, weights),
        "powers": (False, np.empty((1, 3))),
        "loo_failure_powers": (np.empty((1, 2, 2)),),
        "mean_of_others": (weights,),
        "failure_of_others": (weights,),
    }
    misses, hits, folder = 0, 0, None
    for name, arguments in calls.items():
        progress(name)
        kernel: Any = getattr(kernels, name)
        kernel(likelihoods, *arguments)
        misses += sum(kernel.stats.cache_misses.values())
        hits += sum(kernel.stats.cache_hits.values())
        folder = kernel.stats.cache_path or folder
    return Found(misses, hits, time.perf_counter() - start, folder)
