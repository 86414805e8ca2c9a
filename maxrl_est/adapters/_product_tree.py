"""Any objective of order T <= N in operations of the array API standard: static shapes, no branch on a value.

For what `_quadrature` and `_circle` have no way in O(N) to.

Let E_k be the mean of products of all k-subsets of the masses: 1 - l of failures, or l of successes. Joining neighbours
from rollouts up to the group gives E_0..E_K of every block; then c, which turns E_k of a group less rollout i into its
weight, is handed down from the group to blocks and to rollouts:

    C(m+n, k) E_k(both) = sum_j C(m, k-j) C(n, j) E_(k-j)(left) E_j(right),
    g_left[a] = sum_j C(m-1, a) C(n, j) / C(m+n-1, a+j) g_both[a+j] E_j(right),      omega_i = g_i[0].

The steps are the same for every value, and only the levels, log2(N) of them, have to follow each other.

Tables hold C(n, k) E_k / 2^L with 2^L near C(n, k), so nothing overflows. Equal likelihoods round alike, which would
cost N T roundings; so entries are pairs, of which the first has half the digits of a float. Products of such halves are
exact, and sums of them too once what lies below a common place is set apart.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.adapters._arrays import constant, size_of, static


class Pair(NamedTuple):
    """A table (..., blocks, entries) to more digits than a float has: half a float, and the rest."""

    high: Any
    low: Any


class Step(NamedTuple):
    """How two tables of neighbouring blocks make one: out[r] = sum_j scale[r, j] x[entry[r, j]] y[j]."""

    entry: Array  # (r, j)
    scale: Array  # (blocks or 1, r, j), powers of two


class Level(NamedTuple):
    """One level of the tree: E_k of blocks from their halves, functionals of their halves from those of blocks."""

    join: Step
    left: Step
    right: Step


def loo_weights(xp: Any, likelihoods: Any, coefficients: tuple[float, ...], successes: bool) -> Any:
    """Leave-one-out weights (..., N): sum_k c_k E_k of the others, for coefficients (T,), T <= N."""
    size = size_of(likelihoods)
    *tables, _ = _tables(xp, likelihoods, successes, len(coefficients))
    unit, high, low = _functional(coefficients, size, _digits(xp, likelihoods))
    g = Pair(constant(xp, high, likelihoods), constant(xp, low, likelihoods))
    for level, (left, right) in zip(reversed(_levels(size, len(coefficients))), reversed(tables), strict=True):
        of_left, of_right = _combine(xp, g, level.left, right), _combine(xp, g, level.right, left)
        g = Pair(*(_interleaved(xp, *halves) for halves in zip(of_left, of_right, strict=True)))
    return (g.high + g.low)[
        ..., :size, 0
    ] * unit + 0.0 * likelihoods  # of their shape, and differentiable, at N = 1 too


def combined_powers(xp: Any, likelihoods: Any, coefficients: tuple[float, ...], successes: bool) -> Any:
    """sum_k c_k E_k (...) of all rollouts, for coefficients (K + 1,), K <= N."""
    size = size_of(likelihoods)
    *_, table = _tables(xp, likelihoods, successes, len(coefficients))
    unit, high, low = _functional(coefficients, size + 1, _digits(xp, likelihoods))
    weights = constant(xp, (high + low)[0], likelihoods)
    return xp.sum((table.high + table.low)[..., 0, :] * weights, axis=-1) * unit


def _tables(xp: Any, likelihoods: Any, successes: bool, terms: int) -> list[Any]:
    """E_0.., at most ``terms`` of them, of the blocks of every level: (left halves, right halves), and the group's."""
    size = size_of(likelihoods)
    levels = _levels(size, terms)
    base, sign = (0.0, 1.0) if successes else (1.0, -1.0)
    padding = base * xp.ones_like(likelihoods[..., :1])  # a mass of 0 adds nothing to any product
    signed = sign * xp.concat([likelihoods, *[padding] * (2 ** len(levels) - size)], axis=-1)
    mass = base + signed
    one, zero = xp.ones_like(mass), xp.zeros_like(mass)
    table = _split(xp, xp.stack([one, mass], axis=-1), xp.stack([zero, (base - mass) + signed], axis=-1))
    table = Pair(*(part[..., :terms] for part in table))
    tables = []
    for level in levels:
        left, right = (Pair(*(part[..., side::2, :] for part in table)) for side in (0, 1))
        tables.append((left, right))
        table = _combine(xp, left, level.join, right)
    return [*tables, table]


def _combine(xp: Any, x: Pair, step: Step, y: Pair) -> Pair:
    """Take a step to all digits of its arguments."""
    entries, scale = constant(xp, step.entry.reshape(-1), x.high, dtype=xp.int32), constant(xp, step.scale, x.high)
    x_high, x_low = (
        xp.reshape(xp.take(part, entries, axis=-1), (*part.shape[:-1], *step.entry.shape)) * scale for part in x
    )
    y_high, y_low = (part[..., None, :] for part in y)
    product = x_high * y_high  # exact
    place = 2.0 ** (_digits(xp, x.high) - 3)
    above = xp.round(product * place) / place  # sums of these are exact as well
    below = (product - above) + (x_high * y_low + x_low * (y_high + y_low))
    return _split(xp, xp.sum(above, axis=-1), xp.sum(below, axis=-1))


def _split(xp: Any, number: Any, rest: Any) -> Pair:
    """Number + rest as a pair. By rounding: compilers undo the addition and subtraction of a large constant."""
    place = 2.0 ** (_digits(xp, number) // 2 - 1)
    high = xp.round((number + rest) * place) / place
    return Pair(high, (number - high) + rest)


def _interleaved(xp: Any, even: Any, odd: Any) -> Any:
    """Tables of blocks 0, 2, ... and of blocks 1, 3, ... as one."""
    shape = (*even.shape[:-2], 2 * even.shape[-2], even.shape[-1])
    return xp.reshape(xp.stack([even, odd], axis=-2), shape)


def _digits(xp: Any, values: Any) -> int:
    return 53 if values.dtype == xp.float64 else 24


@functools.lru_cache(maxsize=8)
@static
def _levels(size: int, terms: int) -> tuple[Level, ...]:
    """The steps of a group's tree, rollouts first; blocks past its end are empty."""
    levels = []
    for height in range((size - 1).bit_length()):
        width = 2**height
        blocks = 2 ** ((size - 1).bit_length() - height)
        counts = [min(max(size - start, 0), width) for start in range(0, blocks * width, width)]
        pairs = list(zip(counts[::2], counts[1::2], strict=True))
        rows, columns, parents = min(terms, 2 * width + 1), min(terms, width + 1), min(terms, 2 * width)
        levels.append(
            Level(
                join=_step(columns, rows, columns, -1, [(a, b, a + b) for a, b in pairs]),
                left=_step(parents, min(terms, width), columns, 1, [(a - 1, b, a + b - 1) for a, b in pairs]),
                right=_step(parents, min(terms, width), columns, 1, [(b - 1, a, a + b - 1) for a, b in pairs]),
            )
        )
    return tuple(levels)


def _step(entries: int, rows: int, columns: int, sign: int, counts: Sequence[tuple[int, int, int]]) -> Step:
    """The step that takes entry r + sign j of x, which has so many, for blocks of given counts: x or out, y, and both.

    Its scale is 2^(L(first, .) + L(second, j) - L(both, .)), and 0 where there are no such subsets.
    """
    row, column = np.arange(rows)[:, None], np.arange(columns)
    entry = row + sign * column
    inside = (entry >= 0) & (entry < entries)
    entry = np.where(inside, entry, 0)
    part, whole = (entry, row) if sign < 0 else (row, entry)
    terms = max(entries, rows, columns)
    scales = []
    for first, second, both in counts if len(set(counts)) > 1 else counts[:1]:  # all alike share one
        possible = inside & (part <= first) & (column <= second)
        above = _log2_binomials(first, terms)[part] + _log2_binomials(second, terms)[column]
        exponent = np.where(possible, above - _log2_binomials(both, terms)[whole], 0)
        scales.append(np.where(possible, np.ldexp(1.0, exponent), 0.0))
    return Step(entry, np.stack(scales))


@functools.lru_cache(maxsize=64)
@static
def _functional(coefficients: tuple[float, ...], size: int, digits: int) -> tuple[float, Array, Array]:
    """2^U, and c_k 2^(L - U) / C(N-1, k) (1, T) as a pair of entries up to 1."""
    unit = 2.0 ** math.ceil(math.log2(math.fsum(abs(c) for c in coefficients)))
    place = 2 ** (digits // 2 - 1)
    high, low = [], []
    for c, binomial in zip(coefficients, _binomials(size - 1, len(coefficients)), strict=True):
        exact = Fraction(c) / Fraction(unit) * Fraction(2 ** _log2(binomial), binomial)
        high.append(round(exact * place) / place)
        low.append(float(exact - Fraction(high[-1])))
    return unit, np.array([high]), np.array([low])


@functools.lru_cache(maxsize=64)
def _log2_binomials(n: int, terms: int) -> Array:
    """L of C(n, k) for k < terms."""
    return np.array([_log2(binomial) for binomial in _binomials(n, terms)])


def _binomials(n: int, terms: int) -> Iterator[int]:
    return accumulate(range(terms - 1), lambda binomial, k: binomial * (n - k) // (k + 1), initial=1)


def _log2(number: int) -> int:
    return number.bit_length() - 1
