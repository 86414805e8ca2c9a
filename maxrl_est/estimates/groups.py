"""Groups of likelihoods as they come in, checked once: the edge between callers' arrays and the kernels.

Bool, integer and float input is computed in float64; object arrays of ``fractions.Fraction`` or int are kept exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from numbers import Number, Rational, Real
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from maxrl_est._typing import Array, FloatArray
from maxrl_est.estimates._kernels import Kernels, load


class Values(NamedTuple):
    """Validated likelihoods (..., N), float64 or Fractions, and what gives a result the caller's dtype."""

    values: Array
    returned: Callable[[Array], Array]


def as_groups(
    likelihoods: npt.ArrayLike | None, log_likelihoods: npt.ArrayLike | None = None, log_ceiling: float = 0.0
) -> Values:
    """Likelihoods (..., N), N >= 1, checked as `loo_weights` checks them, for formulas of one's own.

    >>> as_groups([True, False]).values
    array([1., 0.])
    >>> as_groups(None, [-3.0, float("-inf")], -3.0).values
    array([1., 0.])
    """
    groups = Groups(likelihoods, log_likelihoods, log_ceiling)
    groups.need_rollouts()
    dtype = np.dtype(object) if groups.exact else groups.returned
    values = groups.values.reshape(*groups.batch, groups.size)
    return Values(values, lambda result: np.array(result, dtype=dtype))


def need_one(likelihoods: Any, log_likelihoods: Any) -> None:
    """TypeError unless one of the two is given."""
    if (likelihoods is None) == (log_likelihoods is None):
        state = "None" if likelihoods is None else "given"
        raise TypeError(f"likelihoods is {state} and log_likelihoods is too: give one of the two")


def finite_ceiling(log_ceiling: Any) -> float:
    """A ceiling of log-likelihoods; ValueError if it is no finite number."""
    if isinstance(log_ceiling, bool) or not isinstance(log_ceiling, Real) or not math.isfinite(log_ceiling):
        raise ValueError(f"log_ceiling is {log_ceiling!r}: it is a finite number")
    return float(log_ceiling)


class Groups:
    """Validated groups as a contiguous (B, N) matrix, and how results go back to the caller's shape and type."""

    def __init__(
        self,
        likelihoods: npt.ArrayLike | None,
        log_likelihoods: npt.ArrayLike | None = None,
        log_ceiling: float = 0.0,
    ) -> None:
        need_one(likelihoods, log_likelihoods)
        if log_likelihoods is None:
            given = _as_numbers("likelihoods", likelihoods)
            numbers = given
        else:
            given = _as_numbers("log_likelihoods", log_likelihoods)
            numbers = _exponentials(given, log_ceiling)
        if given.ndim == 0:
            raise ValueError(f"likelihoods is the single number {given[()]}: groups are arrays (..., N)")
        self.batch, self.size = given.shape[:-1], given.shape[-1]
        self.exact = given.dtype == object
        self.returned = np.dtype(np.float32) if given.dtype == np.float32 else np.dtype(np.float64)
        matrix = numbers.reshape(math.prod(self.batch), self.size)
        self.values = matrix if self.exact else np.ascontiguousarray(matrix, dtype=np.float64)
        self.values = self.values.view()
        self.values.flags.writeable = False  # for safety, and since kernels are compiled again for writeable arrays
        if self.values.size and not (self.values.min() >= 0 and self.values.max() <= 1):
            _need("likelihoods", given, (numbers >= 0) & (numbers <= 1), "likelihoods lie in [0, 1]")

    def need_rollouts(self) -> None:
        """Raise ValueError for groups of no rollouts."""
        if self.size == 0:
            shape = (*self.batch, self.size)
            raise ValueError(f"likelihoods has shape {shape}: a group has N >= 1 rollouts on the last axis")

    def map(
        self,
        fill: Callable[[Kernels, Array, Array], None],
        fill_exactly: Callable[[Array, Array], None],
        tail: tuple[int, ...],
        out: Array | None = None,
    ) -> Any:
        """Fill an array of shape (batch, *tail) with one of the two; a scalar where that shape is ()."""
        shape = (*self.batch, *tail)
        dtype = np.dtype(object) if self.exact else self.returned
        if out is not None:
            _check_out(out, shape, dtype)
        direct = out is not None and dtype == np.float64 and out.flags.c_contiguous
        if direct and not np.may_share_memory(out, self.values):
            flat = out.reshape(len(self.values), *tail)  # type: ignore[union-attr]
        else:
            flat = np.empty((len(self.values), *tail), dtype=object if self.exact else np.float64)
        if self.exact:
            fill_exactly(self.values, flat)
        else:
            fill(load(), self.values, flat)
        result = flat.reshape(shape).astype(dtype, copy=False)
        if out is None:
            return result if shape else result.item()
        if not np.may_share_memory(out, flat):
            out[...] = result
        return out


def _as_numbers(name: str, values: Any) -> Array:
    """The array that was given, or an error: bool, int and float as they are, exact numbers as objects."""
    _refuse_masked(name, values)
    try:
        given = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} is ragged: groups in one array have the same number of rollouts ({error})") from None
    if given.dtype == object:
        for allowed in (Number, Rational):  # None among floats is the culprit, and not the floats
            for index in np.ndindex(given.shape):
                if not isinstance(given[index], allowed):
                    kind = type(given[index]).__name__
                    raise TypeError(
                        f"{_at(name, index)} is {given[index]!r} of type {kind}: object arrays hold Fraction or int"
                    )
        if given.size == 0:
            return given.astype(np.float64)
        return given if given.ndim == 0 else np.vectorize(_fraction, otypes=[object])(given)
    if given.dtype.kind not in "biuf" or given.dtype.itemsize > 8:
        first = f"{_at(name, (0,) * given.ndim)} is {given.flat[0]} of" if given.size else f"{name} has"
        raise TypeError(f"{first} dtype {given.dtype}: {name} are bool, int or float up to 64 bits")
    return given


def _exponentials(logs: Array, ceiling: float) -> FloatArray:
    """exp(logs - ceiling) in float64, the ceiling rounded as the logarithms are."""
    if logs.dtype == object:
        raise TypeError("log_likelihoods has dtype object: logarithms are floats")
    top = finite_ceiling(ceiling)
    top = float(logs.dtype.type(top)) if logs.dtype.kind == "f" else top
    _need("log_likelihoods", logs, logs <= top, f"log-likelihoods are at most log_ceiling = {top}")
    return np.asarray(np.exp(logs.astype(np.float64) - top))


def _need(name: str, given: Array, right: Array, rule: str) -> None:
    """ValueError for the first entry that is not right, NaN among them."""
    if not right.all():
        index = np.unravel_index(int(np.flatnonzero(~right)[0]), given.shape)
        raise ValueError(f"{_at(name, index)} is {given[index]}: {rule}")


def _refuse_masked(name: str, values: Any, *outer: int) -> None:
    """An error for a masked entry, of an array or of one in a list, where NumPy would drop the mask."""
    if np.ma.isMaskedArray(values):
        mask = np.ma.getmaskarray(values)
        if mask.any():
            index = (*outer, *np.unravel_index(int(mask.argmax()), mask.shape))
            raise ValueError(f"{_at(name, index)} is masked: every rollout needs a likelihood")
    elif isinstance(values, list | tuple):
        for i, part in enumerate(values):
            if not isinstance(part, Number):
                _refuse_masked(name, part, *outer, i)


def _fraction(value: Any) -> Fraction:
    """The exact number, of Python's integers: NumPy's would overflow."""
    return Fraction(int(value.numerator), int(value.denominator))


def _at(name: str, index: tuple[Any, ...]) -> str:
    return f"{name}[{', '.join(str(int(i)) for i in index)}]" if index else name


def _check_out(out: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != dtype:
        found = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise ValueError(f"out is {found}: it must be an array of {dtype} and shape {shape}")
    if not out.flags.writeable:
        raise ValueError("out is read-only: it must be writeable")
