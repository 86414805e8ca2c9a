"""Weights beside their own arithmetic, at the most multiply-adds that this core can do, measured in the same run."""

from __future__ import annotations

from functools import partial
from typing import Any

from maxrl_est.estimates._kernels import load
from maxrl_est.estimates.ustatistics import loo_weights
from maxrl_est.selftest.bench.clock import ratio
from maxrl_est.selftest.bench.figures import Figure, NotMeasured
from maxrl_est.selftest.bench.full_order import LIKELIHOODS
from maxrl_est.selftest.bench.inputs import uniform

DIVISION = 10.0  # multiply-adds in the time of a division, in vectors of a core with two units for them
FACTOR, FRACTION = 7.0, 3.5  # for a likelihood at a node: in a product that keeps its rounding errors, and in the sum
COUNTED = {n: nodes * (FACTOR + FRACTION) + nodes / 4 * DIVISION for n, nodes in ((32, 16), (64, 28))}  # per weight
LEAST = 0.8
TURNS = 20_000  # of the loop, in a call


def figures() -> list[Figure]:
    """The share of the arithmetic bound that is reached where groups are long enough to be all arithmetic."""
    return [
        Figure("full order: arithmetic bound / time", f"N={n} uniform", LEAST, partial(_share, n), at_least=True)
        for n in COUNTED
    ]


def _share(n: int, seconds: float) -> tuple[float, str]:
    if not load().compiled:
        raise NotMeasured("`pip install numba` brings the compiler of the loop that it is compared with")
    from maxrl_est.selftest.bench.peak import multiply_adds

    groups, loop = uniform(n, LIKELIHOODS), partial(multiply_adds, TURNS)
    loops: Any = ratio(loop, partial(loo_weights, groups), seconds)  # of the time of all weights
    bound = COUNTED[n] * groups.size / multiply_adds(TURNS)
    return loops * bound, f"{COUNTED[n]:g} multiply-adds a weight"
