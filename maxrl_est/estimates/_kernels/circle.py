"""MaxRL of any order T < N, from one integral and a circle, in time linear in N.

With m = T - 1 of the n = N - 1 others, c = m / n and S the sum of the likelihoods,

    omega_i = T Int_0^1 f(t) dt,        f(t) = E_m(1 - t l) of the others = sum_b W_b prod_{j != i} (1 - t phi_b l_j),

the points phi_b and weights W_b being those of `circle_rules.rule`. In t the nodes are those of the full order with
c S in place of S: f is at most exp(-t c S') (Maclaurin), its derivatives of order r are at most (c S)^r in size, and
the weight is at least T / (1 + c S). So the integral is cut at a = min(1, 37 / (c S')), and up to 28 nodes times a
dozen pairs of points give s = t phi at which all is as in `quadrature`, with complex numbers.

The terms hardly cancel. As |1 - t phi l| = |1 + z x| / |1 + z| with |z| = r = m / (n - m), the sizes of the products
over the pairs kept add up to no more than (1 - t c l_j) multiplied over all j, times the share of the points that is
kept over the chance of m successes in n trials: 16 at most, and 1 to 1.3 at t = 0. Division is safe as no point is
real. Measured against exact weights: 5 units in the last place at most, for any T from 2 to N - 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.estimates._kernels._exponential import exponential
from maxrl_est.estimates._kernels._integrals import CUTOFF, cut, smallest_rule, sum_of_lanes
from maxrl_est.estimates._kernels._jit import jit, part
from maxrl_est.estimates._kernels._sums import power_sums, summation, total_and_largest
from maxrl_est.estimates._kernels._vector import WIDTH, fma_vector, load, spread, store
from maxrl_est.estimates._kernels.nodes import COUNTS, LIMITS, NODES, WEIGHTS
from maxrl_est.estimates._kernels.quadrature import MAX_TERMS, polynomial, series_length, split

MAX_FACTORS = 152  # see _ceiling
S_REAL, S_IMAG, W_REAL, W_IMAG, REAL, IMAG, REAL_CARRY, IMAG_CARRY, ROWS = range(9)


class Scratch(NamedTuple):
    """Working memory of one thread: it does not grow with the group."""

    nodes: FloatArray  # (8, nodes) s, its weight, the product there and what its rounding lost; in the end the masses
    lanes: FloatArray  # (1, 8) one vector
    position: Array  # (152,) where the likelihoods above the ceiling are
    factor: FloatArray  # (152,) those likelihoods
    sums: FloatArray  # (21,) power sums of the others, then the coefficients of their weights


@part
def _scratch(pairs):
    columns = -(-pairs * NODES.shape[1] // WIDTH) * WIDTH
    return Scratch(
        np.zeros((ROWS, columns)),
        np.empty((1, WIDTH)),
        np.empty(MAX_FACTORS, np.int64),
        np.empty(MAX_FACTORS),
        np.empty(MAX_TERMS),
    )


@part
def _ceiling(a, decay, reach):
    """Likelihoods above it are multiplied in one by one; below it 21 terms of the series leave 2^-55 of a weight.

    With y = a |phi| l that is so for y <= 1/8 and, as series_length says, for y <= 1/2 and y <= a decay / 64. Let
    |phi| <= 2 c. As decay >= c (S - 1), fewer than 2 (1 + a decay) / y <= 152 likelihoods are above the ceiling.
    """
    return min(0.5, max(0.125, a * decay / 64.0)) / (a * reach)


@part
def _place(rule, times, weights, nodes):
    """Put every s = t phi, its weight and the product of no factors into nodes; return their number, padded."""
    column = 0
    for k in range(times.size):
        t, weight = times[k], weights[k]
        for b in range(rule.phi_real.size):
            nodes[S_REAL, column], nodes[S_IMAG, column] = t * rule.phi_real[b], t * rule.phi_imag[b]
            nodes[W_REAL, column], nodes[W_IMAG, column] = weight * rule.weight_real[b], weight * rule.weight_imag[b]
            column += 1
    count = -(-column // WIDTH) * WIDTH
    for m in range(column, count):
        nodes[S_REAL, m], nodes[S_IMAG, m], nodes[W_REAL, m], nodes[W_IMAG, m] = 0.0, 0.0, 0.0, 0.0
    for m in range(0, count, WIDTH):
        store(nodes, REAL, m, spread(1.0))
        store(nodes, IMAG, m, spread(0.0))
        store(nodes, REAL_CARRY, m, spread(0.0))
        store(nodes, IMAG_CARRY, m, spread(0.0))
    return count


@part
def _sum_of_products(x, y, z, w):
    """x y + z w and what its rounding lost."""
    first, second = x * y, z * w
    total = first + second
    shift = total - first
    lost = (first - (total - shift)) + (second - shift)
    return total, lost + (fma_vector(x, y, -first) + fma_vector(z, w, -second))


@part
def _multiply(factors, size, nodes, count):
    """The product, with its carry, times 1 - s l for every factor l, at every node, the carry taking every error."""
    one = spread(1.0)
    for j in range(size):
        likelihood = spread(factors[j])
        for m in range(0, count, WIDTH):
            s_real, s_imag = load(nodes, S_REAL, m), load(nodes, S_IMAG, m)
            p_real, p_imag = load(nodes, REAL, m), load(nodes, IMAG, m)
            c_real, c_imag = load(nodes, REAL_CARRY, m), load(nodes, IMAG_CARRY, m)
            x, y = s_real * likelihood, -s_imag * likelihood
            rest = one - x
            rest_error = ((one - rest) - x) - fma_vector(s_real, likelihood, -x)
            y_error = -fma_vector(s_imag, likelihood, y)
            real, real_lost = _sum_of_products(p_real, rest, -p_imag, y)
            imag, imag_lost = _sum_of_products(p_real, y, p_imag, rest)
            real_lost = real_lost + (p_real * rest_error - p_imag * y_error) + (c_real * rest - c_imag * y)
            imag_lost = imag_lost + (p_real * y_error + p_imag * rest_error) + (c_real * y + c_imag * rest)
            store(nodes, REAL, m, real)
            store(nodes, IMAG, m, imag)
            store(nodes, REAL_CARRY, m, real_lost)
            store(nodes, IMAG_CARRY, m, imag_lost)


@part
def _weigh(sums, terms, nodes, count):
    """Turn products into masses: times exp(-sum_k s^k sums_k / k), the factors in the power sums, times the weight."""
    for k in range(terms):
        sums[k] /= k + 1
    for m in range(0, count, WIDTH):
        s_real, s_imag = load(nodes, S_REAL, m), load(nodes, S_IMAG, m)
        p_real = load(nodes, REAL, m) + load(nodes, REAL_CARRY, m)
        p_imag = load(nodes, IMAG, m) + load(nodes, IMAG_CARRY, m)
        w_real, w_imag = load(nodes, W_REAL, m), load(nodes, W_IMAG, m)
        mass_real = fma_vector(p_real, w_real, -p_imag * w_imag)
        mass_imag = fma_vector(p_real, w_imag, p_imag * w_real)
        real, imag = spread(0.0), spread(0.0)
        for k in range(terms - 1, -1, -1):
            x = real - spread(sums[k])
            real, imag = fma_vector(x, s_real, -imag * s_imag), fma_vector(x, s_imag, imag * s_real)
        p_real, p_imag = exponential(real, imag)
        store(nodes, REAL, m, fma_vector(mass_real, p_real, -mass_imag * p_imag))
        store(nodes, IMAG, m, fma_vector(mass_real, p_imag, mass_imag * p_real))


@part
def _sum_of_fractions(likelihood, nodes, count, lanes):
    """Real part of the sum of mass / (1 - s l) over all nodes."""
    total, one, value = spread(0.0), spread(1.0), spread(likelihood)
    for m in range(0, count, WIDTH):
        x = fma_vector(-load(nodes, S_REAL, m), value, one)
        y = -load(nodes, S_IMAG, m) * value
        top = fma_vector(load(nodes, REAL, m), x, load(nodes, IMAG, m) * y)
        total = total + top / fma_vector(x, x, y * y)
    store(lanes, 0, 0, total)
    return sum_of_lanes(lanes)


@part
def _moments(nodes, count, terms, moments, lanes):
    """moments_k = real part of the sum of mass s^k, k < terms; overwrites the masses."""
    for k in range(terms):
        total = spread(0.0)
        for m in range(0, count, WIDTH):
            s_real, s_imag = load(nodes, S_REAL, m), load(nodes, S_IMAG, m)
            real, imag = load(nodes, REAL, m), load(nodes, IMAG, m)
            total = total + real
            store(nodes, REAL, m, fma_vector(real, s_real, -imag * s_imag))
            store(nodes, IMAG, m, fma_vector(real, s_imag, imag * s_real))
        store(lanes, 0, 0, total)
        moments[k] = sum_of_lanes(lanes)


@part
def _fill(likelihoods, g, rule, a, times, weights, total, largest, work, summing, out):
    """out_i = sum of the weights times E_m(1 - t l) of the others at the times t up to a."""
    nodes, sums, decay = work.nodes, work.sums, rule.mean * (total - largest)
    count = _place(rule, times, weights, nodes)
    ceiling = _ceiling(a, decay, rule.reach)
    factors, remaining, below = 0, total, largest
    if largest > ceiling:
        factors = split(likelihoods, g, ceiling, work.position)
        for j in range(factors):
            work.factor[j] = likelihoods[g, work.position[j]]
        remaining, below = total_and_largest(likelihoods, g, ceiling, summing)
    terms = series_length(a, rule.mean * total, rule.reach * remaining, decay, rule.reach * below)
    power_sums(likelihoods, g, ceiling, remaining, terms, summing, sums)
    _multiply(work.factor, factors, nodes, count)
    _weigh(sums, terms, nodes, count)
    for j in range(factors):
        work.factor[j] = _sum_of_fractions(work.factor[j], nodes, count, work.lanes)
    _moments(nodes, count, terms, sums, work.lanes)
    polynomial(likelihoods, g, sums, terms, out)
    for j in range(factors):
        out[g, work.position[j]] = work.factor[j]


@jit
def loo_weights(likelihoods, rule, out):
    """Fill out (B, N) with the leave-one-out weights of MaxRL of likelihoods (B, N), of the order of the rule."""
    work, summing = _scratch(rule.phi_real.size), summation()
    times, weights = np.empty(NODES.shape[1]), np.empty(NODES.shape[1])
    for g in range(likelihoods.shape[0]):
        total, largest = total_and_largest(likelihoods, g, 1.0, summing)
        decay = rule.mean * (total - largest)
        a = cut(decay, CUTOFF)
        t_rule = smallest_rule(rule.order - 1, a * rule.mean * total, LIMITS)
        count = COUNTS[t_rule]
        for k in range(count):
            times[k], weights[k] = a * NODES[t_rule, k], rule.order * a * WEIGHTS[t_rule, k]
        _fill(likelihoods, g, rule, a, times[:count], weights[:count], total, largest, work, summing, out)


@jit
def failure_power_of_others(likelihoods, rule, out):
    """Fill out (B, N) with E_m of the others, m = T - 1 for the order T of the rule, of likelihoods (B, N).

    The error is that of 1 and not of the result, 3 units of 2^-53 measured, so results may leave [0, 1] by as much:
    where the bound exp(-c S') is below 2^-53 the result is 0. Estimates of pass@m, 1 - E_m, need no more, unless they
    are near 0 themselves.
    """
    work, summing = _scratch(rule.phi_real.size), summation()
    one = np.ones(1)
    for g in range(likelihoods.shape[0]):
        total, largest = total_and_largest(likelihoods, g, 1.0, summing)
        if rule.mean * (total - largest) <= CUTOFF:
            _fill(likelihoods, g, rule, 1.0, one, one, total, largest, work, summing, out)
        else:
            for i in range(likelihoods.shape[1]):
                out[g, i] = 0.0
