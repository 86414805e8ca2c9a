"""Unbiased estimates from groups of likelihoods: the validated public face of the kernels.

Every function takes likelihoods ``(..., N)``: N rollouts of one prompt on the last axis, any batch axes before
it. Bool, integer and float input is computed in float64 (float32 is returned as float32); object arrays of
``fractions.Fraction`` or int are computed exactly. Inputs are never written to, and nothing is clipped: a
number that is not a likelihood is an error that says where it is.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from fractions import Fraction
from numbers import Integral, Number, Rational
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from maxrl_est._kernels import Kernels, generic, load
from maxrl_est._typing import Array, FloatArray
from maxrl_est.objectives import Objective

ObjectiveLike: TypeAlias = Objective | int | None

_POWERS_AT_ONCE = 1 << 20  # estimates of powers held at once, 8 MiB
_POWERS = 64  # E_k <= 2^-k where the mean failure mass is at most 1/2, so that further terms round off


def loo_weights(likelihoods: npt.ArrayLike, objective: ObjectiveLike = None, *, out: Array | None = None) -> Array:
    """Leave-one-out weights ``omega (..., N)``: each rollout's estimate of w(p) from the other N-1 rollouts.

    Because omega_i is independent of rollout i, ``(1/N) sum_i omega_i l_i S_i`` with scores S_i is an unbiased
    estimate of ``w(p) grad p``. By U-statistics: ``omega_i = sum_k c_k E_k(1 - l_{-i})``, where E_k averages the
    products of all k-subsets; among estimates that know nothing about the law of l, none has less variance.

    Cost per group: O(N) for MaxRL of order T = N (the default), O(N T) otherwise. Not for likelihoods of known
    form (one of few parameters): then better estimates of w(p) exist.

    Parameters
    ----------
    likelihoods : (..., N) numbers in [0, 1]
    objective : an `Objective` of order T <= N; an int T for MaxRL of order T; None for MaxRL of order N
    out : (..., N) array to fill and return; float64, or float32 for float32 input

    Raises
    ------
    TypeError, ValueError
        For likelihoods outside [0, 1], NaN, complex, masked or ragged, and for T > N, where no unbiased
        estimate exists: expectations from N values are polynomials of degree at most N in the law.

    Source: R. Hoeffding's U-statistics (1948) applied to MaxRL (arXiv 2602.02710).

    >>> loo_weights([1, 0, 0, 0])  # one success: N/K for it, and what its absence would mean for the others
    array([4., 2., 2., 2.])
    >>> loo_weights([0.5, 0.25], 1)  # order 1, the expected reward: no weighting
    array([1., 1.])
    """
    groups = _Groups(likelihoods)
    groups.need_rollouts()
    coefficients = resolve(objective, groups.size, groups.size)

    def fill(kernels: Kernels, values: Array, weights: Array) -> None:
        if coefficients is None:
            kernels.full_order_weights(values, weights)
        else:
            kernels.loo_weights(values, coefficients.coefficients, weights)

    def fill_exactly(values: Array, weights: Array) -> None:
        generic.loo_weights(values, _rationals(objective, groups.size), weights)

    weights: Array = groups.map(fill, fill_exactly, (groups.size,), out)
    return weights


def weight_estimate(likelihoods: npt.ArrayLike, objective: ObjectiveLike = None) -> Any:
    """Estimate ``(...)`` of w(p) from all N given rollouts, unbiased: ``sum_k c_k E_k(1 - l)``.

    N rollouts estimate powers up to (1-p)^N, so orders T <= N + 1 are possible and None stands for T = N + 1:
    ``weight_estimate(peers)`` is the leave-one-out weight of the rollout whose N peers are given. Not for
    weighting the same rollouts: omega_i must not know l_i, use `loo_weights`. N = 0 gives c_0.

    >>> weight_estimate([0, 0, 0])  # three peers failed: the weight of order 4
    4.0
    >>> weight_estimate([0.5, 0.25], 2)
    1.625
    """
    groups = _Groups(likelihoods)
    coefficients = resolve(objective, groups.size, groups.size + 1)

    def fill(kernels: Kernels, values: Array, estimates: Array) -> None:
        if coefficients is None:
            kernels.full_order_weight_estimate(values, estimates)
        else:
            estimates[:] = _combined_powers(kernels, values, coefficients.coefficients)

    def fill_exactly(values: Array, estimates: Array) -> None:
        c = _rationals(objective, groups.size + 1)
        powers = np.empty((len(values), len(c)), dtype=object)
        generic.failure_powers(values, powers)
        estimates[:] = (powers * c).sum(axis=-1)

    return groups.map(fill, fill_exactly, ())


def objective_estimate(likelihoods: npt.ArrayLike, objective: ObjectiveLike = None) -> Any:
    """Estimate ``(...)`` of J(p) from N rollouts, unbiased: ``-sum_{k=1..T} c_{k-1} E_k(1 - l) / k``.

    For monitoring: it is the number whose expectation training with `loo_weights` ascends, and
    ``omega_i = N dJ/dl_i``. Not an estimate of log p: that has none, J_N lies above it.

    None stands for MaxRL of order N, in O(N) (relative error of a few roundings); other orders cost O(N T).

    >>> objective_estimate([1, 0, 0])  # harmonic numbers H_1 - H_3
    -0.8333333333333333
    >>> objective_estimate([0.5, 0.25], 1)  # mean likelihood - 1
    -0.625
    """
    groups = _Groups(likelihoods)
    groups.need_rollouts()
    coefficients = resolve(objective, groups.size, groups.size)

    def fill(kernels: Kernels, values: Array, estimates: Array) -> None:
        if coefficients is not None:
            estimates[:] = _integrated_powers(kernels, values, coefficients.coefficients)
            return
        terms = min(groups.size, _POWERS)
        by_powers = (values.mean(axis=-1) >= 0.5) | (groups.size == terms)  # accurate even where J is near 0
        estimates[by_powers] = _integrated_powers(kernels, values[by_powers], np.ones(terms))
        by_integral = np.empty(np.count_nonzero(~by_powers))
        harmonic_number = math.fsum(1 / k for k in range(1, groups.size + 1)) if by_integral.size else 0.0
        kernels.full_order_objective_estimate(values[~by_powers], harmonic_number, by_integral)
        estimates[~by_powers] = by_integral

    def fill_exactly(values: Array, estimates: Array) -> None:
        c = _rationals(objective, groups.size)
        powers = np.empty((len(values), len(c) + 1), dtype=object)
        generic.failure_powers(values, powers)
        estimates[:] = -(powers[:, 1:] * c / np.arange(1, len(c) + 1)).sum(axis=-1)

    return groups.map(fill, fill_exactly, ())


def failure_powers(likelihoods: npt.ArrayLike, max_power: int) -> Array:
    """Estimates ``(..., K+1)`` of (1-p)^0, ..., (1-p)^K from N >= K rollouts, unbiased and of least variance.

    E_k is the mean of the product of 1 - l over all k-subsets. Cost O(N K). Use it to build estimates of
    other polynomials in p; for the weights themselves `loo_weights` is faster.

    >>> failure_powers([1, 0, 0], 3)
    array([1.        , 0.66666667, 0.33333333, 0.        ])
    """
    groups = _Groups(likelihoods)
    power = _power(max_power, groups.size, "N")
    estimates: Array = groups.map(
        lambda kernels, values, powers: kernels.failure_powers(values, powers),
        generic.failure_powers,
        (power + 1,),
    )
    return estimates


def loo_failure_powers(likelihoods: npt.ArrayLike, max_power: int) -> Array:
    """Estimates ``(..., N, K+1)`` of (1-p)^0, ..., (1-p)^K for every rollout from the other N-1 >= K.

    Cost O(N K log N) time and the table itself in memory, each entry to a few roundings. Use it to study or
    combine powers; for any fixed combination `loo_weights` needs neither the table nor the logarithm.

    >>> loo_failure_powers([1, 0, 0], 2)[0]
    array([1., 1., 1.])
    """
    groups = _Groups(likelihoods)
    groups.need_rollouts()
    power = _power(max_power, groups.size - 1, "N - 1")
    estimates: Array = groups.map(
        lambda kernels, values, powers: kernels.loo_failure_powers(values, powers),
        generic.loo_failure_powers,
        (groups.size, power + 1),
    )
    return estimates


class Values(NamedTuple):
    """Validated likelihoods (..., N), float64 or Fractions, and what gives a result the caller's dtype."""

    values: Array
    returned: Callable[[Array], Array]


def as_groups(likelihoods: npt.ArrayLike) -> Values:
    """Likelihoods (..., N), N >= 1, checked as `loo_weights` checks them, for formulas of one's own.

    >>> as_groups([True, False]).values
    array([1., 0.])
    """
    groups = _Groups(likelihoods)
    groups.need_rollouts()
    dtype = np.dtype(object) if groups.exact else groups.returned
    values = groups.values.reshape(*groups.batch, groups.size)
    return Values(values, lambda result: np.array(result, dtype=dtype))


class _Groups:
    """Validated groups as a contiguous (B, N) matrix, and how results go back to the caller's shape and type."""

    def __init__(self, likelihoods: npt.ArrayLike) -> None:
        given = _as_numbers(likelihoods)
        if given.ndim == 0:
            raise ValueError(f"likelihoods is the single number {given[()]}: groups are arrays (..., N)")
        self.batch, self.size = given.shape[:-1], given.shape[-1]
        self.exact = given.dtype == object
        self.returned = np.dtype(np.float32) if given.dtype == np.float32 else np.dtype(np.float64)
        matrix = given.reshape(math.prod(self.batch), self.size)
        self.values = matrix if self.exact else np.ascontiguousarray(matrix, dtype=np.float64)
        self.values = self.values.view()
        self.values.flags.writeable = False  # for safety, and since kernels are compiled again for writeable arrays
        self._check_range(given)

    def _check_range(self, given: Array) -> None:
        if self.values.size and not (self.values.min() >= 0 and self.values.max() <= 1):
            wrong = ~((self.values >= 0) & (self.values <= 1))
            index = np.unravel_index(int(np.flatnonzero(wrong)[0]), given.shape)
            raise ValueError(f"{_at(index)} is {given[index]}: likelihoods lie in [0, 1]")

    def need_rollouts(self) -> None:
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


def _as_numbers(likelihoods: npt.ArrayLike) -> Array:
    """The array that was given, or an error: bool, int and float as they are, exact numbers as objects."""
    _refuse_masked(likelihoods)
    try:
        given = np.asarray(likelihoods)
    except ValueError as error:
        raise ValueError(
            f"likelihoods is ragged: groups in one array have the same number of rollouts ({error})"
        ) from None
    if given.dtype == object:
        for allowed in (Number, Rational):  # None among floats is the culprit, and not the floats
            for index in np.ndindex(given.shape):
                if not isinstance(given[index], allowed):
                    kind = type(given[index]).__name__
                    raise TypeError(
                        f"{_at(index)} is {given[index]!r} of type {kind}: object arrays hold Fraction or int"
                    )
        if given.size == 0:
            return given.astype(np.float64)
        return given if given.ndim == 0 else np.vectorize(_fraction, otypes=[object])(given)
    if given.dtype.kind not in "biuf" or given.dtype.itemsize > 8:
        first = f"{_at((0,) * given.ndim)} is {given.flat[0]} of" if given.size else "likelihoods has"
        raise TypeError(f"{first} dtype {given.dtype}: likelihoods are bool, int or float up to 64 bits")
    return given


def _refuse_masked(likelihoods: Any, *outer: int) -> None:
    """An error for a masked entry, of an array or of one in a list, where NumPy would drop the mask."""
    if np.ma.isMaskedArray(likelihoods):
        mask = np.ma.getmaskarray(likelihoods)
        if mask.any():
            index = (*outer, *np.unravel_index(int(mask.argmax()), mask.shape))
            raise ValueError(f"{_at(index)} is masked: every rollout needs a likelihood")
    elif isinstance(likelihoods, list | tuple):
        for i, part in enumerate(likelihoods):
            if not isinstance(part, Number):
                _refuse_masked(part, *outer, i)


def _fraction(value: Any) -> Fraction:
    """The exact number, of Python's integers: NumPy's would overflow."""
    return Fraction(int(value.numerator), int(value.denominator))


def _at(index: tuple[Any, ...]) -> str:
    return f"likelihoods[{', '.join(str(int(i)) for i in index)}]" if index else "likelihoods"


def _check_out(out: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != dtype:
        found = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise ValueError(f"out is {found}: it must be an array of {dtype} and shape {shape}")
    if not out.flags.writeable:
        raise ValueError("out is read-only: it must be writeable")


def resolve(objective: ObjectiveLike, size: int, largest: int) -> Objective | None:
    """The objective, or None for MaxRL of the largest order that the rollouts admit."""
    if objective is None:
        return None
    order = order_of(objective)
    if order > largest:
        raise ValueError(
            f"objective has order {order} and groups have N = {size}: no unbiased estimate exists for "
            f"orders above {largest}, since expectations from so few rollouts are polynomials of lower degree"
        )
    chosen = objective if isinstance(objective, Objective) else _maxrl(order)
    full = order == largest and bool((chosen.coefficients == 1.0).all())
    return None if full else chosen


@functools.lru_cache(maxsize=8)
def _maxrl(order: int) -> Objective:
    return Objective.maxrl(order)


def order_of(objective: Objective | int) -> int:
    """The order T that an objective, or an int standing for MaxRL, asks for."""
    if isinstance(objective, Objective):
        return objective.order
    if isinstance(objective, bool) or not isinstance(objective, Integral):
        raise TypeError(f"objective is {objective!r}: give an Objective, an int (the order of MaxRL) or None")
    if objective < 1:
        raise ValueError(f"objective is {objective}: the order of MaxRL is at least 1")
    return int(objective)


def _rationals(objective: ObjectiveLike, largest: int) -> Array:
    """The exact coefficients (T,) of an objective that `resolve` admits; None stands for the largest order."""
    if isinstance(objective, Objective):
        return np.array(objective.rational_coefficients, dtype=object)
    return np.array([Fraction(1)] * (largest if objective is None else objective), dtype=object)


def _integrated_powers(kernels: Kernels, values: FloatArray, coefficients: FloatArray) -> FloatArray:
    """-sum_k c_{k-1} E_k / k (B,) of groups (B, N)."""
    return -_combined_powers(kernels, values, np.append(0.0, coefficients / np.arange(1, coefficients.size + 1)))


def _combined_powers(kernels: Kernels, values: FloatArray, coefficients: FloatArray) -> FloatArray:
    """sum_k c_k E_k (B,) of groups (B, N), some groups at a time so that the powers stay small."""
    combined = np.empty(len(values))
    step = max(1, _POWERS_AT_ONCE // coefficients.size)
    for start in range(0, len(values), step):
        block = values[start : start + step]
        powers = np.empty((len(block), coefficients.size))
        kernels.failure_powers(block, powers)
        combined[start : start + step] = powers @ coefficients
    return combined


def _power(max_power: int, largest: int, bound: str) -> int:
    try:
        power = operator.index(max_power)
    except TypeError:
        raise TypeError(f"max_power is {max_power!r}: it must be an int") from None
    if not 0 <= power <= largest:
        raise ValueError(f"max_power is {power}: it must lie in [0, {bound}] = [0, {largest}]")
    return power
