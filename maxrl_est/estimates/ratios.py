"""Rollouts of another policy mu, each with its ratio rho = pi / mu: weights and advantages for the gradient of pi.

In the place of 1 - l_j stands x_j = 1 - rho_j l_j + c (rho_j - 1), which has the mean 1 - p of pi for any constant c,
and the rollout that is weighed has its ratio in front:

    omega_i = sum_k c_k E_k(x_j, j != i),   A_i = rho_i (omega_i l_i - b_i).

x may be negative, so that terms cancel and weights are no longer accurate relative to themselves. What is left is an
error of at most 4 (N + 1) 2^-53 sum_k |c_k| E_k(|x_j|), with 1 - x_j for x_j where an objective is computed in powers
of p: x is rounded once (where c is neither 0 nor 1, unless it is less than 2^-50 of what it is the difference of),
each of up to N - 1 factors of a product adds that of its own, and sums are of twice the precision. Weights for which
that is more than 1e-9 of themselves and of the largest that the objective has are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import at, finite
from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.estimates import _kernels as kernels
from maxrl_est.estimates import checked
from maxrl_est.estimates._kernels import generic
from maxrl_est.estimates.baselines import Recipe, guessed
from maxrl_est.estimates.elementwise import elementwise
from maxrl_est.estimates.grouped import of_groups
from maxrl_est.estimates.groups import Groups, beside
from maxrl_est.estimates.threads import in_blocks
from maxrl_est.objectives import Objective, exact_number

MOST_LOST = 1e-9  # of a weight, or of the largest that the objective has
_SPLIT = 2.0**27 + 1.0  # halves the digits of a float


class OffPolicy(NamedTuple):
    """Ratios (B, N) beside groups (B, N), and the constant c of the control variate."""

    ratios: Array
    control: Fraction | float


def off_policy(groups: Groups, ratios: npt.ArrayLike | None, control: Any) -> OffPolicy | None:
    """Checked ratios, None where there are none; TypeError or ValueError for what are no ratios of these rollouts."""
    finite("control", control)
    if ratios is None:
        if control:
            raise TypeError(f"control must come with ratios, got {control!r} without")
        return None
    values = beside(groups, "ratios", ratios)
    exact = values.dtype == object
    return OffPolicy(values, exact_number("control", control) if exact else float(control))


def computed(
    groups: Groups, off: OffPolicy, ids: Any, compute: Callable[[Array, OffPolicy], Sequence[Array]], results: int
) -> list[Array]:
    """Results that ``compute`` makes of groups, or of those that ids tell, and ratios, where little of them is lost."""
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused
        if ids is None:
            *found, lost = compute(groups.values, off)
        else:
            *found, lost = of_groups(
                groups, ids, lambda l, rho: compute(l, OffPolicy(rho, off.control)), results + 1, off.ratios
            )
    for result in found:
        if result.dtype != object:
            lost = np.where(np.isfinite(result), lost, np.inf)
    need_kept(groups, lost)
    return found


def weights(values: Array, off: OffPolicy, objective: Objective | None, n_threads: int) -> list[Array]:
    """Weights (B, N) of checked groups (B, N), and what share of them may be lost (B, N)."""
    if values.dtype == object:
        found = np.empty_like(values)
        masses = _masses(values, off, False)
        generic.loo_weights(masses, checked.rationals(objective, values.shape[1]), True, found)
        return [found, np.zeros(values.shape)]
    by = (objective or Objective.maxrl(values.shape[1])).expansion
    masses = _masses(values, off, by.successes)
    found = _combined(masses, by.coefficients, n_threads)
    return [found, _lost(found, masses, by.coefficients, by.growth, n_threads)]


def weights_and_advantages(values: Array, off: OffPolicy, made_of: Recipe, n_threads: int) -> list[Array]:
    """Weights and advantages (B, N) of checked groups (B, N), and what share of weights may be lost (B, N)."""
    found, lost = weights(values, off, made_of.weights, n_threads)
    if made_of.guess is not None:
        guess = guessed(_masses(values, off, True), made_of.guess)
        return [found, elementwise(lambda rho, w, l, t: rho * (w * (l - t)), off.ratios, found, values, guess), lost]
    baseline = np.array(made_of.constant if values.dtype == object else float(made_of.constant))
    if made_of.others is not None:
        baseline, also_lost = weights(values, off, made_of.others, n_threads)
        lost = np.maximum(lost, also_lost)
    return [found, elementwise(lambda rho, w, l, b: rho * (w * l - b), off.ratios, found, values, baseline), lost]


def need_kept(groups: Groups, lost: Array) -> None:
    """ValueError for the first rollout whose weight floats do not hold well enough."""
    wrong = np.flatnonzero(~(lost <= MOST_LOST).astype(bool))
    if wrong.size:
        index = np.unravel_index(int(wrong[0]), (*groups.batch, groups.size))
        raise ValueError(
            f"{at('ratios', index)} must have others whose terms cancel to a weight with an error of at most "
            f"{MOST_LOST:g}, got up to {lost.flat[wrong[0]]:.2g}; Fractions are exact, and with control=1 no terms of "
            f"MaxRL cancel"
        )


def _masses(values: Array, off: OffPolicy, successes: bool) -> Array:
    """x = (1 - c) + rho (c - l), or 1 - x: of floats, rounded from twice their precision."""
    ratios, control = off
    if values.dtype == object:
        if successes:
            return elementwise(lambda l, rho: control - rho * (control - l), values, ratios)
        return elementwise(lambda l, rho: 1 - control + rho * (control - l), values, ratios)
    start, start_rest = (control, 0.0) if successes else _sum(1.0, -control)
    gap, gap_rest = _sum(control, -values)
    signed = -ratios if successes else ratios
    product, rest = _product(signed, gap)
    total, total_rest = _sum(start, product)
    masses: FloatArray = total + (total_rest + (start_rest + (rest + signed * gap_rest)))
    masses.flags.writeable = False  # as kernels have it
    return masses


def _sum(x: Any, y: Any) -> tuple[Any, Any]:
    """The sum and what it rounds off, exactly (D. E. Knuth)."""
    total = x + y
    return total, generic.rounded_off(x, y, total)


def _product(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The product and what it rounds off, exactly (T. J. Dekker)."""
    product = x * y
    (x_high, x_low), (y_high, y_low) = _halves(x), _halves(y)
    return product, ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low


def _halves(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    scaled = _SPLIT * x
    high = scaled - (scaled - x)
    return high, x - high


def _combined(masses: FloatArray, coefficients: FloatArray, n_threads: int) -> FloatArray:
    """sum_k c_k E_k (B, N) of the others' masses, of any sign: inf or NaN where that overflows."""
    found = np.empty(masses.shape)
    in_blocks(lambda of, out: kernels.loo_weights(of, coefficients, True, out), n_threads, masses, found)
    return found


def _lost(found: FloatArray, masses: FloatArray, coefficients: FloatArray, growth: float, n_threads: int) -> FloatArray:
    """The error bound of weights (B, N), over the larger of the weight and the objective's largest."""
    sizes = abs(found)
    signed = (masses < 0).any(axis=-1) | (growth > 1)
    some, sizes_of_c = abs(masses[signed]), abs(coefficients)
    for array in (some, sizes_of_c):
        array.flags.writeable = False
    sizes[signed] = _combined(some, sizes_of_c, n_threads)
    largest = np.maximum(abs(found), sizes_of_c.sum() / growth)
    held = np.isfinite(sizes)
    # Roundings of a product of k <= N-1 masses, each a factor 1 + d with |d| <= 2^-53: k of the masses and at most k of
    # multiplying them; sums are to twice the precision. Besides, c_k, its share c_k / C(N-1, k), the last product and
    # the last sum: 2 (N-1) + 4 = 2 (N+1). They change a term by at most 2 (N+1) 2^-53 / (1 - 2 (N+1) 2^-53) of its
    # size, and the sizes add up to sum_k |c_k| E_k(|x|). As much again is for what is of the order 2^-106, and slack.
    bound = 4 * (masses.shape[1] + 1) * 2.0**-53
    return np.asarray(np.divide(bound * sizes, largest, out=np.full(found.shape, np.inf), where=held))
