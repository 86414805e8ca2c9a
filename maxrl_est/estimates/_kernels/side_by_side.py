"""Weights of order T = N for groups in which every likelihood is a factor, eight groups side by side.

Of eight groups the vectors hold a number each. Of one alone they hold eight nodes in the product and eight rollouts
in the sum over the nodes: the same operations in the same order, so that a group has the same weights to the bit in
any batch.
"""

from __future__ import annotations

import numpy as np

from maxrl_est.estimates._kernels._integrals import (
    CUTOFF,
    cut,
    multiply,
    place_in_all,
    place_in_lane,
    smallest_rule,
    sum_of_fractions,
    tables,
    take_sums,
    turn,
    whole_vectors,
)
from maxrl_est.estimates._kernels._jit import jit, part
from maxrl_est.estimates._kernels._vector import WIDTH
from maxrl_est.estimates._kernels.nodes import COUNTS, LIMITS

SMALL = 16  # up to this size every group takes the exact rule
ALONE = 4  # so many groups at most are faster one by one than side by side


@part
def _gather(likelihoods, start, lanes, work):
    """A group in each lane, the last one again where there are no more; or one group in all lanes."""
    groups, size = likelihoods.shape
    for lane in range(WIDTH):
        g = min(start + lane, groups - 1) if lanes > 1 else start
        for j in range(size):
            work.likelihoods[j, lane] = likelihoods[g, j]


@part
def _rule(work, size, lane):
    """Where a lane's integral is cut, and its rule."""
    if size <= SMALL:
        return 1.0, smallest_rule(size - 1, np.inf, LIMITS)
    a = cut(work.sums[0, lane] - work.sums[1, lane], CUTOFF)
    return a, smallest_rule(size - 1, a * work.sums[0, lane], LIMITS)


@part
def _place_rules(work, size, lanes):
    """Each lane's own nodes, and zeros up to the number of nodes of the lane that has most; return that."""
    most = np.int64(4)  # of int64, for a literal's type would compile what takes it once more
    for lane in range(lanes):
        most = max(most, COUNTS[_rule(work, size, lane)[1]])
    for lane in range(lanes):
        a, rule = _rule(work, size, lane)
        if lanes > 1:
            place_in_lane(work, lane, rule, a, size, most)
        else:
            place_in_all(work, rule, a, size, most)
    return most


@jit
def weights_of_factors(likelihoods, out):
    """Fill out (B, N) with the weights of likelihoods (B, N)."""
    groups, size = likelihoods.shape
    work, count = tables(size), np.int64(0)
    eights = (groups + WIDTH - 1 - ALONE) // WIDTH
    for step in range(eights + max(groups - WIDTH * eights, 0)):
        lanes, start = WIDTH, WIDTH * step
        if step >= eights:
            lanes, start = 1, WIDTH * eights + step - eights
        _gather(likelihoods, start, lanes, work)
        if size > SMALL:
            take_sums(work, size)
        if size > SMALL or step == 0 or lanes == 1:
            count = _place_rules(work, size, lanes)
        vectors = count if lanes > 1 else whole_vectors(count)
        multiply(work, size, vectors)
        if lanes == 1:
            turn(work, size, count)
        sum_of_fractions(work, size if lanes > 1 else whole_vectors(size), count)
        for lane in range(min(lanes, groups - start)):
            for j in range(size):
                row, column = (j, lane) if lanes > 1 else (j // WIDTH, j % WIDTH)
                out[start + lane, j] = work.likelihoods[row, column]
