"""The operations on checked groups: compiled where that pays, the same in array operations where it does not yet.

Importing this package imports neither numba nor what replaces it: the first call of an operation does.
"""

from __future__ import annotations

import math
from typing import Any

from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.estimates._kernels._choice import CALL, LONG_NUMBER, NUMBER, Kernels, Operation, load, settled

__all__ = [
    "Kernels",
    "failure_of_others",
    "full_order_objective_estimate",
    "full_order_weight_estimate",
    "full_order_weights",
    "full_order_weights_single",
    "load",
    "loo_failure_powers",
    "loo_weights",
    "mean_of_others",
    "powers",
    "settled",
]


def _quadrature(likelihoods: FloatArray, *_: Any) -> float:
    return 10.0 * min(28, int(likelihoods.shape[1]) // 2 + 1) * (CALL + likelihoods.size * NUMBER)


def _recurrence(likelihoods: FloatArray, coefficients: FloatArray, *_: Any) -> float:
    groups, size = likelihoods.shape
    return _halving(groups, size, coefficients.size)


def _table(likelihoods: FloatArray, out: Array) -> float:
    return _halving(*out.shape)


def _halving(groups: int, size: int, terms: int) -> float:
    return 7 * size * (1 + math.log2(size + 1)) * (CALL + groups * terms * LONG_NUMBER)


def _powers(likelihoods: FloatArray, successes: bool, out: Array) -> float:
    return 7.0 * int(likelihoods.shape[1]) * (CALL + out.size * LONG_NUMBER)


def _others(likelihoods: FloatArray, out: Array) -> float:
    return 5 * (CALL + likelihoods.size * NUMBER)


full_order_weights = Operation("full_order_weights", _quadrature)
full_order_weights_single = Operation("full_order_weights_single", _quadrature)
full_order_weight_estimate = Operation("full_order_weight_estimate", _quadrature)
full_order_objective_estimate = Operation("full_order_objective_estimate", _quadrature)
loo_weights = Operation("loo_weights", _recurrence)
powers = Operation("powers", _powers)
loo_failure_powers = Operation("loo_failure_powers", _table)
mean_of_others = Operation("mean_of_others", _others)
failure_of_others = Operation("failure_of_others", _others)
