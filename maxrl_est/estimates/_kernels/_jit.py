"""How every kernel is compiled: lazily, cached where a cache can be written, without the GIL."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit, types
from numba.extending import intrinsic

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

_SOURCES = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
_VERSION = hashlib.blake2b(_SOURCES, digest_size=6).hexdigest()


def jit(function: Kernel) -> Kernel:
    """Compile on first call; reuse the compiled code in later processes if numba finds a writable cache.

    No ``fastmath``: it would let the compiler undo the compensated products and assume that NaN never comes.
    No ``parallel``: its thread pools do not survive a fork; callers may use threads of their own.
    NumPy's error model, because a branch for division by zero keeps loops from being vectorised.

    Numba names a cache after the function and compiles anew when the function's own file changes. What is inlined
    comes from other files too, so the name tells the version of all of them.
    """
    function.__qualname__ += f"_{_VERSION}"
    try:
        return cast(Kernel, njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # numba found no directory in which it could keep a cache
        return cast(Kernel, njit(nogil=True, error_model="numpy")(function))


def part(function: Kernel) -> Kernel:
    """A function for kernels alone, compiled into those that call it: it has no cache, nor an entry from Python."""
    options: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # numba's stubs lack them
    return cast(Kernel, njit(nogil=True, error_model="numpy", **options)(function))


def _fma(typing_context, x, y, z):
    """x * y + z with one rounding, which turns the rounding error of a product into a float of its own."""

    def build(context, builder, signature, arguments):
        return builder.fma(*arguments)

    if {x, y, z} != {types.float64}:
        return None
    return types.float64(types.float64, types.float64, types.float64), build


fma = cast(Callable[[float, float, float], float], intrinsic(_fma))
