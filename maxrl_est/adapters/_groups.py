"""The door for arrays of any framework: groups as they come in, checked once, as far as they have values.

An array that a compiler traces has none yet, and is taken as it is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import array_api_compat
import numpy as np

from maxrl_est._arguments import at, finite
from maxrl_est.adapters._arrays import constant, size_of
from maxrl_est.estimates.groups import need_one


class TracedGroups(NamedTuple):
    """Checked likelihoods (..., N) in the dtype to compute in, and what gives a result the caller's."""

    xp: Any
    values: Any
    dtype: Any

    @property
    def size(self) -> int:
        """N."""
        return size_of(self.values)

    def returned(self, result: Any) -> Any:
        """Return a result in the caller's dtype."""
        return self.xp.astype(result, self.dtype, copy=False)


def groups_of(likelihoods: Any, log_likelihoods: Any = None, log_ceiling: float = 0.0) -> TracedGroups:
    """Groups of likelihoods (..., N), or of their logarithms; TypeError or ValueError for all else that has values."""
    need_one(likelihoods, log_likelihoods, log_ceiling)
    if log_likelihoods is None:
        xp, values, dtype = _as_floats("likelihoods", likelihoods)
        need("likelihoods", xp, values, (values >= 0) & (values <= 1), "lie in [0, 1]")
        return TracedGroups(xp, xp.astype(values, _widest(xp), copy=False), dtype)
    xp, logs, dtype = _as_floats("log_likelihoods", log_likelihoods)
    ceiling = finite("log_ceiling", log_ceiling)
    top = constant(xp, ceiling, log_likelihoods if _is_floating(xp, log_likelihoods) else logs)
    top = xp.astype(top, logs.dtype, copy=False)  # rounded as the logarithms that were given are
    need("log_likelihoods", xp, logs, logs <= top, f"be at most log_ceiling = {ceiling}")
    wide = _widest(xp)
    return TracedGroups(xp, xp.exp(xp.astype(logs, wide, copy=False) - xp.astype(top, wide, copy=False)), dtype)


def need(name: str, xp: Any, values: Any, right: Any, rule: str) -> None:
    """ValueError for the first entry that is not right, NaN among them, where the values are known."""
    if array_api_compat.is_torch_namespace(xp) and xp.compiler.is_compiling():
        return
    try:
        all_right = bool(xp.all(right))
    except (TypeError, RuntimeError):  # traced by JAX, or batched by torch.vmap
        return
    if not all_right:
        first = int(xp.argmin(xp.astype(xp.reshape(right, (-1,)), xp.int8)))
        index = np.unravel_index(first, tuple(values.shape))
        raise ValueError(f"{at(name, index)} must {rule}, got {_number(xp, xp.reshape(values, (-1,))[first])}")


def _number(xp: Any, value: Any) -> float:
    """The value, also where JAX follows it for a derivative."""
    if array_api_compat.is_jax_namespace(xp):
        from jax.lax import stop_gradient

        return float(stop_gradient(value))
    return float(value)


def _as_floats(name: str, given: Any) -> tuple[Any, Any, Any]:
    """The namespace, the array as floats, and the dtype of results; an error for what has no groups of numbers."""
    try:
        xp = array_api_compat.array_namespace(given)
    except TypeError:
        kind = type(given).__name__
        raise TypeError(f"{name} must be an array of NumPy, torch, JAX or CuPy, got one of type {kind}") from None
    if isinstance(given, np.ma.MaskedArray):
        raise TypeError(f"{name} must be a plain array with a number for every rollout, got a masked array")
    if not xp.isdtype(given.dtype, ("bool", "integral", "real floating")):
        raise TypeError(f"{name} must be bool, int or float, got dtype {given.dtype}")
    if given.ndim == 0 or given.shape[-1] == 0:
        shape = tuple(given.shape)
        raise ValueError(f"{name} must have groups of N >= 1 rollouts on the last axis, got shape {shape}")
    if _is_floating(xp, given):
        dtype = xp.result_type(given.dtype, xp.float32)
    else:
        dtype = xp.__array_namespace_info__().default_dtypes()["real floating"]
    return xp, xp.astype(given, dtype, copy=False), dtype


def _is_floating(xp: Any, values: Any) -> bool:
    return bool(xp.isdtype(values.dtype, "real floating"))


def _widest(xp: Any) -> Any:
    return xp.__array_namespace_info__().dtypes(kind="real floating").get("float64", xp.float32)
