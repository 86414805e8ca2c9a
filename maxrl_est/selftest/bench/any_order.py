"""Weights at orders T < N: beside their own multiply-adds, beside T = N, and as groups grow."""

from __future__ import annotations

from functools import partial

import numpy as np

from maxrl_est.estimates.ustatistics import loo_weights
from maxrl_est.selftest.bench.clock import Pair, over
from maxrl_est.selftest.bench.figures import Figure
from maxrl_est.selftest.bench.inputs import uniform
from maxrl_est.selftest.bench.processes import scratch_memory

LIKELIHOODS = 4096
SHAPES = ((8, 4), (16, 8), (64, 32), (256, 128), (1024, 16), (1024, 512), (4096, 2048))
VECTOR, CALLS = 2048, 256  # doubles in one of NumPy's multiply-adds, 16 KiB in first-level cache; how many are timed
MULTIPLY_ADDS_LIMIT, FULL_ORDER_LIMIT, GROWTH_LIMIT = 3.0, 2.0, 1.2
SHORT, LONG = 256, 65_536


def figures() -> list[Figure]:
    """All figures at orders below N."""
    return [*beside_multiply_adds(), beside_full_order(), growth(), scratch_memory()]


def beside_multiply_adds() -> list[Figure]:
    """Time over that of 2 B N T multiply-adds in NumPy, B groups of N."""
    figure = "any order: time / 2 N T multiply-adds in NumPy"
    return [
        over(figure, f"N={n} T={order}", MULTIPLY_ADDS_LIMIT, partial(_with_multiply_adds, n, order), scale)
        for n, order in SHAPES
        for scale in [CALLS * VECTOR / (2 * LIKELIHOODS * order)]
    ]


def _with_multiply_adds(n: int, order: int) -> Pair:
    x, y, z = np.full((3, VECTOR), 0.5)

    def multiply_add() -> None:
        for _ in range(CALLS):
            np.multiply(x, y, out=z)
            np.add(z, x, out=z)

    return partial(loo_weights, uniform(n, LIKELIHOODS), order), multiply_add


def beside_full_order(n: int = LIKELIHOODS) -> Figure:
    """Time at order N/2 over that at order N, of the same group."""
    case = f"N={n} T={n // 2}"
    return over("any order: time / that of T = N", case, FULL_ORDER_LIMIT, partial(_half_and_full, n))


def _half_and_full(n: int) -> Pair:
    group = uniform(n, n)
    return partial(loo_weights, group, n // 2), partial(loo_weights, group)


def growth(short: int = SHORT, long: int = LONG) -> Figure:
    """Time per weight of a long group over that of as many weights in short ones, at order N/2."""
    case = f"N={long} over N={short}, T=N/2"
    return over("any order: time per weight", case, GROWTH_LIMIT, partial(_long_and_short, short, long))


def _long_and_short(short: int, long: int) -> Pair:
    few, many = uniform(long, long), uniform(short, long)
    return partial(loo_weights, few, long // 2), partial(loo_weights, many, short // 2)
