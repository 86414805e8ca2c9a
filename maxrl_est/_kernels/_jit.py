"""How every kernel is compiled: lazily, cached where a cache can be written, without the GIL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit, types
from numba.extending import intrinsic

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def jit(function: Kernel) -> Kernel:
    """Compile on first call; reuse the compiled code in later processes if numba finds a writable cache.

    No ``fastmath``: it would let the compiler undo the compensated products and assume that NaN never comes.
    No ``parallel``: its thread pools do not survive a fork; callers may use threads of their own.
    NumPy's error model, because a branch for division by zero keeps loops from being vectorised.
    """
    try:
        return cast(Kernel, njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # numba found no directory in which it could keep a cache
        return cast(Kernel, njit(nogil=True, error_model="numpy")(function))


def _fma(typing_context, x, y, z):
    """x * y + z with one rounding, which turns the rounding error of a product into a float of its own."""

    def build(context, builder, signature, arguments):
        return builder.fma(*arguments)

    if {x, y, z} != {types.float64}:
        return None
    return types.float64(types.float64, types.float64, types.float64), build


fma = cast(Callable[[float, float, float], float], intrinsic(_fma))
