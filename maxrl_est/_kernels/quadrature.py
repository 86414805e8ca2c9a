"""MaxRL at full order T = N, from one integral, in time linear in N.

With l the likelihoods of a group,

    omega_i = N Int_0^1 P(t) / (1 - t l_i) dt,        P(t) = prod_j (1 - t l_j).

P falls off like exp(-t sum(l)), so the integral is cut at a = min(1, 37 / (sum(l) - max(l))), beyond which less
than 2^-53 of it is left, and Gauss-Legendre nodes do the rest: ``nodes.LIMITS`` says how many are provably enough.

P at the nodes is a product of two parts. Likelihoods above 1/(8a), at most 8 a sum(l) <= 304 of them, are
multiplied in one by one, with the rounding error of every factor carried along: equal likelihoods round
alike, so without that the errors add up instead of averaging out. The others enter through their power sums,
log prod (1 - t l_j) = -sum_k t^k s_k / k, and their weights are a polynomial in l_i with positive coefficients.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from maxrl_est._kernels._jit import fma, jit
from maxrl_est._kernels.nodes import COUNTS, LIMITS, NODES, WEIGHTS
from maxrl_est._typing import Array, FloatArray

CUTOFF = 37.0  # exp(-37) (1 + 38) / 37 < 2^-53: the relative weight of the tail beyond a
SMALL = 16  # up to this size the rule is exact and products need no compensation
FACTORS_ONLY = 64  # up to this size the power sums would cost more than they save
MAX_FACTORS = 640  # more than twice the likelihoods above the ceiling, at most 8 * 38 of them
MAX_TERMS = 21  # terms of the power series, 1 + 4j of them
SERIES_ERROR = 2.0**-55
BLOCK = 128  # likelihoods kept in first-level cache while several loops run over them; a constant, so
# that those loops are unrolled
LANES = 16  # independent partial sums, so that a loop over them fills vector registers


class Scratch(NamedTuple):
    """Working memory of one thread: it does not grow with the group."""

    nodes: FloatArray  # (28,) abscissas a t_k
    product: FloatArray  # (28,) P at the nodes, then its weighted value
    carry: FloatArray  # (28,) what the rounding of the product lost
    exponent: FloatArray  # (28,) minus log P of the likelihoods in the power sums
    position: Array  # (640,) where the likelihoods above 1/(8a) are
    factor: FloatArray  # (640,) those likelihoods
    result: FloatArray  # (640,) their weights
    sums: FloatArray  # (21,) power sums of the others, then the coefficients of their weights
    block: FloatArray  # (128,) likelihoods up to the ceiling
    power: FloatArray  # (128,) their powers
    lanes: FloatArray  # (5, 64) partial sums of powers, four to a row
    total: FloatArray  # (16,) partial sums
    carries: FloatArray  # (16,) what their rounding lost
    top: FloatArray  # (16,) partial maxima


@jit
def _scratch():
    return Scratch(
        np.empty(NODES.shape[1]),
        np.empty(NODES.shape[1]),
        np.empty(NODES.shape[1]),
        np.empty(NODES.shape[1]),
        np.empty(MAX_FACTORS, np.int64),
        np.empty(MAX_FACTORS),
        np.empty(MAX_FACTORS),
        np.empty(MAX_TERMS),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty((MAX_TERMS // 4, 4 * LANES)),
        np.empty(LANES),
        np.empty(LANES),
        np.empty(LANES),
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
def _total_and_largest(row, ceiling, work):
    """Sum, to a few roundings whatever the length, and maximum of the likelihoods up to the ceiling."""
    total, carry, top = work.total, work.carries, work.top
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
def _rule(degree, x):
    """Index of the smallest rule that is exact for a polynomial, or accurate enough at x = a sum(l)."""
    for r in range(COUNTS.size):
        if 2 * COUNTS[r] > degree or x <= LIMITS[r]:
            return r
    return COUNTS.size - 1


@jit
def _split(row, ceiling, work):
    """Collect the likelihoods above the ceiling; return their number."""
    count = 0
    for start in range(0, row.size, BLOCK):
        part = row[start : start + BLOCK]
        above = 0
        for j in range(part.size):
            above += part[j] > ceiling
        if above > 0:
            for j in range(part.size):
                if part[j] > ceiling:
                    work.position[count] = start + j
                    work.factor[count] = part[j]
                    count += 1
    return count


@jit
def _series_length(a, total, decay, largest):
    """Terms of the power series, 1 + 4j, that leave less than SERIES_ERROR of any weight.

    K terms leave t S (t l)^K / ((K + 1) (1 - t l)) of log P. Either bound that by its value at t = a, or integrate
    it against P(t) <= exp(-t S'), which gives K! (l / S')^K; the geometric series of the weights is the same sum.
    """
    slack = 2.0 * max(1.0, a * total)
    at_end = slack * a * largest
    integrated = slack * (1.0 + total) / decay * largest / decay if decay > 0.0 else np.inf
    terms = 1
    while min(at_end, integrated) > SERIES_ERROR:
        for _ in range(4):
            terms += 1
            at_end *= a * largest
            integrated *= terms * largest / decay if decay > 0.0 else 1.0
    return terms


@jit
def _take_powers(values, power, sums):
    """Multiply the powers by their base four times, adding each result to its LANES partial sums."""
    for s in range(0, BLOCK, LANES):
        for j in range(LANES):
            x = values[s + j]
            p1 = power[s + j] * x
            p2 = p1 * x
            p3 = p2 * x
            p4 = p3 * x
            power[s + j] = p4
            sums[j] += p1
            sums[LANES + j] += p2
            sums[2 * LANES + j] += p3
            sums[3 * LANES + j] += p4


@jit
def _power_sums(row, ceiling, total, terms, work):
    """work.sums[k] = sum of l^(k+1) over the likelihoods up to the ceiling, whose sum is the total.

    Plain partial sums do for k >= 1: t^k s_k is a fraction of t s_1, and a smaller one the longer the sum.
    """
    work.sums[0] = total
    if terms == 1:
        return
    block, power, lanes = work.block, work.power, work.lanes
    lanes[:] = 0.0
    for start in range(0, row.size, BLOCK):
        _load(row, start, ceiling, block)
        power[:] = block
        for k in range(terms // 4):
            _take_powers(block, power, lanes[k])
    for k in range(1, terms):
        lane = (k - 1) % 4 * LANES
        work.sums[k] = lanes[(k - 1) // 4, lane : lane + LANES].sum()


@jit
def _times_one_minus(product, carry, t, likelihood):
    """(product + carry) (1 - t l) as a product and a carry, through error-free transformations."""
    x = t * likelihood
    x_error = fma(t, likelihood, -x)
    rest = 1.0 - x
    rest_error = ((1.0 - rest) - x) - x_error
    after = product * rest
    return after, fma(carry, rest, fma(product, rest_error, fma(product, rest, -after)))


@jit
def _multiply(factors, size, nodes, product, carry, count):
    """product + carry *= prod_j (1 - t l_j) at every node t, the carry taking every rounding error.

    Factors go in pairs, which halves the traffic to memory; their number is even.
    """
    for j in range(0, size, 2):
        first, second = factors[j], factors[j + 1]
        for k in range(count):
            p, c = _times_one_minus(product[k], carry[k], nodes[k], first)
            product[k], carry[k] = _times_one_minus(p, c, nodes[k], second)


@jit
def _evaluate(row, degree, decay, total, largest, work):
    """Fill work.product with P at the nodes; return a, the rule, and how many factors and terms there are.

    The degree is that of what will be integrated, and says where the rule is exact.
    """
    a = 1.0 if decay <= CUTOFF else CUTOFF / decay
    rule = _rule(degree, a * total)
    count = max(COUNTS[rule], 4)
    nodes, product, carry, exponent = work.nodes, work.product, work.carry, work.exponent
    for k in range(count):
        nodes[k] = a * NODES[rule, k]
        product[k], carry[k], exponent[k] = 1.0, 0.0, 0.0
    factors, terms = row.size, 0
    if row.size > FACTORS_ONLY:
        ceiling = 0.5 / a if a < 1.0 else 0.125
        factors = 0
        if largest > ceiling:
            factors = _split(row, ceiling, work)
            total, largest = _total_and_largest(row, ceiling, work)
        if 2 * factors < row.size:
            terms = _series_length(a, total, decay, largest)
            _power_sums(row, ceiling, total, terms, work)
            for j in range(terms - 1, -1, -1):
                coefficient = work.sums[j] / (j + 1)
                for k in range(count):
                    exponent[k] = (exponent[k] + coefficient) * nodes[k]
        else:
            factors = row.size
    if terms == 0:
        work.factor[:factors] = row
    work.factor[factors] = 0.0
    _multiply(work.factor, factors + factors % 2, nodes, product, carry, count)
    for k in range(count):
        product[k] = (product[k] + carry[k]) * math.exp(-exponent[k])
    return a, rule, factors, terms


@jit
def _sum_of_fractions(values, size, nodes, masses, count, out):
    """out_i = sum_k masses_k / (1 - t_k l_i) for i < size and k < count, four nodes to a division."""
    for k in range(0, count, 4):
        t0, t1, t2, t3 = -nodes[k], -nodes[k + 1], -nodes[k + 2], -nodes[k + 3]
        m0, m1, m2, m3 = masses[k], masses[k + 1], masses[k + 2], masses[k + 3]
        for i in range(size):
            f0, f1 = fma(t0, values[i], 1.0), fma(t1, values[i], 1.0)
            f2, f3 = fma(t2, values[i], 1.0), fma(t3, values[i], 1.0)
            left, right = f0 * f1, f2 * f3
            top = (m0 * f1 + m1 * f0) * right + (m2 * f3 + m3 * f2) * left
            before = out[i] if k > 0 else 0.0
            out[i] = before + top / (left * right)


@jit
def _polynomial(row, coefficients, terms, out):
    """out_i = sum_k coefficients_k l_i^k by Horner's rule, a block at a time; terms is 1 + 4j."""
    for start in range(0, row.size, BLOCK):
        x, y = row[start : start + BLOCK], out[start : start + BLOCK]
        y[:] = coefficients[terms - 1]
        for k in range(terms - 5, -1, -4):
            c0, c1, c2, c3 = coefficients[k], coefficients[k + 1], coefficients[k + 2], coefficients[k + 3]
            for i in range(x.size):
                y[i] = (((y[i] * x[i] + c3) * x[i] + c2) * x[i] + c1) * x[i] + c0


@jit
def _moments(nodes, masses, moments):
    """moments_k = sum of masses t^k; overwrites the masses."""
    for k in range(moments.size):
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        for j in range(0, masses.size, 4):
            s0 += masses[j]
            s1 += masses[j + 1]
            s2 += masses[j + 2]
            s3 += masses[j + 3]
        moments[k] = (s0 + s1) + (s2 + s3)
        for j in range(masses.size):
            masses[j] *= nodes[j]


@jit
def _weights_of_small_groups(likelihoods, out):
    """The same for at most SMALL rollouts: an exact rule, and too few factors for their roundings to matter."""
    groups, size = likelihoods.shape
    rule = _rule(size - 1, np.inf)
    count = max(COUNTS[rule], 4)
    nodes, product = NODES[rule], np.empty(NODES.shape[1])
    for g in range(groups):
        for k in range(count):
            product[k] = size * WEIGHTS[rule, k]
        for i in range(size):
            for k in range(count):
                product[k] *= fma(-nodes[k], likelihoods[g, i], 1.0)
        _sum_of_fractions(likelihoods[g], size, nodes, product, count, out[g])


@jit
def full_order_weights(likelihoods, out):
    """Fill out (B, N) with the leave-one-out weights of order N of likelihoods (B, N)."""
    groups, size = likelihoods.shape
    if size <= SMALL:
        _weights_of_small_groups(likelihoods, out)
        return
    work = _scratch()
    nodes, masses = work.nodes, work.product
    for g in range(groups):
        row, weights = likelihoods[g], out[g]
        total, largest = _total_and_largest(row, 1.0, work)
        a, rule, factors, terms = _evaluate(row, size - 1, total - largest, total, largest, work)
        count = max(COUNTS[rule], 4)
        for k in range(count):
            masses[k] *= size * a * WEIGHTS[rule, k]
        if terms == 0:
            _sum_of_fractions(row, size, nodes, masses, count, weights)
        else:
            _sum_of_fractions(work.factor, factors, nodes, masses, count, work.result)
            _moments(nodes[:count], masses[:count], work.sums[:terms])
            _polynomial(row, work.sums, terms, weights)
            for j in range(factors):
                weights[work.position[j]] = work.result[j]


@jit
def full_order_weight_estimate(likelihoods, out):
    """Fill out (B,) with the estimate of w_(N+1)(p) from all N likelihoods of each group (B, N)."""
    work = _scratch()
    size = likelihoods.shape[1]
    for g in range(likelihoods.shape[0]):
        total, largest = _total_and_largest(likelihoods[g], 1.0, work)
        a, rule, _, _ = _evaluate(likelihoods[g], size, total, total, largest, work)
        estimate = 0.0
        for k in range(COUNTS[rule]):
            estimate += WEIGHTS[rule, k] * work.product[k]
        out[g] = (size + 1) * a * estimate


@jit
def full_order_objective_estimate(likelihoods, harmonic_number, out):
    """Fill out (B,) with the estimate of J_N(p) of each group (B, N): Int_0^1 (1 - P(t))/t dt - H_N.

    Beyond a the product is negligible and the integral is -log(a). The error is a few roundings of H_N, so
    groups whose estimate is near 0 (mean likelihood above 1/2) want the power recursion instead.
    """
    work = _scratch()
    for g in range(likelihoods.shape[0]):
        total, largest = _total_and_largest(likelihoods[g], 1.0, work)
        a, rule, _, _ = _evaluate(likelihoods[g], likelihoods.shape[1] - 1, total, total, largest, work)
        integral = 0.0
        for k in range(COUNTS[rule]):
            integral += WEIGHTS[rule, k] * (1.0 - work.product[k]) / NODES[rule, k]
        out[g] = integral - math.log(a) - harmonic_number
