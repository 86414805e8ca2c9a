"""Compile every kernel for the types that the package calls it with."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from maxrl_est.estimates._kernels._choice import compiled
from maxrl_est.estimates._kernels.circle_rules import rule

SHORT, LONG = 2, 1024  # sizes of groups that between them need every kernel


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
    from maxrl_est.estimates._kernels._jit import KERNELS

    for size in (SHORT, LONG):
        for name, arguments in _arguments(size).items():
            progress(f"{name}, N = {size}")
            precision = np.float32 if name == "full_order_weights_single" else np.float64
            likelihoods = np.zeros((1, size), dtype=precision)
            likelihoods.flags.writeable = False  # as the door leaves it; a writeable array is another type
            getattr(kernels, name)(likelihoods, *arguments)
    stats = [kernel.stats for kernel in KERNELS]
    return Found(
        sum(sum(found.cache_misses.values()) for found in stats),
        sum(sum(found.cache_hits.values()) for found in stats),
        time.perf_counter() - start,
        next((found.cache_path for found in stats if found.cache_path), None),
    )


def _arguments(size: int) -> dict[str, tuple[Any, ...]]:
    """What follows the likelihoods (1, N) of each kernel."""
    weights, numbers, coefficients = np.zeros((1, size)), np.zeros(1), np.ones(2)
    coefficients.flags.writeable = False  # as those of objectives are
    found: dict[str, tuple[Any, ...]] = {
        "full_order_weights": (weights,),
        "full_order_weights_single": (weights.astype(np.float32),),
        "full_order_weight_estimate": (numbers,),
        "full_order_objective_estimate": (1.5, 0.0, numbers),
        "loo_weights": (coefficients, False, weights),
        "powers": (False, np.empty((1, 3))),
        "loo_failure_powers": (np.empty((1, size, 2)),),
        "mean_of_others": (weights,),
        "failure_of_others": (weights,),
    }
    if size == LONG:
        by = rule(size, size // 2)
        found |= {"maxrl_weights": (by, weights), "failure_power_of_others": (by, weights)}
    return found
