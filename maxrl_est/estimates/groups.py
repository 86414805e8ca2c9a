"""The door: groups of likelihoods, or rewards, as they come in, checked once. What lies behind relies on it.

Bool, integer and float input is computed in float64; object arrays of ``fractions.Fraction`` or int are kept exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from numbers import Number, Rational
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import at, finite, is_number, short, words
from maxrl_est._arguments.arrays import refuse_masked
from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.estimates.elementwise import distinct

_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
LARGEST = np.float64(1e100)  # reward, so that squares and sums of them are floats


class Groups(NamedTuple):
    """Checked groups, and how results go back to the caller's shape and type."""

    own: Array  # (B, N), contiguous and read-only: float32 where that was given, or else float64, or Fractions
    batch: tuple[int, ...]  # axes of the caller's array before the last one
    returned: np.dtype[Any]  # float64, float32 where that was given, object for Fractions

    @property
    def size(self) -> int:
        """N."""
        return int(self.own.shape[1])

    @property
    def values(self) -> Array:
        """The same (B, N) in float64, or Fractions."""
        return _read_only(self.own.astype(np.float64)) if self.own.dtype == np.float32 else self.own

    def need_positive(self) -> None:
        """ValueError for the first likelihood of 0, which has no logarithm."""
        if not self.values.all():
            given = self.values.reshape(*self.batch, self.size)
            _need("likelihoods", given, given > 0, "be above 0, since their logarithms are taken")

    def back(self, result: Array) -> Any:
        """A result (B, ...) in the caller's batch axes and dtype; a Python number if it is a single one.

        What is read-only is a view of the values, and so of the caller's memory: the caller gets a copy.
        """
        shape = (*self.batch, *result.shape[1:])
        shaped = result.reshape(shape).astype(self.returned, copy=not result.flags.writeable)
        return shaped if shape else shaped.item()

    def fill(self, out: Array | None, compute: Callable[[Array], None], tail: tuple[int, ...], dtype: Any) -> Any:
        """Have an array (B, *tail) of this dtype filled, and give it back; in ``out`` where one is given."""
        shape, groups = (*self.batch, *tail), len(self.own)
        if out is not None:
            _check_out(out, shape, self.returned)
            if out.dtype == dtype and out.flags.c_contiguous and not np.may_share_memory(out, self.own):
                compute(out.reshape(groups, *tail))
                return out
        flat = np.empty((groups, *tail), dtype=dtype)
        compute(flat)
        if out is None:
            return self.back(flat)
        out[...] = flat.reshape(shape)
        return out


def groups_of(
    likelihoods: npt.ArrayLike | None,
    log_likelihoods: npt.ArrayLike | None = None,
    log_ceiling: float = 0.0,
    *,
    least: int = 1,
    any_reward: bool = False,
) -> Groups:
    """Groups of likelihoods (..., N), or of their logarithms, N >= ``least``; TypeError or ValueError for all else.

    With ``any_reward`` they may be any finite numbers.

    >>> groups_of([True, False]).values
    array([[1., 0.]])
    >>> groups_of(None, [-3.0, float("-inf")], -3.0).values
    array([[1., 0.]])
    """
    need_one(likelihoods, log_likelihoods, log_ceiling)
    if log_likelihoods is None:
        given = numbers = _as_numbers("likelihoods", likelihoods)
    else:
        given = _as_numbers("log_likelihoods", log_likelihoods)
        numbers = np.exp(below_ceiling(given, log_ceiling))
    name = "likelihoods" if log_likelihoods is None else "log_likelihoods"
    if given.ndim == 0:
        raise ValueError(f"{name} must be an array (..., N), got the single number {short(given[()])}")
    if given.shape[-1] < least:
        raise ValueError(f"{name} must have groups of N >= {least} rollouts on the last axis, got shape {given.shape}")
    exact = given.dtype == object
    matrix = numbers.reshape(math.prod(given.shape[:-1]), given.shape[-1])
    precision = np.float32 if numbers.dtype.type is np.float32 else np.float64
    values = _read_only(matrix if exact else np.ascontiguousarray(matrix, dtype=precision))
    if any_reward:
        if not (exact or (abs(values) <= LARGEST).all()):
            _need(name, given, abs(numbers) <= LARGEST, f"be finite, of a size up to {LARGEST:g}")
    elif values.size and not _within_unit(values):
        _need(name, given, (numbers >= 0) & (numbers <= 1), "lie in [0, 1]")
    kept = given.dtype if exact else _SINGLE if given.dtype.type is np.float32 else _DOUBLE
    return Groups(values, given.shape[:-1], kept)


def beside(groups: Groups, name: str, given: npt.ArrayLike) -> Array:
    """Numbers (B, N) of at least 0, one beside each likelihood: float64, or Fractions where likelihoods are."""
    numbers = _as_numbers(name, given)
    shape, exact = (*groups.batch, groups.size), groups.own.dtype == object
    if numbers.shape != shape:
        raise ValueError(f"{name} must have the shape {shape} of likelihoods, got {numbers.shape}")
    if (numbers.dtype == object) != exact:
        kinds = ("Fractions", "floats") if exact else ("floats", "Fractions")
        raise TypeError(f"{name} must be {kinds[0]} as likelihoods are, got {kinds[1]}")
    _need(name, numbers, (numbers >= 0) & (numbers <= (np.inf if exact else LARGEST)), f"lie in [0, {LARGEST:g}]")
    return _read_only(numbers.reshape(groups.own.shape).astype(object if exact else np.float64))


def _within_unit(values: Array) -> bool:
    """Whether all lie in [0, 1]: of Fractions each object is compared once."""
    numbers = distinct(values)[0] if values.dtype == object else values
    return bool(numbers.min() >= 0 and numbers.max() <= 1)


def _read_only(array: Array) -> Array:
    """A view, for safety, and since kernels are compiled again for writeable arrays."""
    view = array.view()
    view.flags.writeable = False
    return view


def need_one(likelihoods: Any, log_likelihoods: Any, log_ceiling: Any) -> None:
    """TypeError unless one of the two is given, and a ceiling only with logarithms."""
    if (likelihoods is None) == (log_likelihoods is None):
        found = "neither" if likelihoods is None else "both"
        raise TypeError(f"likelihoods or log_likelihoods must be given, one of the two, got {found}")
    if log_likelihoods is None and not (is_number(log_ceiling) and log_ceiling == 0):
        raise TypeError(f"log_ceiling must come with log_likelihoods, got {words(log_ceiling)} with likelihoods")


def need_size(size: int, least: int, purpose: str) -> None:
    """ValueError for groups of too few rollouts.

    >>> need_size(1, 2, "the mean of the others")
    Traceback (most recent call last):
    ValueError: likelihoods must have groups of N >= 2 for the mean of the others, got N = 1
    """
    if size < least:
        raise ValueError(f"likelihoods must have groups of N >= {least} for {purpose}, got N = {size}")


def _as_numbers(name: str, values: Any) -> Array:
    """The array that was given, or an error: bool, int and float as they are, exact numbers as objects."""
    refuse_masked(name, values, rule="a number for every rollout")
    try:
        given = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} must have groups of one size in one array, got ragged ones") from None
    if given.dtype == object:
        if given.size and all(type(x) is Fraction and type(x.denominator) is int for x in distinct(given)[0]):
            return given  # as measures give them, many at a time
        for allowed in (Number, Rational):  # None among floats is the culprit, and not the floats
            for index in np.ndindex(given.shape):
                if not isinstance(given[index], allowed):
                    kind = type(given[index]).__name__
                    raise TypeError(
                        f"{at(name, index)} must be a Fraction or int in an object array, "
                        f"got {words(given[index])} of type {kind}"
                    )
        if given.size == 0:
            return given.astype(np.float64)
        return given if given.ndim == 0 else np.vectorize(_fraction, otypes=[object])(given)
    if given.dtype.kind not in "biuf" or given.dtype.itemsize > 8:
        raise TypeError(f"{name} must be bool, int or float of up to 64 bits, got dtype {given.dtype}")
    return given


def below_ceiling(logs: Array, ceiling: float) -> FloatArray:
    """logs - ceiling in float64, at most 0, the ceiling rounded as the logarithms are."""
    if logs.dtype == object:
        raise TypeError("log_likelihoods must be floats, got dtype object")
    top = finite("log_ceiling", ceiling)
    top = float(logs.dtype.type(top)) if logs.dtype.kind == "f" else top
    _need("log_likelihoods", logs, logs <= top, f"be at most log_ceiling = {top}")
    return np.asarray(logs.astype(np.float64) - top)


def _need(name: str, given: Array, right: Array, rule: str) -> None:
    """ValueError for the first entry that is not right, NaN among them."""
    if not right.all():
        index = np.unravel_index(int(np.flatnonzero(~right)[0]), given.shape)
        raise ValueError(f"{at(name, index)} must {rule}, got {short(given[index])}")


def _fraction(value: Any) -> Fraction:
    """The exact number, of Python's integers: NumPy's would overflow."""
    return Fraction(int(value.numerator), int(value.denominator))


def _check_out(out: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != dtype:
        found = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise ValueError(f"out must be an array of {dtype} and shape {shape}, got {found}")
    if np.ma.isMaskedArray(out):
        raise ValueError("out must be an array without a mask, got a masked array")
    if not out.flags.writeable:
        raise ValueError("out must be writeable, got a read-only array")
