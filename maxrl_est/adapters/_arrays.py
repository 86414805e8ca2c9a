"""What functions of arrays of any framework need so that compilers can trace them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeVar

import array_api_compat

Function = TypeVar("Function", bound=Callable[..., Any])


def static(function: Function) -> Function:
    """Tell torch.compile to call the function while it traces, and to keep the result as a constant."""
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]  # torch.compiler.assume_constant_result
    return function


def constant(xp: Any, values: Any, like: Any, *, dtype: Any = None) -> Any:
    """An array beside another one: on its device, which JAX chooses itself."""
    device = None if array_api_compat.is_jax_namespace(xp) else array_api_compat.device(like)
    return xp.asarray(values, dtype=dtype or like.dtype, device=device)


def size_of(groups: Any) -> int:
    """N. By its index, because torch.compile would take the shape of a second call for a variable."""
    return operator.index(groups.shape[-1])
