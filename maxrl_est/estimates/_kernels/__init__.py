"""Compiled kernels where numba can be imported, the same in array operations where it cannot.

Importing this package imports neither: `load` does, at the first call of a function that needs them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple


class Kernels(NamedTuple):
    """The operations on contiguous float64 groups (B, N); each fills its last argument."""

    compiled: bool
    full_order_weights: Callable[..., None]  # likelihoods (B, N), out (B, N)
    full_order_weight_estimate: Callable[..., None]  # likelihoods (B, N), out (B,)
    full_order_objective_estimate: Callable[..., None]  # likelihoods (B, N), H_N, out (B,)
    loo_weights: Callable[..., None]  # likelihoods (B, N), coefficients (T,), whether of successes, out (B, N)
    powers: Callable[..., None]  # likelihoods (B, N), whether of successes, out (B, K+1)
    loo_failure_powers: Callable[..., None]  # likelihoods (B, N), out (B, N, K+1)
    mean_of_others: Callable[..., None]  # likelihoods (B, N), out (B, N)
    failure_of_others: Callable[..., None]  # likelihoods (B, N), out (B, N)


@functools.cache
def load() -> Kernels:
    """The fastest kernels that this installation can run."""
    return _compiled() or _in_arrays()


def _compiled() -> Kernels | None:
    try:
        from numba import config

        if config.DISABLE_JIT:  # type: ignore[attr-defined]  # and instructions of LLVM cannot be interpreted
            return None
        from maxrl_est.estimates._kernels import others, quadrature, recurrence
    except ImportError:  # numba, or the LLVM it needs, is missing or does not fit this NumPy
        return None
    return Kernels(
        True,
        quadrature.full_order_weights,
        quadrature.full_order_weight_estimate,
        quadrature.full_order_objective_estimate,
        recurrence.loo_weights,
        recurrence.powers,
        recurrence.loo_failure_powers,
        others.mean_of_others,
        others.failure_of_others,
    )


def _in_arrays() -> Kernels:
    from maxrl_est.estimates._kernels import generic

    return Kernels(
        False,
        generic.full_order_weights,
        generic.full_order_weight_estimate,
        generic.full_order_objective_estimate,
        generic.loo_weights,
        generic.powers,
        generic.loo_failure_powers,
        generic.mean_of_others,
        generic.failure_of_others,
    )
