"""How accurate the package is, in units in the last place, against Arb balls (`reference`).

Each figure is the worst over every family of `adversarial`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeAlias

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.estimates._kernels import load
from maxrl_est.estimates.ustatistics import loo_weights
from maxrl_est.selftest import reference
from maxrl_est.selftest.adversarial import FAMILIES
from maxrl_est.selftest.bench.figures import Measurement, Progress, at_most, silent
from maxrl_est.selftest.definition import weights_by_deflation

Weights: TypeAlias = Callable[[FloatArray], FloatArray]  # (N,) to (N,)

FULL_ORDER_SIZES = (1, 2, 3, 4, 8, 16, 17, 32, 64, 65, 128, 256, 1024, 4096, 65_536, 1_000_000)
QUICK_FULL_ORDER_SIZE = 1024
ANY_ORDER_SIZES = (2, 8, 32, 128, 256, 512, 1024)
QUICK_ANY_ORDER_SIZE = 128
ULP_LIMIT, LARGE_ULP_LIMIT, LARGE = 8.0, 64.0, 512  # the larger limit is for orders T < N at N >= 512
DEFLATION_SIZES = (8, 16, 32, 64, 128, 1030)  # e_k of 1030 zeros exceeds the largest double


def accuracy(*, quick: bool, progress: Progress = silent) -> list[Measurement]:
    """Worst errors over all families; ``quick`` leaves out the largest groups."""
    try:
        reference.ball_loo_weights(np.array([0.5]), [1])
    except ImportError:
        case = "not measured: `pip install 'maxrl-est[test]'` brings the Arb balls it needs"
        return [at_most("error", case, math.nan, None, "ulp")]
    full = [n for n in FULL_ORDER_SIZES if n <= QUICK_FULL_ORDER_SIZE or not quick]
    any_order = [n for n in ANY_ORDER_SIZES if n <= QUICK_ANY_ORDER_SIZE or not quick]
    return [
        *full_order_accuracy(full, progress),
        *any_order_accuracy(any_order, progress),
        *deflation_accuracy([n for n in DEFLATION_SIZES if n <= QUICK_ANY_ORDER_SIZE or not quick], progress),
    ]


def full_order_accuracy(sizes: Iterable[int], progress: Progress = silent) -> list[Measurement]:
    """Worst error of `loo_weights` at T = N."""
    figure, oracle = "full order: error", reference.ball_loo_weights_full_order
    return [_worst(figure, n, n, loo_weights, oracle, ULP_LIMIT, progress) for n in sizes]


def any_order_accuracy(sizes: Iterable[int], progress: Progress = silent) -> list[Measurement]:
    """Worst error of the recurrence that serves any objective, at orders from 1 to N."""
    rows = []
    for n in sizes:
        for order in sorted({1, 2, n // 8, n // 2, n - 1, n} - {0}):
            got = partial(_by_recurrence, order=order)
            expected = partial(reference.ball_loo_weights, coefficients=np.ones(order))
            limit = ULP_LIMIT if n < LARGE else LARGE_ULP_LIMIT
            rows.append(_worst("any order: error", n, order, got, expected, limit, progress))
    return rows


def deflation_accuracy(sizes: Iterable[int], progress: Progress = silent) -> list[Measurement]:
    """Worst error of `weights_by_deflation`, the reason why the package does otherwise."""
    figure, oracle = "for comparison, by deflation: error", reference.ball_loo_weights_full_order
    return [_worst(figure, n, n, weights_by_deflation, oracle, None, progress) for n in sizes]


def _worst(
    figure: str, n: int, order: int, got: Weights, expected: Weights, limit: float | None, progress: Progress
) -> Measurement:
    """Error in the family where it is largest."""
    progress(f"{figure}, N={n} T={order}")
    errors = {}
    for name, draw in FAMILIES.items():
        group = draw(n, np.random.default_rng(0))
        errors[name] = reference.ulp_error(got(group), expected(group))
    name = max(errors, key=errors.__getitem__)
    case = f"N={n} T={order}" + (f", worst: {name}" if errors[name] > 0 else "")
    return at_most(figure, case, errors[name], limit, "ulp")


def _by_recurrence(likelihoods: FloatArray, order: int) -> FloatArray:
    """MaxRL weights (N,) by the kernel for any objective, even at order N, where `loo_weights` does not."""
    out: FloatArray = np.empty((1, likelihoods.size))
    load().loo_weights(likelihoods[None], np.ones(order), False, out)
    return out.reshape(-1)
