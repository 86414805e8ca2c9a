"""Weights of order T = N of short groups in single precision, eight groups side by side, by polynomials of degree 4.

The integral is that of `quadrature`. Four factors at a time are a polynomial in t, which serves all nodes; the
fractions of four nodes at a time are a quotient of polynomials in l, which serves all rollouts:

    prod_j (1 - t l_j) = 1 - e_1 t + e_2 t^2 - e_3 t^3 + e_4 t^4,
    sum_k m_k / (1 - t_k l) = (n_0 - n_1 l + n_2 l^2 - n_3 l^3) / (1 - d_1 l + d_2 l^2 - d_3 l^3 + d_4 l^4).

For a likelihood at a node that is 5/4 multiply-adds in place of 2, and 5/2 in place of 7/2 and a quarter of a division.

In float64 it would cost digits, as terms of up to 16 in all cancel near t l = 1. P is off by 2^-49 of 1, not of itself,
for each four factors. A rule's sum of 1 / (1 - t l) is below 7 a, and a weight over N is at least 1 / (1 + sum(l)),
where a (1 + sum(l)) <= 24: so that costs 2^-49 N / 4 * 7 * 24 of a weight at most, 2^-34 at N = 512. Numerators and
denominators are off by 2^-49 over the product of 1 - t of their four nodes, which is above 2^-12.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.estimates._kernels._integrals import cut, smallest_rule
from maxrl_est.estimates._kernels._jit import jit, part
from maxrl_est.estimates._kernels._tiles import put_tile, take_tile
from maxrl_est.estimates._kernels._vector import WIDTH, fma_vector, larger, load, spread, store
from maxrl_est.estimates._kernels.nodes import COUNTS, SINGLE_LIMITS
from maxrl_est.estimates._kernels.nodes import NODES as _NODES
from maxrl_est.estimates._kernels.nodes import WEIGHTS as _WEIGHTS

CUTOFF = 22.0  # exp(-22) (1 + 22) / 22 < 2^-31; N roundings of 2^-53 are far less
MOST_NODES = 16


def _apart(table: FloatArray) -> FloatArray:
    """The nodes of a rule in such an order that those of four are as far apart as can be."""
    found = np.zeros((len(COUNTS), MOST_NODES))
    for row, rule, count in zip(found, table, COUNTS, strict=True):
        if count <= MOST_NODES:
            row[:count] = rule[:count] if count < 4 else rule[:count].reshape(4, -1).T.ravel()
    return found


NODES, WEIGHTS = _apart(_NODES), _apart(_WEIGHTS)


class Tables(NamedTuple):
    """Working memory of one thread, a vector in a row."""

    likelihoods: FloatArray  # (V, 8) whole fours, then their weights
    factors: FloatArray  # (V, 8) e_1 to e_4 of each four
    nodes: FloatArray  # (16, 8) abscissas a t_k
    masses: FloatArray  # (16, 8) weights of the nodes, then times P
    fractions: FloatArray  # (32, 8) n_0 to n_3 and d_1 to d_4 of each four nodes
    sums: FloatArray  # (2, 8) sum and maximum of the likelihoods


@part
def _symmetric(a, b, c, d):
    """Elementary symmetric polynomials of four numbers."""
    p, q, r, s = a + b, a * b, c + d, c * d
    return p + r, fma_vector(p, r, q + s), fma_vector(q, r, p * s), q * s


@part
def _take_factors(work):
    """The polynomials of each four likelihoods, the sum and the maximum of all."""
    total, largest = spread(0.0), spread(0.0)
    for j in range(0, work.likelihoods.shape[0], 4):
        a, b = load(work.likelihoods, j, 0), load(work.likelihoods, j + 1, 0)
        c, d = load(work.likelihoods, j + 2, 0), load(work.likelihoods, j + 3, 0)
        e1, e2, e3, e4 = _symmetric(a, b, c, d)
        total, largest = total + e1, larger(larger(larger(a, b), larger(c, d)), largest)
        store(work.factors, j, 0, e1)
        store(work.factors, j + 1, 0, e2)
        store(work.factors, j + 2, 0, e3)
        store(work.factors, j + 3, 0, e4)
    store(work.sums, 0, 0, total)
    store(work.sums, 1, 0, largest)


@part
def _place_rules(work, size):
    """Each lane's nodes, and zeros up to the number of nodes of the lane that has most; return that."""
    most = np.int64(4)  # of int64, for a literal's type would compile what takes it once more
    for lane in range(WIDTH):
        a = cut(work.sums[0, lane] - work.sums[1, lane], CUTOFF)
        rule = smallest_rule(size - 1, a * work.sums[0, lane], SINGLE_LIMITS)
        most = max(most, COUNTS[rule])
        for k in range(MOST_NODES):
            work.nodes[k, lane] = a * NODES[rule, k]
            work.masses[k, lane] = size * a * WEIGHTS[rule, k]
    return most


@part
def _multiply(work, k):
    """Multiply the masses of two nodes by P."""
    one = spread(1.0)
    s, t = -load(work.nodes, k, 0), -load(work.nodes, k + 1, 0)
    x, y = load(work.masses, k, 0), load(work.masses, k + 1, 0)
    for j in range(0, work.factors.shape[0], 4):
        e1, e2 = load(work.factors, j, 0), load(work.factors, j + 1, 0)
        e3, e4 = load(work.factors, j + 2, 0), load(work.factors, j + 3, 0)
        x = x * fma_vector(s, fma_vector(s, fma_vector(s, fma_vector(s, e4, e3), e2), e1), one)
        y = y * fma_vector(t, fma_vector(t, fma_vector(t, fma_vector(t, e4, e3), e2), e1), one)
    store(work.masses, k, 0, x)
    store(work.masses, k + 1, 0, y)


@part
def _take_fractions(work, k):
    """Numerator and denominator of four nodes from the k-th on."""
    a, b = load(work.nodes, k, 0), load(work.nodes, k + 1, 0)
    c, d = load(work.nodes, k + 2, 0), load(work.nodes, k + 3, 0)
    d1, d2, d3, d4 = _symmetric(a, b, c, d)
    x, y = load(work.masses, k, 0), load(work.masses, k + 1, 0)
    z, w = load(work.masses, k + 2, 0), load(work.masses, k + 3, 0)
    left, right = x + y, z + w
    turned, turned_right = fma_vector(x, b, y * a), fma_vector(z, d, w * c)
    p, q, r, s = a + b, a * b, c + d, c * d
    row = 2 * k
    store(work.fractions, row, 0, left + right)
    store(work.fractions, row + 1, 0, fma_vector(left, r, turned) + fma_vector(right, p, turned_right))
    store(work.fractions, row + 2, 0, fma_vector(left, s, turned * r) + fma_vector(right, q, turned_right * p))
    store(work.fractions, row + 3, 0, fma_vector(turned, s, turned_right * q))
    store(work.fractions, row + 4, 0, d1)
    store(work.fractions, row + 5, 0, d2)
    store(work.fractions, row + 6, 0, d3)
    store(work.fractions, row + 7, 0, d4)


@part
def _fraction(work, row, l):
    """Numerator and denominator of four nodes at -l."""
    f = work.fractions
    top = fma_vector(l, load(f, row + 3, 0), load(f, row + 2, 0))
    under = fma_vector(l, load(f, row + 7, 0), load(f, row + 6, 0))
    top = fma_vector(l, fma_vector(l, top, load(f, row + 1, 0)), load(f, row, 0))
    under = fma_vector(l, fma_vector(l, under, load(f, row + 5, 0)), load(f, row + 4, 0))
    return top, fma_vector(l, under, spread(1.0))


@part
def _sum_of_fractions(work, width, count):
    """Replace each l by the sum of masses / (1 - t l)."""
    for j in range(width):
        l = -load(work.likelihoods, j, 0)
        top, under = spread(0.0), spread(1.0)
        for row in range(0, 2 * count, 8):
            n, d = _fraction(work, row, l)
            top, under = fma_vector(top, d, n * under), under * d
        store(work.likelihoods, j, 0, top / under)


@jit
def weights_by_fours(likelihoods, size, out):
    """Fill out (B, M) with the weights of groups of N likelihoods (B, M), M >= 8, of which those beyond N are 0."""
    groups, width = likelihoods.shape
    rows = (width + 3) & -4
    work = Tables(
        np.zeros((rows, WIDTH)),
        np.empty((rows, WIDTH)),
        np.empty((MOST_NODES, WIDTH)),
        np.empty((MOST_NODES, WIDTH)),
        np.empty((2 * MOST_NODES, WIDTH)),
        np.empty((2, WIDTH)),
    )
    for start in range(0, groups, WIDTH):
        for j in range(0, width, WIDTH):
            take_tile(likelihoods, start, min(j, width - WIDTH), work.likelihoods)
        _take_factors(work)
        count = _place_rules(work, size)
        for k in range(0, count, 4):
            _multiply(work, k)
            _multiply(work, k + 2)
            _take_fractions(work, k)
        _sum_of_fractions(work, width, count)
        for j in range(0, width, WIDTH):
            put_tile(work.likelihoods, out, start, min(j, width - WIDTH))
