"""Sums of powers of likelihoods, to a few roundings at any length and in vector registers.

Equal likelihoods round alike, so that the error of a plain sum grows with its length instead of averaging out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.estimates._kernels._jit import part
from maxrl_est.estimates._kernels._vector import WIDTH, larger, load, spread, store, up_to

BLOCK = 128  # likelihoods kept in first-level cache while several loops run over them
ROWS = 5  # of partial sums, for four powers each: powers up to 4 * ROWS + 1 can be summed


class Summation(NamedTuple):
    """Working memory of one thread, a vector in a row: it does not grow with the group."""

    block: FloatArray  # (1, 128) likelihoods up to the ceiling
    power: FloatArray  # (1, 128) their powers
    lanes: FloatArray  # (24, 8) partial sums of powers; what rounding lost of the first four


@part
def summation():
    """Working memory, not yet filled."""
    return Summation(np.empty((1, BLOCK)), np.empty((1, BLOCK)), np.empty((4 * ROWS + 4, WIDTH)))


@part
def _take_block(likelihoods, g, start, ceiling, block):
    """Copy the next likelihoods, with zeros for those above the ceiling and past the end of the row."""
    size = min(likelihoods.shape[1] - start, BLOCK)
    whole = size & -WIDTH
    for j in range(0, whole, WIDTH):
        store(block, 0, j, up_to(load(likelihoods, g, start + j), spread(ceiling)))
    for j in range(whole, BLOCK, WIDTH):
        store(block, 0, j, spread(0.0))
    for j in range(whole, size):
        value = likelihoods[g, start + j]
        block[0, j] = value if value <= ceiling else 0.0


@part
def add(total, carry, value):
    """(total + carry) + value, the carry taking what rounding loses."""
    after = total + value
    shift = after - total
    return after, carry + ((total - (after - shift)) + (value - shift))


@part
def total_and_largest(likelihoods, g, ceiling, work):
    """Sum and maximum of the likelihoods of a group up to the ceiling."""
    total, carry, top = spread(0.0), spread(0.0), spread(0.0)
    for start in range(0, likelihoods.shape[1], BLOCK):
        _take_block(likelihoods, g, start, ceiling, work.block)
        for j in range(0, BLOCK, WIDTH):
            value = load(work.block, 0, j)
            total, carry = add(total, carry, value)
            top = larger(value, top)
    store(work.lanes, 0, 0, total)
    store(work.lanes, 1, 0, carry)
    store(work.lanes, 2, 0, top)
    whole, lost, largest = 0.0, 0.0, 0.0
    for lane in range(WIDTH):
        whole, lost = add(whole, lost, work.lanes[0, lane])
        lost += work.lanes[1, lane]
        largest = max(largest, work.lanes[2, lane])
    return whole + lost, largest


@part
def _next_powers(work):
    """Multiply the powers of a block by their base four times; the sums of each result, by lane."""
    s1, s2, s3, s4 = spread(0.0), spread(0.0), spread(0.0), spread(0.0)
    for j in range(0, BLOCK, WIDTH):
        x = load(work.block, 0, j)
        p1 = load(work.power, 0, j) * x
        p2 = p1 * x
        p3 = p2 * x
        p4 = p3 * x
        store(work.power, 0, j, p4)
        s1, s2, s3, s4 = s1 + p1, s2 + p2, s3 + p3, s4 + p4
    return s1, s2, s3, s4


@part
def power_sums(likelihoods, g, ceiling, total, terms, work, sums):
    """sums[k] = sum of l^(k+1), k < terms = 1 + 4j, over a group's likelihoods up to the ceiling, given the first.

    Powers up to 5 are summed block by block and compensated. The callers keep l, times the t that matters,
    below 1/8, so that errors of further sums do not matter.
    """
    sums[0] = total
    if terms == 1:
        return
    lanes = work.lanes
    for k in range(4 * ROWS + 4):
        store(lanes, k, 0, spread(0.0))
    for start in range(0, likelihoods.shape[1], BLOCK):
        _take_block(likelihoods, g, start, ceiling, work.block)
        for j in range(0, BLOCK, WIDTH):
            store(work.power, 0, j, load(work.block, 0, j))
        for k in range(0, terms - 1, 4):
            parts = _next_powers(work)
            for j in range(4):
                if k == 0:
                    whole, lost = add(load(lanes, j, 0), load(lanes, 4 * ROWS + j, 0), parts[j])
                    store(lanes, 4 * ROWS + j, 0, lost)
                else:
                    whole = load(lanes, k + j, 0) + parts[j]
                store(lanes, k + j, 0, whole)
    for k in range(terms - 1):
        if k < 4:
            store(lanes, k, 0, load(lanes, k, 0) + load(lanes, 4 * ROWS + k, 0))
        part = 0.0
        for lane in range(WIDTH):
            part += lanes[k, lane]
        sums[k + 1] = part
