"""MaxRL at full order T = N, from one integral, in time linear in N.

With l the likelihoods of a group,

    omega_i = N Int_0^1 P(t) / (1 - t l_i) dt,        P(t) = prod_j (1 - t l_j).

P falls off like exp(-t sum(l)), so the integral is cut at a = min(1, 37 / (sum(l) - max(l))), beyond which less
than 2^-53 of it is left, and Gauss-Legendre nodes do the rest: ``nodes.LIMITS`` says how many leave 2^-54.

P at the nodes is a product of two parts. Likelihoods above 1/8, or above 1/(2a) where a < 1, are multiplied in
one by one, with the rounding error of every factor carried along: equal likelihoods round alike, so without
that the errors add up instead of averaging out. The others enter through their power sums,
log prod (1 - t l_j) = -sum_k t^k s_k / k, and their weights are a polynomial in l_i with positive coefficients;
both series are cut where 2^-55 is left.

So truncation costs less than two units in the last place at any N; rounding adds about as many.

Prior art: nlyu1/maxrl-statistics has the integral with ceil(N/2) nodes, which are exact for a polynomial of degree
N - 1 but take O(N^2) steps.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.estimates._kernels._jit import fma, jit
from maxrl_est.estimates._kernels._sums import BLOCK, ROWS, power_sums, summation, total_and_largest
from maxrl_est.estimates._kernels.nodes import COUNTS, LIMITS, NODES, WEIGHTS

CUTOFF = 37.0  # exp(-37) (1 + 37) / 37 < 2^-53: the relative weight of the tail beyond a
SMALL = 16  # up to this size the rule is exact and products need no compensation
FACTORS_ONLY = 64  # up to this size the power sums would cost more than they save
MAX_FACTORS = 2 * 8 * 38 + 1  # see _split; and one more to make their number even
MAX_TERMS = 4 * ROWS + 1  # see _series_length
SERIES_ERROR = 2.0**-55


class Scratch(NamedTuple):
    """Working memory of one thread: it does not grow with the group."""

    nodes: FloatArray  # (28,) abscissas a t_k
    product: FloatArray  # (28,) P at the nodes, then its weighted value
    carry: FloatArray  # (28,) what the rounding of the product lost
    exponent: FloatArray  # (28,) minus log P of the likelihoods in the power sums
    position: Array  # (609,) where the likelihoods above the ceiling are
    factor: FloatArray  # (609,) those likelihoods
    result: FloatArray  # (609,) their weights
    sums: FloatArray  # (21,) power sums of the others, then the coefficients of their weights


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
    )


@jit
def _rule(degree, x):
    """Index of the smallest rule that is exact for a polynomial, or accurate enough at x = a sum(l)."""
    for r in range(COUNTS.size):
        if 2 * COUNTS[r] > degree or x <= LIMITS[r]:
            return r
    return COUNTS.size - 1


@jit
def _split(row, ceiling, work):
    """Collect the likelihoods above the ceiling; return their number.

    As a sum(l) <= 37 + max(l) <= 38, it is at most 8 * 38 for the ceiling 1/8 and 2 * 38 for 1/(2a). A group of
    which they are half or more consists of factors only, which explains the size of the arrays.
    """
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
def _series_length(a, total, remaining, decay, largest):
    """Terms K = 1 + 4j <= 21 of the power series that leave less than SERIES_ERROR of any weight.

    Let R be the sum of the likelihoods in the series, the remaining ones, l the largest of them, S that of all
    and S' <= S - l_i the decay. K terms leave at most 2 R t (t l)^K / (K + 1) of log P, as t l <= 1/2, and at most
    (t l)^K of 1 / (1 - t l_i). As a fraction of the weight that is at most

    - (1 + a R) (a l)^K, its value at t = a, or
    - (1 + S) / S' (1 + 2 R / S') K! (l / S')^K, for Int exp(-t S') t^K dt <= K! / S'^(K+1) and the whole
      integral is at least 1 / (1 + S).

    For a = 1, where l <= 1/8 and R <= 38, the first is below 2^-57 at K = 21; for a < 1, where l / S' <= 1/74 and
    S <= S' + 1, the second is below 2^-55 at K = 17.
    """
    at_end = (1.0 + a * remaining) * a * largest
    integrated = np.inf
    if decay > 0.0:
        integrated = (1.0 + total) / decay * (1.0 + 2.0 * remaining / decay) * largest / decay
    terms = 1
    while min(at_end, integrated) > SERIES_ERROR:
        for _ in range(4):
            terms += 1
            at_end *= a * largest
            integrated *= terms * largest / decay if decay > 0.0 else 1.0
    return terms


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
def _evaluate(row, degree, decay, total, largest, work, summing):
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
        factors, remaining = 0, total
        if largest > ceiling:
            factors = _split(row, ceiling, work)
            remaining, largest = total_and_largest(row, ceiling, summing)
        if 2 * factors < row.size:
            terms = _series_length(a, total, remaining, decay, largest)
            power_sums(row, ceiling, remaining, summing, work.sums[:terms])
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
    """full_order_weights of at most SMALL rollouts: an exact rule, too few factors for their roundings to matter."""
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
    work, summing = _scratch(), summation()
    nodes, masses = work.nodes, work.product
    for g in range(groups):
        row, weights = likelihoods[g], out[g]
        total, largest = total_and_largest(row, 1.0, summing)
        a, rule, factors, terms = _evaluate(row, size - 1, total - largest, total, largest, work, summing)
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
    work, summing = _scratch(), summation()
    size = likelihoods.shape[1]
    for g in range(likelihoods.shape[0]):
        total, largest = total_and_largest(likelihoods[g], 1.0, summing)
        a, rule, _, _ = _evaluate(likelihoods[g], size, total, total, largest, work, summing)
        count = max(COUNTS[rule], 4)
        for k in range(count):
            work.product[k] *= (size + 1) * a * WEIGHTS[rule, k]
        _moments(work.nodes[:count], work.product[:count], work.sums[:1])
        out[g] = work.sums[0]


@jit
def full_order_objective_estimate(likelihoods, harmonic_number, out):
    """Fill out (B,) with the estimate of J_N(p) of each group (B, N): Int_0^1 (1 - P(t))/t dt - H_N.

    Beyond a the product is negligible and the integral is -log(a). The error is a few roundings of H_N, so
    groups whose estimate is near 0 (mean likelihood above 1/2) want the power recursion instead.
    """
    work, summing = _scratch(), summation()
    for g in range(likelihoods.shape[0]):
        total, largest = total_and_largest(likelihoods[g], 1.0, summing)
        a, rule, _, _ = _evaluate(likelihoods[g], likelihoods.shape[1] - 1, total, total, largest, work, summing)
        integral = 0.0
        for k in range(COUNTS[rule]):
            integral += WEIGHTS[rule, k] * (1.0 - work.product[k]) / NODES[rule, k]
        out[g] = integral - math.log(a) - harmonic_number
