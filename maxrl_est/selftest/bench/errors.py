"""How accurate the package is, in units in the last place, against Arb balls (`reference`).

Each figure is the worst over every family of `adversarial`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.estimates._kernels import load
from maxrl_est.estimates.ustatistics import loo_weights
from maxrl_est.selftest import reference
from maxrl_est.selftest.adversarial import FAMILIES
from maxrl_est.selftest.bench.figures import Figure, NotMeasured

Weights: TypeAlias = Callable[[FloatArray], FloatArray]  # (N,) to (N,)
Ways: TypeAlias = Sequence[Weights]

FULL_ORDER_SIZES = (1, 2, 3, 4, 8, 16, 17, 32, 64, 65, 128, 256, 1024, 4096, 65_536, 1_000_000)
QUICK_FULL_ORDER_SIZE = 1024
ANY_ORDER_SIZES = (2, 8, 32, 128, 256, 512, 1024)
QUICK_ANY_ORDER_SIZE = 128
ULP_LIMIT, LARGE_ULP_LIMIT, LARGE = 8.0, 64.0, 512  # the larger limit is for orders T < N at N >= 512


def figures(*, quick: bool) -> list[Figure]:
    """Worst errors over all families; ``quick`` leaves out the largest groups."""
    return [
        *full_order([n for n in FULL_ORDER_SIZES if n <= QUICK_FULL_ORDER_SIZE or not quick]),
        *any_order([n for n in ANY_ORDER_SIZES if n <= QUICK_ANY_ORDER_SIZE or not quick]),
    ]


def full_order(sizes: Iterable[int]) -> list[Figure]:
    """Worst error of `loo_weights` at T = N."""
    figure, oracle = "full order: error", reference.ball_loo_weights_full_order
    return [_error(figure, n, n, [loo_weights], oracle, ULP_LIMIT) for n in sizes]


def any_order(sizes: Iterable[int]) -> list[Figure]:
    """Worst error of `loo_weights`, and of the recurrence that serves any objective, at orders from 1 to N."""
    rows = []
    for n in sizes:
        for order in sorted({1, 2, n // 8, n // 2, n - 1, n} - {0}):
            ways = [partial(loo_weights, objective=order), partial(_by_recurrence, order=order)]
            expected = partial(reference.ball_loo_weights, coefficients=np.ones(order))
            limit = ULP_LIMIT if n < LARGE else LARGE_ULP_LIMIT
            rows.append(_error("any order: error", n, order, ways, expected, limit))
    return rows


def _error(figure: str, n: int, order: int, ways: Ways, expected: Weights, limit: float) -> Figure:
    return Figure(figure, f"N={n} T={order}", limit, lambda _: _worst(n, ways, expected), "ulp")


def _worst(n: int, ways: Ways, expected: Weights) -> tuple[float, str]:
    """Error in the family where it is largest by any of the ways, and its name."""
    errors = {}
    for name, draw in FAMILIES.items():
        group = draw(n, np.random.default_rng(0))
        try:
            right = expected(group)
        except ImportError:
            raise NotMeasured("`pip install 'maxrl-est[test]'` brings the Arb balls it needs") from None
        errors[name] = max(reference.ulp_error(way(group), right) for way in ways)
    name = max(errors, key=errors.__getitem__)
    return errors[name], f"worst: {name}" if errors[name] > 0 else ""


def _by_recurrence(likelihoods: FloatArray, order: int) -> FloatArray:
    """MaxRL weights (N,) by the kernel for any objective, even at order N, where `loo_weights` does not."""
    out: FloatArray = np.empty((1, likelihoods.size))
    load().loo_weights(likelihoods[None], np.ones(order), False, out)
    return out.reshape(-1)
