"""As many multiply-adds as the core can do: chains that wait for none of the others, all in registers."""

from __future__ import annotations

import numpy as np

from maxrl_est.estimates._kernels._jit import jit
from maxrl_est.estimates._kernels._vector import WIDTH, fma_vector, load, spread, store

CHAINS = 6  # of eight numbers: twelve registers of four, where two units take five cycles, with four left


def multiply_adds(turns: int) -> int:
    """Do so many turns; returns how many multiply-adds that is."""
    _chains(turns, np.full((1, CHAINS * WIDTH), 0.5))
    return turns * CHAINS * WIDTH


@jit
def _chains(turns, table):
    x, y = spread(0.5), spread(0.25)  # of which the chains stay at a half
    a, b, c = load(table, 0, 0), load(table, 0, 8), load(table, 0, 16)
    d, e, f = load(table, 0, 24), load(table, 0, 32), load(table, 0, 40)
    for _ in range(turns):
        a, b, c = fma_vector(a, x, y), fma_vector(b, x, y), fma_vector(c, x, y)
        d, e, f = fma_vector(d, x, y), fma_vector(e, x, y), fma_vector(f, x, y)
    store(table, 0, 0, a)
    store(table, 0, 8, b)
    store(table, 0, 16, c)
    store(table, 0, 24, d)
    store(table, 0, 32, e)
    store(table, 0, 40, f)
