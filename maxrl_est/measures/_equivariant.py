"""Advantages of many groups at once, checked to be what an estimator of one group gives."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array, Estimator, FloatArray
from maxrl_est.estimates.elementwise import distinct, elementwise
from maxrl_est.estimators import SequentialEstimator, chosen
from maxrl_est.estimators._answers import orders, real_numbers_of
from maxrl_est.measures._precision import HALF, ROUNDING, Precision, precision_of, probes_of

MAX_COUNTED = 2048  # rollouts in groups of each number of successes: a minute, as measured
_LEAST = 1e-5  # of the largest advantage: what is left of numbers of size 1 that cancel is no difference
_LISTED = 16  # rollouts of a group that errors write out


def of_groups(estimator: str | Estimator, name: str = "estimator") -> Estimator:
    """The advantage function that is meant, refused if it draws for itself."""
    function: Estimator = chosen(estimator, name)
    if isinstance(function, SequentialEstimator):
        rule = f"{name} must be a function of groups of rollouts"
        raise TypeError(f"{rule}, got {function.name}, which draws rollouts itself")
    return function


def equivariant_advantages(
    estimator: Estimator, groups: Array, name: str = "estimator"
) -> tuple[Array, Precision | None]:
    """Advantages (B, N) of groups (B, N), and the format of their floats: None if both are Fractions.

    Raises ValueError when the result has another shape, is not finite, or depends on the order of rollouts or on
    the other groups: found by other orders of each group, and by leaving out half of the groups.
    """
    plain = _floats(groups)
    found = real_numbers_of(name, estimator(plain.copy()))
    if found.shape != groups.shape:
        raise ValueError(f"{name} must return the shape of likelihoods, {groups.shape}, got {found.shape}")
    advantages = found.astype(np.float64)
    if not np.isfinite(advantages).all():
        row = int(np.isfinite(advantages).all(axis=1).argmin())
        raise ValueError(f"{name} must be finite, got {_listed(advantages[row])} for {_listed(plain[row])}")
    size = groups.shape[1]
    precision = precision_of(estimator, *probes_of(size))
    offset = abs(plain).max(initial=0.0) / (np.ptp(plain) or 1.0)  # whose digits rewards lose
    for order in orders(size):
        differs = _differs(estimator(plain[:, order].copy()), advantages[:, order], precision, offset)
        if differs.any():
            shown = _listed(plain[int(differs.any(axis=1).argmax()), order])
            raise ValueError(
                f"{name} must treat rollouts alike, but this {name} depends on the order of rollouts: "
                f"reordering to {shown} changes advantages"
            )
    half = len(groups) // 2
    differs = _differs(estimator(plain[half:].copy()), advantages[half:], precision, offset)
    if differs.any():
        shown = _listed(plain[half + int(differs.any(axis=1).argmax())])
        raise ValueError(
            f"{name} must judge each group by itself, but this {name} depends on the batch: "
            f"{shown} has other advantages among fewer groups"
        )
    exact = exactly(estimator, groups) if groups.dtype == object else None
    if exact is None or _differs(_floats(exact), advantages, precision, offset).any():
        return advantages, precision
    return exact, None


def _differs(advantages: Array, others: FloatArray, precision: Precision, offset: float) -> Array:
    """Where they differ by more than rounding, NaN included.

    Of more than 64 rollouts sums round more, and n^2 times a difference of logarithms, as in a jackknife, n^2 as much;
    and so do rewards that are ``offset`` times as large as they are apart.
    """
    more = max(1.0, others.shape[1] / 64)
    rounding = max(precision.rounding, (64 * precision.eps * offset) if precision.bits > HALF else 0.0)
    allowed = max(rounding * more, ROUNDING * more**2) * max(_LEAST, abs(others).max())
    return np.asarray(~(abs(np.asarray(advantages, dtype=np.float64) - others) <= allowed))


def _listed(group: FloatArray) -> str:
    """A group in a line, a long one by its first and last rollouts."""
    numbers = [str(x) for x in group.tolist()]
    if len(numbers) > _LISTED:
        numbers[_LISTED // 2 : -_LISTED // 2] = ["..."]
    return f"[{', '.join(numbers)}]"


def exactly(estimator: Estimator, groups: Array) -> Array | None:
    """The estimator's Fractions, or None where it cannot compute with them."""
    try:
        got = np.asarray(estimator(groups.copy()))
    except Exception:  # any failure on Fractions only means that floats are used
        return None
    if got.shape != groups.shape or not all(isinstance(x, Fraction | int) for x in distinct(got.astype(object))[0]):
        return None
    # Ints too, whose quotients would be floats, and NumPy's ints within, which overflow; most need neither.
    return elementwise(_fraction, got.astype(object))


def _fraction(value: Any) -> Fraction:
    if type(value) is Fraction and type(value.numerator) is type(value.denominator) is int:
        return value
    return Fraction(int(value.numerator), int(value.denominator))


def _floats(values: Array) -> FloatArray:
    """The nearest floats."""
    return elementwise(float, values).astype(np.float64) if values.dtype == object else values.astype(np.float64)
