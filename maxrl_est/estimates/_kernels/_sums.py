"""Sums of powers of likelihoods, to a few roundings at any length and in vector registers.

Equal likelihoods round alike, so that the error of a plain sum grows with its length instead of averaging out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.estimates._kernels._jit import jit

BLOCK = 128  # likelihoods kept in first-level cache while several loops run over them
LANES = 16  # independent partial sums, so that a loop over them fills vector registers
ROWS = 5  # of partial sums, for four powers each: powers up to 4 * ROWS + 1 can be summed
# All constants, so that loops over them are unrolled and vectorised.


class Summation(NamedTuple):
    """Working memory of one thread: it does not grow with the group."""

    block: FloatArray  # (128,) likelihoods up to the ceiling
    power: FloatArray  # (128,) their powers
    total: FloatArray  # (16,) partial sums
    carry: FloatArray  # (16,) what their rounding lost
    top: FloatArray  # (16,) partial maxima
    lanes: FloatArray  # (7, 64) partial sums of powers; the same of one block alone; what rounding lost of row 0


@jit
def summation():
    """Working memory, not yet filled."""
    return Summation(
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(LANES),
        np.empty(LANES),
        np.empty(LANES),
        np.empty((ROWS + 2, 4 * LANES)),
    )


@jit
def _load(row, start, ceiling, block):
    """Copy the next likelihoods, with zeros for those above the ceiling and past the end of the row."""
    part = row[start : start + BLOCK]
    for j in range(part.size):
        block[j] = part[j] if part[j] <= ceiling else 0.0
    for j in range(part.size, BLOCK):
        block[j] = 0.0


@jit
def _take(values, total, carry, top):
    """Add a block to LANES compensated sums and maxima."""
    for s in range(0, BLOCK, LANES):
        for j in range(LANES):
            value = values[s + j]
            top[j] = value if value > top[j] else top[j]
            before, after = total[j], total[j] + value
            shift = after - before
            carry[j] += (before - (after - shift)) + (value - shift)
            total[j] = after


@jit
def total_and_largest(row, ceiling, work):
    """Sum and maximum of the likelihoods up to the ceiling."""
    total, carry, top = work.total, work.carry, work.top
    total[:], carry[:], top[:] = 0.0, 0.0, 0.0
    for start in range(0, row.size, BLOCK):
        _load(row, start, ceiling, work.block)
        _take(work.block, total, carry, top)
    half = LANES // 2
    while half >= 1:
        for j in range(half):
            total[j] += total[j + half]
            carry[j] += carry[j + half]
            top[j] = max(top[j], top[j + half])
        half //= 2
    return total[0] + carry[0], top[0]


@jit
def _take_powers(values, power, lanes):
    """Multiply the powers by their base four times, adding each result to its LANES partial sums."""
    for s in range(0, BLOCK, LANES):
        for j in range(LANES):
            x = values[s + j]
            p1 = power[s + j] * x
            p2 = p1 * x
            p3 = p2 * x
            p4 = p3 * x
            power[s + j] = p4
            lanes[j] += p1
            lanes[LANES + j] += p2
            lanes[2 * LANES + j] += p3
            lanes[3 * LANES + j] += p4


@jit
def _empty_into(part, total, carry):
    """Add partial sums to others, compensated, and reset them."""
    for j in range(4 * LANES):
        before, after = total[j], total[j] + part[j]
        shift = after - before
        carry[j] += (before - (after - shift)) + (part[j] - shift)
        total[j], part[j] = after, 0.0


@jit
def power_sums(row, ceiling, total, work, sums):
    """sums[k] = sum of l^(k+1) over the likelihoods up to the ceiling, given the first; their number is 1 + 4j.

    Powers up to 5 are summed block by block and compensated. The callers keep l, times the t that matters,
    below 1/8, so that errors of further sums do not matter.
    """
    sums[0] = total
    if sums.size == 1:
        return
    block, power, lanes = work.block, work.power, work.lanes
    part, carry = lanes[ROWS], lanes[ROWS + 1]
    lanes[:] = 0.0
    for start in range(0, row.size, BLOCK):
        _load(row, start, ceiling, block)
        power[:] = block
        _take_powers(block, power, part)
        _empty_into(part, lanes[0], carry)
        for k in range(1, sums.size // 4):
            _take_powers(block, power, lanes[k])
    for j in range(4 * LANES):
        lanes[0, j] += carry[j]
    for k in range(1, sums.size):
        lane = (k - 1) % 4 * LANES
        sums[k] = lanes[(k - 1) // 4, lane : lane + LANES].sum()
