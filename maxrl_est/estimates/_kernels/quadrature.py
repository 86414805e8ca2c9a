"""MaxRL at full order T = N, from one integral, in time linear in N.

With l the likelihoods of a group,

    omega_i = N Int_0^1 P(t) / (1 - t l_i) dt,        P(t) = prod_j (1 - t l_j).

P falls off like exp(-t sum(l)), so the integral is cut at a = min(1, 37 / (sum(l) - max(l))), beyond which less
than 2^-53 of it is left, and Gauss-Legendre nodes do the rest: ``nodes.LIMITS`` says how many leave 2^-54.

P at the nodes is a product of two parts. Likelihoods above 1/8, or above 1/(2a) where a < 1, and all in
short groups, are multiplied in one by one, with the rounding error of every factor carried along: equal likelihoods
round alike, so without that the errors add up instead of averaging out. The others enter through their power sums,
log prod (1 - t l_j) = -sum_k t^k s_k / k, and their weights are a polynomial in l_i with positive coefficients;
both series are cut where 2^-55 is left.

So truncation costs less than two units in the last place at any N; rounding adds about as many.

Prior art: nlyu1/maxrl-statistics has the integral with ceil(N/2) nodes, which are exact for a polynomial of degree
N - 1 but take O(N^2) steps.
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.estimates._kernels._integrals import (
    CUTOFF,
    Tables,
    cut,
    multiply,
    place_in_all,
    smallest_rule,
    sum_of_fractions,
    sum_of_lanes,
    tables,
    turn,
    whole_vectors,
)
from maxrl_est.estimates._kernels._jit import fma, jit, part
from maxrl_est.estimates._kernels._sums import ROWS, Summation, add, power_sums, summation, total_and_largest
from maxrl_est.estimates._kernels._vector import WIDTH, fma_vector, load, spread, store
from maxrl_est.estimates._kernels.by_fours import weights_by_fours
from maxrl_est.estimates._kernels.nodes import COUNTS, LIMITS
from maxrl_est.estimates._kernels.side_by_side import weights_of_factors

SHORT = 160  # group, up to which all are factors: power sums would cost more than they save
SHORT_SINGLE = 512  # the same in single precision
MAX_FACTORS = 2 * 8 * 38  # see _evaluate
MAX_TERMS = 4 * ROWS + 1  # see series_length
SERIES_ERROR = 2.0**-55
WIDENED = 1 << 14  # likelihoods in float64 at a time

SingleArray: TypeAlias = npt.NDArray[np.float32]


class Scratch(NamedTuple):
    """Working memory of one thread: it does not grow with the group."""

    integral: Tables  # for the likelihoods above the ceiling
    position: Array  # (608,) where they are
    summing: Summation
    sums: FloatArray  # (21,) power sums of the others, then the coefficients of their weights


@part
def _scratch():
    return Scratch(tables(MAX_FACTORS), np.empty(MAX_FACTORS, np.int64), summation(), np.empty(MAX_TERMS))


@part
def split(likelihoods, g, ceiling, position):
    """Note where the likelihoods of a group above the ceiling are; return their number."""
    count = 0
    for j in range(likelihoods.shape[1]):
        if likelihoods[g, j] > ceiling:
            position[count] = j
            count += 1
    return count


@part
def series_length(a, total, remaining, decay, largest):
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


@part
def _times_exponential(work, terms, count):
    """masses *= exp(-sum_k t^k s_k / k): P of the likelihoods in the power sums, whose order it divides them by.

    What the last step of the exponent loses is carried along: it is of the size of the first term, t sum(l).
    """
    integral = work.integral
    for k in range(terms):
        work.sums[k] /= k + 1
    for v in range(whole_vectors(count)):
        t, exponent = load(integral.nodes, v, 0), spread(0.0)
        for k in range(terms - 1, 0, -1):
            exponent = (exponent + spread(work.sums[k])) * t
        total = spread(work.sums[0])
        first = total * t
        rest = fma_vector(exponent, t, fma_vector(total, t, -first))
        exponent = first + rest
        store(integral.sums, 0, 0, exponent)
        store(integral.sums, 1, 0, rest - (exponent - first))
        for lane in range(WIDTH):
            mass, product = integral.masses[v, lane], math.exp(-integral.sums[0, lane])
            integral.masses[v, lane] = fma(mass, product, -(mass * product) * integral.sums[1, lane])


@part
def _evaluate(likelihoods, g, degree, decay, total, largest, scale, work):
    """Fill the masses with P at the nodes, times their weights and the scale; return how many nodes, factors, terms.

    The degree is that of what will be integrated, and says where the rule is exact.

    As a sum(l) <= 37 + max(l) <= 38, at most 8 * 38 likelihoods are above the ceiling 1/8 and 2 * 38 above 1/(2a). A
    group of which they are half or more consists of factors only, which explains the size of the arrays.
    """
    size, integral = likelihoods.shape[1], work.integral
    a = cut(decay, CUTOFF)
    rule = smallest_rule(degree, a * total, LIMITS)
    count = max(COUNTS[rule], 4)
    place_in_all(integral, rule, a, scale, count)
    factors, terms = size, 0
    if size > SHORT:
        ceiling = 0.5 / a if a < 1.0 else 0.125
        factors, remaining = 0, total
        if largest > ceiling:
            factors = split(likelihoods, g, ceiling, work.position)
            remaining, largest = total_and_largest(likelihoods, g, ceiling, work.summing)
        if 2 * factors < size:
            terms = series_length(a, total, remaining, decay, largest)
            power_sums(likelihoods, g, ceiling, remaining, terms, work.summing, work.sums)
        else:
            factors = size
    for j in range(factors):
        store(integral.likelihoods, j, 0, spread(likelihoods[g, work.position[j] if terms > 0 else j]))
    multiply(integral, factors, whole_vectors(count))
    if terms > 0:
        _times_exponential(work, terms, count)
    return count, factors, terms


@part
def _moments(integral, terms, count, moments):
    """moments_k = sum of masses t^k, in place of the weights."""
    for v in range(whole_vectors(count)):
        store(integral.weights, v, 0, load(integral.masses, v, 0))
    for k in range(terms):
        total = spread(0.0)
        for v in range(whole_vectors(count) - 1, -1, -1):
            power = load(integral.weights, v, 0)
            total = total + power
            store(integral.weights, v, 0, power * load(integral.nodes, v, 0))
        store(integral.sums, 0, 0, total)
        moments[k] = sum_of_lanes(integral.sums)


@part
def polynomial(likelihoods, g, coefficients, terms, out):
    """out_i = sum_k coefficients_k l_i^k by Horner's rule; the last vector overlaps the one before it."""
    size = likelihoods.shape[1]
    for start in range(0, size, WIDTH):
        i = min(start, size - WIDTH)
        x = load(likelihoods, g, i)
        y = spread(coefficients[terms - 1])
        for k in range(terms - 2, -1, -1):
            y = fma_vector(y, x, spread(coefficients[k]))
        store(out, g, i, y)


@jit
def _weights_of_long_groups(likelihoods, out):
    """Fill out (B, N) with the leave-one-out weights of order N of likelihoods (B, N), N > SHORT."""
    groups, size = likelihoods.shape
    work = _scratch()
    for g in range(groups):
        total, largest = total_and_largest(likelihoods, g, 1.0, work.summing)
        count, factors, terms = _evaluate(likelihoods, g, size - 1, total - largest, total, largest, size, work)
        if terms > 0:
            _moments(work.integral, terms, count, work.sums)
            polynomial(likelihoods, g, work.sums, terms, out)
        turn(work.integral, factors, count)
        sum_of_fractions(work.integral, whole_vectors(factors), count)
        for j in range(factors):
            out[g, work.position[j] if terms > 0 else j] = work.integral.likelihoods[j // WIDTH, j % WIDTH]


def full_order_weights(likelihoods: FloatArray, out: FloatArray) -> None:
    """Fill out (B, N) with the leave-one-out weights of order N of likelihoods (B, N)."""
    if likelihoods.shape[1] <= SHORT:
        weights_of_factors(likelihoods, out)
    else:
        _weights_of_long_groups(likelihoods, out)


def full_order_weights_single(likelihoods: SingleArray, out: SingleArray) -> None:
    """Fill out (B, N) with the leave-one-out weights of order N of likelihoods (B, N), both float32.

    They are those of float64 rounded once, but for 2^-28 of them. Long groups are widened, some at a time; those that
    fill no vector are lengthened by likelihoods 0, of which the integral does not depend.
    """
    groups, size = likelihoods.shape
    if size < WIDTH:
        longer = np.zeros((groups, WIDTH), np.float32)
        longer[:, :size] = likelihoods
        longer.flags.writeable = False  # as all that kernels are compiled for
        weights = np.empty_like(longer)
        weights_by_fours(longer, size, weights)
        out[:] = weights[:, :size]
        return
    if size <= SHORT_SINGLE:
        weights_by_fours(likelihoods, size, out)
        return
    step = -(-WIDENED // size)
    for start in range(0, groups, step):
        wide = likelihoods[start : start + step].astype(np.float64)
        wide.flags.writeable = False
        wide_weights = np.empty(wide.shape)
        _weights_of_long_groups(wide, wide_weights)
        out[start : start + step] = wide_weights


@jit
def full_order_weight_estimate(likelihoods, out):
    """Fill out (B,) with the estimate of w_(N+1)(p) from all N likelihoods of each group (B, N)."""
    groups, size = likelihoods.shape
    work = _scratch()
    for g in range(groups):
        total, largest = total_and_largest(likelihoods, g, 1.0, work.summing)
        count, _, _ = _evaluate(likelihoods, g, size, total, total, largest, size + 1, work)
        _moments(work.integral, 1, count, work.sums)
        out[g] = work.sums[0]


@jit
def full_order_objective_estimate(likelihoods, harmonic_number, harmonic_rest, out):
    """Fill out (B,) with the estimate of J_N(p) of each group (B, N): Int_0^1 (1 - P(t))/t dt - H_N.

    Beyond a the product is negligible and the integral is -log(a). H_N is a float and what that leaves of it, and what
    the sum loses is carried along: it is of the size of H_N, and the estimate may be far smaller. The roundings of its
    terms remain, so groups whose estimate is near 0 (mean likelihood above 1/2) want the power recursion instead.
    """
    work = _scratch()
    groups, size = likelihoods.shape
    for g in range(groups):
        total, largest = total_and_largest(likelihoods, g, 1.0, work.summing)
        count, _, _ = _evaluate(likelihoods, g, size - 1, total, total, largest, 1, work)
        integral = work.integral
        whole, lost = add(-harmonic_number, -harmonic_rest, -math.log(cut(total, CUTOFF)))
        for v in range(whole_vectors(count)):
            for lane in range(WIDTH):
                t = integral.nodes[v, lane]
                if t > 0.0:
                    whole, lost = add(whole, lost, (integral.weights[v, lane] - integral.masses[v, lane]) / t)
        out[g] = whole + lost
