"""omega_i / N = Int_0^1 P(t) / (1 - t l_i) dt in vectors: which nodes, the product P at them, and the sum over them.

Every number in a vector goes through the same operations in the same order whatever lies beside it, so results do
not depend on what is computed together: eight groups, or eight nodes of one group and then eight of its rollouts.

A rule is padded by nodes 0 of weight 0, which multiply by 1 and add 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.estimates._kernels._jit import part
from maxrl_est.estimates._kernels._vector import WIDTH, fma_vector, larger, load, spread, store
from maxrl_est.estimates._kernels.nodes import COUNTS
from maxrl_est.estimates._kernels.nodes import NODES as _NODES
from maxrl_est.estimates._kernels.nodes import WEIGHTS as _WEIGHTS

CUTOFF = 37.0  # exp(-37) (1 + 37) / 37 < 2^-53: the relative weight of the tail beyond a
MOST_NODES = 32  # of the largest rule, in whole vectors
NODES, WEIGHTS = (np.pad(table, ((0, 0), (0, MOST_NODES - table.shape[1]))) for table in (_NODES, _WEIGHTS))


class Tables(NamedTuple):
    """Working memory of one thread, a vector in a row."""

    likelihoods: FloatArray  # (V, 8) then their weights
    nodes: FloatArray  # (32, 8) abscissas a t_k
    weights: FloatArray  # (32, 8) of the nodes
    masses: FloatArray  # (32, 8) weights times P
    sums: FloatArray  # (2, 8) sum and maximum of the likelihoods


@part
def whole_vectors(size):
    """Vectors that hold so many numbers."""
    return (size + WIDTH - 1) >> 3  # WIDTH is 8; division of signed numbers has branches


@part
def tables(size):
    """Working memory for so many likelihoods, in whole vectors either way they lie; not yet filled."""
    return Tables(
        np.empty((whole_vectors(size) * WIDTH, WIDTH)),
        np.empty((MOST_NODES, WIDTH)),
        np.empty((MOST_NODES, WIDTH)),
        np.empty((MOST_NODES, WIDTH)),
        np.empty((2, WIDTH)),
    )


@part
def take_sums(work, size):
    """Fill work.sums from the likelihoods."""
    total, largest = spread(0.0), spread(0.0)
    for j in range(size):
        likelihood = load(work.likelihoods, j, 0)
        total = total + likelihood
        largest = larger(likelihood, largest)
    store(work.sums, 0, 0, total)
    store(work.sums, 1, 0, largest)


@part
def cut(decay, cutoff):
    """Where to cut the integral of a product that falls off like exp(-t decay)."""
    return 1.0 if decay <= cutoff else cutoff / decay


@part
def smallest_rule(degree, x, limits):
    """Index of the smallest rule that is exact for a polynomial, or accurate enough at x = a sum(l)."""
    for rule in range(COUNTS.size):
        if 2 * COUNTS[rule] > degree or x <= limits[rule]:
            return rule
    return COUNTS.size - 1


@part
def place_in_lane(work, lane, rule, a, scale, count):
    """Put a rule on [0, a], its weights times the scale, into a lane of so many vectors."""
    for k in range(count):
        work.nodes[k, lane] = a * NODES[rule, k]
        work.weights[k, lane] = scale * a * WEIGHTS[rule, k]


@part
def place_in_all(work, rule, a, scale, count):
    """The same with neighbouring nodes in the lanes of a vector."""
    for v in range(whole_vectors(count)):
        store(work.nodes, v, 0, spread(a) * load(NODES, rule, v * WIDTH))
        store(work.weights, v, 0, spread(scale * a) * load(WEIGHTS, rule, v * WIDTH))


@part
def sum_of_lanes(lanes):
    """The sum of the vector in row 0."""
    return ((lanes[0, 0] + lanes[0, 1]) + (lanes[0, 2] + lanes[0, 3])) + (
        (lanes[0, 4] + lanes[0, 5]) + (lanes[0, 6] + lanes[0, 7])
    )


@part
def turn(work, size, count):
    """Of one group: from eight nodes in a vector and a rollout in all lanes to eight rollouts, and a node in all."""
    for v in range(whole_vectors(count) - 1, -1, -1):  # from the last on, as it is done in place
        for lane in range(WIDTH - 1, -1, -1):
            store(work.nodes, v * WIDTH + lane, 0, spread(work.nodes[v, lane]))
            store(work.masses, v * WIDTH + lane, 0, spread(work.masses[v, lane]))
    for v in range(whole_vectors(size)):
        for lane in range(WIDTH):
            work.likelihoods[v, lane] = work.likelihoods[v * WIDTH + lane, 0]


@part
def multiply(work, size, vectors):
    """Masses are weights times prod_j (1 - t l_j) at every node t, the error of every rounding carried along.

    That of a factor is exact where the factor is at least 1/2. Below, it is off by 2^-54, which is no more than
    the integral of 2^-54 / (1 - t l) loses anyway when a factor is divided out again.
    """
    one = spread(1.0)
    for v in range(vectors):
        t = -load(work.nodes, v, 0)
        product, carry = one, spread(0.0)
        for j in range(size):
            likelihood = load(work.likelihoods, j, 0)
            factor = fma_vector(t, likelihood, one)
            error = fma_vector(t, likelihood, one - factor)
            after = product * factor
            error = fma_vector(product, error, fma_vector(product, factor, -after))
            product, carry = after, fma_vector(carry, factor, error)
        weight = load(work.weights, v, 0)
        store(work.masses, v, 0, fma_vector(weight, product, weight * carry))


@part
def _fraction(work, k, likelihood):
    """m / (1 - t l) + m' / (1 - t' l) of two nodes, as numerator and denominator."""
    one = spread(1.0)
    first = fma_vector(-load(work.nodes, k, 0), likelihood, one)
    second = fma_vector(-load(work.nodes, k + 1, 0), likelihood, one)
    top = fma_vector(load(work.masses, k, 0), second, load(work.masses, k + 1, 0) * first)
    return top, first * second


@part
def sum_of_fractions(work, vectors, count):
    """Replace each l by the sum of masses / (1 - t l), four nodes to a division; of the first four, two.

    There P is largest, and rounding counts most: so the nodes come from the last one on.
    """
    for v in range(vectors):
        likelihood, total = load(work.likelihoods, v, 0), spread(0.0)
        for k in range(count - 4, -1, -4):
            left, under_left = _fraction(work, k, likelihood)
            right, under_right = _fraction(work, k + 2, likelihood)
            if k > 0:
                total = total + fma_vector(left, under_right, right * under_left) / (under_left * under_right)
            else:
                total = total + (left / under_left + right / under_right)
        store(work.likelihoods, v, 0, total)
