"""Which kernels compute: those in array operations until compiling pays, the compiled ones from then on.

A process that weighs a few groups should not wait seconds for a compiler. NumPy answers it, within the same bounds of
error, and what its answers must have taken is added up, operation by operation; once that is what a compiler takes,
the compiler is called. ``MAXRL_EST_KERNELS`` in the environment decides otherwise, and `settled` decides for a job
whose bits may not depend on what ran before it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

from maxrl_est._arguments.environment import VARIABLE, setting

_OUT_OF_REACH = "cannot be imported, or is switched off by NUMBA_DISABLE_JIT"
PAYS = 1.0  # second of NumPy's work that is worth what a filled cache takes to load; without one, it is soon repaid
CALL, NUMBER, LONG_NUMBER = 3e-6, 1.5e-9, 7e-9  # seconds of one of NumPy's operations, and of a number in it

_settled: ContextVar[bool | None] = ContextVar("maxrl_est kernels are compiled", default=None)


class Kernels(NamedTuple):
    """The operations on contiguous float64 groups (B, N); each fills its last argument."""

    compiled: bool
    full_order_weights: Callable[..., None]  # likelihoods (B, N), out (B, N)
    full_order_weights_single: Callable[..., None]  # the same of float32
    full_order_weight_estimate: Callable[..., None]  # likelihoods (B, N), out (B,)
    full_order_objective_estimate: Callable[..., None]  # likelihoods (B, N), H_N as a float and a rest, out (B,)
    loo_weights: Callable[..., None]  # likelihoods (B, N), coefficients (T,), whether of successes, out (B, N)
    maxrl_weights: Callable[..., None]  # likelihoods (B, N), rule of a circle for its order T, out (B, N)
    failure_power_of_others: Callable[..., None]  # likelihoods (B, N), such a rule, out (B, N)
    powers: Callable[..., None]  # likelihoods (B, N), whether of successes, out (B, K+1)
    loo_failure_powers: Callable[..., None]  # likelihoods (B, N), out (B, N, K+1)
    mean_of_others: Callable[..., None]  # likelihoods (B, N), out (B, N)
    failure_of_others: Callable[..., None]  # likelihoods (B, N), out (B, N)


@functools.cache
def load() -> Kernels:
    """The fastest kernels that this installation can run."""
    return compiled() or in_arrays()


@functools.cache
def compiled() -> Kernels | None:
    """Those that numba compiles, or None where it cannot."""
    try:
        from numba import config

        if config.DISABLE_JIT:  # type: ignore[attr-defined]  # and instructions of LLVM cannot be interpreted
            return None
        from maxrl_est.estimates._kernels import circle, others, quadrature, recurrence
    except ImportError:  # numba, or the LLVM it needs, is missing or does not fit this NumPy
        return None
    return Kernels(
        True,
        quadrature.full_order_weights,
        quadrature.full_order_weights_single,
        quadrature.full_order_weight_estimate,
        quadrature.full_order_objective_estimate,
        recurrence.loo_weights,
        circle.loo_weights,
        circle.failure_power_of_others,
        recurrence.powers,
        recurrence.loo_failure_powers,
        others.mean_of_others,
        others.failure_of_others,
    )


@functools.cache
def in_arrays() -> Kernels:
    """Those of array operations alone."""
    from maxrl_est.estimates._kernels import generic

    return Kernels(
        False,
        generic.full_order_weights,
        generic.full_order_weights_single,
        generic.full_order_weight_estimate,
        generic.full_order_objective_estimate,
        generic.loo_weights,
        generic.maxrl_weights,
        generic.failure_power_of_others,
        generic.powers,
        generic.loo_failure_powers,
        generic.mean_of_others,
        generic.failure_of_others,
    )


class Operation:
    """An operation of `Kernels` by its name, which chooses for each call.

    ``work`` takes the arguments of a call, and gives the seconds that NumPy's kernel takes for it, about.
    """

    def __init__(self, name: str, work: Callable[..., float]) -> None:
        self._name, self._work, self._spent = name, work, 0.0
        self._compiled: Callable[..., None] | None = None

    def __call__(self, *arguments: Any) -> None:
        wanted = _settled.get()
        if wanted is None and self._compiled is not None:
            self._compiled(*arguments)
            return
        if wanted is None:
            self._spent += self._work(*arguments)
            wanted = _compiles(self._spent)
            if wanted:
                self._compiled = getattr(load(), self._name)
        if wanted:
            getattr(load(), self._name)(*arguments)
        else:
            with np.errstate(under="ignore"):  # compiled code signals none either
                getattr(in_arrays(), self._name)(*arguments)


@contextmanager
def settled(groups: float, size: int) -> Iterator[None]:
    """Within it one kind of kernels computes, chosen by the groups of N = size of a whole job and by nothing else.

    For a job whose result has the same bits with any engine and number of workers, whatever ran before it.
    """
    steps = size * math.log2(size + 1)  # of the operation that takes most
    token = _settled.set(_compiles(groups * size * steps * LONG_NUMBER))
    try:
        yield
    finally:
        _settled.reset(token)


def _compiles(seconds: float) -> bool:
    """Whether work that takes NumPy so long is for the compiler."""
    asked = setting()
    if asked == "numba" and compiled() is None:
        raise ValueError(f"{VARIABLE} must be numpy or auto where numba {_OUT_OF_REACH}, got 'numba'")
    return seconds >= PAYS if asked == "auto" else asked == "numba"
