"""How every kernel is compiled: lazily, cached where a cache can be written, without the GIL."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit, types
from numba.core import event
from numba.core.caching import FunctionCache
from numba.extending import intrinsic

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

KERNELS: list[Any] = []  # all that can be called from Python, as numba made them
_SOURCES = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
_VERSION = hashlib.blake2b(_SOURCES, digest_size=6).hexdigest()


def jit(function: Kernel) -> Kernel:
    """Compile on first call; reuse the compiled code in later processes if numba finds a cache that is one's own.

    No ``fastmath``: it would let the compiler undo the compensated products and assume that NaN never comes.
    No ``parallel``: its thread pools do not survive a fork; callers may use threads of their own.
    NumPy's error model, because a branch for division by zero keeps loops from being vectorised.

    Numba names a cache after the function and compiles anew when the function's own file changes. What is inlined
    comes from other files too, so the name tells the version of all of them.
    """
    function.__qualname__ += f"_{_VERSION}"
    kernel: Any = njit(nogil=True, error_model="numpy")(function)
    with suppress(RuntimeError, OSError):  # numba found no directory in which it could keep a cache
        cache = _Cache(function)
        if _is_own(cache.cache_path):
            kernel._cache = cache  # what njit(cache=True) does with numba's
    KERNELS.append(kernel)
    return cast(Kernel, kernel)


class _Cache(FunctionCache):
    """Numba's, passed over where it is damaged, unreadable or full: numba raises what reading and writing raise."""

    def load_overload(self, sig, target_context):
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a damaged pickle can raise almost anything
            with suppress(Exception):
                self.flush()  # to begin anew
            return None

    def save_overload(self, sig, data):
        with suppress(Exception):
            super().save_overload(sig, data)


def _is_own(folder: str) -> bool:
    """Whether nobody else can put code there, which would be run: but for root, and who could change this file."""
    if not hasattr(os, "getuid"):
        return True
    found = os.stat(folder)
    return not found.st_mode & stat.S_IWOTH and found.st_uid in {0, os.getuid(), os.stat(__file__).st_uid}


class _Announcement(event.Listener):
    """One line on a terminal, at the first kernel that has to be compiled since no cache has it."""

    def __init__(self) -> None:
        self._made = False

    def on_start(self, event: Any) -> None:
        if self._made or not str(event.data["dispatcher"].py_func.__module__).startswith(str(__package__)):
            return
        self._made = True
        if sys.stderr.isatty():
            print("maxrl_est compiles its kernels, which takes seconds, once on this machine", file=sys.stderr)

    def on_end(self, event: Any) -> None:
        pass


event.register("numba:compile", _Announcement())


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
