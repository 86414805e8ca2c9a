"""Any objective and any order T <= N, by additions and multiplications of non-negative numbers only.

One value q more turns the elementary symmetric polynomials e_k of a group into e_k + q e_{k-1}. A weight is a
linear function of those of the other values, sum_k c_k e_k / C(N-1, k), so the same steps run backwards from its
coefficients meet the forward ones at every i (q = 1 - l, or l for an objective in powers of p):

    f_i[k] = f_{i-1}[k] + q_i f_{i-1}[k-1],               f_0 = [1],
    g_{i-1}[k] = g_i[k] + q_i g_i[k+1],                   g_N[k] = c_k / C(N-1, k),
    omega_i = sum_k f_{i-1}[k] g_i[k].

f is kept times 2^-L and g times 2^L with 2^L near C(i, k), which keeps both near their mean products at any N and is
exact, and each sum hands what it rounds off to a carry, so errors do not grow with N. L changes every SEGMENT values;
in between f has that of fewer values, and g of more, so neither underflows unless what it counts for does. (The
textbook alternative, dividing one value back out of e_k of the whole group, loses all digits: 10^7 units in the last
place at N = 32.)

Prior art: nlyu1/maxrl-statistics has the scan forwards and backwards.

The steps do not depend on the data, so WIDTH groups can take them side by side; where T is large, or groups are
few, the vectors hold neighbouring k of one group instead. Both are one code: entry k of the group in a lane is
column WIDTH + lanes k + lane of a table, for 1 or WIDTH lanes, and e_{k-1} is so many lanes to its left.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.estimates._kernels._binomials import log2_binomial, log2_factorials, scaled_binomials
from maxrl_est.estimates._kernels._jit import fma, jit, part
from maxrl_est.estimates._kernels._vector import WIDTH, fma_vector, load, spread, store

SEGMENT = 64  # values taken in between changes of scale: entries grow by C(N, 64) at most, 2^767 at N = 10^5
ONE_SEGMENT = 1 << 15  # numbers in a table of f that is kept whole, 256 KiB: then C(N, T) < 2^265
SIDE_BY_SIDE = 64  # largest order at which groups go side by side


class PowerTable(NamedTuple):
    """Numbers to twice the precision of float64; a row has WIDTH zeros, the entries, and zeros to spare."""

    values: FloatArray
    carries: FloatArray


@part
def _lanes(groups, order):
    """How many groups go side by side: WIDTH where that takes no more vectors than one after another, else 1."""
    together = -(-groups // WIDTH) * order
    one_by_one = groups * -(-order // WIDTH)
    return WIDTH if order <= SIDE_BY_SIDE and together <= one_by_one else 1


@part
def _zeros(rows, order, lanes):
    return np.zeros((rows, (2 + -(-order * lanes // WIDTH)) * WIDTH))


@part
def _table(rows, order, lanes):
    return PowerTable(_zeros(rows, order, lanes), _zeros(rows, order, lanes))


@part
def _copy(source, row, target, target_row):
    for m in range(0, source.values.shape[1], WIDTH):
        store(target.values, target_row, m, load(source.values, row, m))
        store(target.carries, target_row, m, load(source.carries, row, m))


@part
def _multiply(table, row, factors, s):
    for m in range(0, table.values.shape[1], WIDTH):
        factor = load(factors, s, m)
        store(table.values, row, m, load(table.values, row, m) * factor)
        store(table.carries, row, m, load(table.carries, row, m) * factor)


@part
def _steps(count, order, lanes, log2s, steps, s):
    """steps[k] = 2^(L(k-1) - L(k)) at the scale of so many values: q acts between entries of different scale."""
    before = 0
    for k in range(order):
        exponent = log2_binomial(log2s, count, k)
        for column in range(WIDTH + lanes * k, WIDTH + lanes * (k + 1)):
            steps[s, column] = math.ldexp(1.0, before - exponent)
        before = exponent


@part
def _shrinking(start, stop, order, lanes, log2s, shrink, s):
    """shrink[k] = 2^(L_start(k) - L_stop(k)): what a change of scale from one number of values to another is."""
    for k in range(order):
        exponent = log2_binomial(log2s, start, k) - log2_binomial(log2s, stop, k)
        for column in range(WIDTH + lanes * k, WIDTH + lanes * (k + 1)):
            shrink[s, column] = math.ldexp(1.0, exponent)


@part
def _gather(likelihoods, group, lanes, start, stop, taken):
    """Likelihoods start..stop of the group in each lane, a rollout to a row; the last group fills spare lanes."""
    for lane in range(lanes):
        row = likelihoods[min(group + lane, likelihoods.shape[0] - 1)]
        for j in range(stop - start):
            taken[j, lane] = row[start + j]


@part
def _mass(taken, j, lanes, base):
    """q = 1 - l of the rollout for base 1, q = l for base 0, as value and carry, in every lane."""
    likelihood = load(taken, j, 0) if lanes > 1 else spread(taken[j, 0])
    signed = likelihood * spread(1.0 - 2.0 * base)
    q = spread(base) + signed
    return q, (spread(base) - q) + signed


@part
def _add_product(value, carry, q, q_carry, step, other, other_carry):
    """(value + carry) + step (q + q_carry) (other + other_carry), as a value and a carry, errors and all."""
    scale, scale_carry = q * step, q_carry * step  # steps are powers of two
    product = scale * other
    product_error = fma_vector(scale, other, -product)
    total = value + product
    shift = total - value
    total_error = (value - (total - shift)) + (product - shift)
    small = fma_vector(scale, other_carry, fma_vector(scale_carry, other, carry))
    return total, small + (product_error + total_error)


@part
def _append(f, here, there, taken, j, base, steps, s, lanes, top):
    """f with one value more, from one row to another: entries 0..top, and zeros, which the next one reads."""
    q, q_carry = _mass(taken, j, lanes, base)
    m = WIDTH
    while m < WIDTH + lanes * (top + 1):
        value, carry = _add_product(
            load(f.values, here, m),
            load(f.carries, here, m),
            q,
            q_carry,
            load(steps, s, m),
            load(f.values, here, m - lanes),
            load(f.carries, here, m - lanes),
        )
        store(f.values, there, m, value)
        store(f.carries, there, m, carry)
        m += WIDTH
    store(f.values, there, m, spread(0.0))
    store(f.carries, there, m, spread(0.0))


@part
def _leave(g, taken, j, base, steps, s, lanes, top):
    """g with one value less in f: entries 0..top, in place."""
    q, q_carry = _mass(taken, j, lanes, base)
    for m in range(WIDTH, WIDTH + lanes * (top + 1), WIDTH):
        value, carry = _add_product(
            load(g.values, 0, m),
            load(g.carries, 0, m),
            q,
            q_carry,
            load(steps, s, m + lanes),
            load(g.values, 0, m + lanes),
            load(g.carries, 0, m + lanes),
        )
        store(g.values, 0, m, value)
        store(g.carries, 0, m, carry)


@part
def _dot(f, row, g, shrink, s, lanes, top):
    """sum_k f[k] g[k] over entries 0..top, of each group or of each eighth of one, as value and carry.

    f has the scale of the start of its segment, g that of the end, so neither is less than it counts for.
    """
    total, carry = spread(0.0), spread(0.0)
    for m in range(WIDTH, WIDTH + lanes * (top + 1), WIDTH):
        x, y = load(f.values, row, m), load(g.values, 0, m)
        term = fma_vector(x, y, fma_vector(x, load(g.carries, 0, m), load(f.carries, row, m) * y))
        term = term * load(shrink, s, m)
        after = total + term
        shift = after - total
        carry = carry + ((total - (after - shift)) + (term - shift))
        total = after
    return total, carry


@part
def _append_all(f, taken, size, count, base, steps, s, lanes, last):
    """Append values to f of count values in row 0, by turns with row 1; the result is in row 0."""
    for j in range(size):
        _append(f, j % 2, (j + 1) % 2, taken, j, base, steps, s, lanes, min(count + j + 1, last))
    if size % 2 == 1:
        _copy(f, 1, f, 0)


@part
def _functional(coefficients, size, lanes, log2s):
    """g_N[k] = c_k / C(N-1, k), times 2^L at N."""
    g = _table(1, coefficients.size, lanes)
    binomial, binomial_carry = scaled_binomials(coefficients.size, size - 1, log2s)
    for k in range(coefficients.size):
        value = coefficients[k] / binomial[k]
        lost = fma(-value, binomial[k], coefficients[k]) - value * binomial_carry[k]
        shift = log2_binomial(log2s, size, k) - log2_binomial(log2s, size - 1, k)
        for column in range(WIDTH + lanes * k, WIDTH + lanes * (k + 1)):
            g.values[0, column] = math.ldexp(value, shift)
            g.carries[0, column] = math.ldexp(lost / binomial[k], shift)
    return g


@part
def _write_weights(sums, lanes, group, start, stop, out):
    """Weights of rollouts start..stop from their sums, added up so exactly that the lanes make no difference."""
    if lanes == 1:
        for j in range(stop - start):
            total, carry = 0.0, 0.0
            for lane in range(WIDTH):
                term = sums.values[j, lane]
                after = total + term
                shift = after - total
                carry += (total - (after - shift)) + (term - shift) + sums.carries[j, lane]
                total = after
            out[group, start + j] = total + carry
    else:
        for lane in range(min(lanes, out.shape[0] - group)):
            for j in range(stop - start):
                out[group + lane, start + j] = sums.values[j, lane] + sums.carries[j, lane]


@jit
def loo_weights(likelihoods, coefficients, successes, out):
    """Fill out (B, N) with sum_k c_k E_k of the others, for coefficients (T,), T <= N; of l where successes are meant.

    Forward rows are kept for one segment of the group at a time and recomputed from checkpoints between
    segments: about N T / 2 + 1024 T bytes in all, or eight times as many for groups side by side.
    """
    groups, size = likelihoods.shape
    order = coefficients.size
    last = order - 1
    if last == 0:
        out[:] = coefficients[0]
        return
    base = 0.0 if successes else 1.0
    lanes = _lanes(groups, order)
    log2s = log2_factorials(size)
    g_of_all, g = _functional(coefficients, size, lanes, log2s), _table(1, order, lanes)
    segment = size if size * g.values.size <= ONE_SEGMENT else SEGMENT
    segments = -(-size // segment)
    shrink, steps = _zeros(segments, order, lanes), _zeros(segments + 1, order, lanes)
    for s in range(segments):
        start, stop = s * segment, min((s + 1) * segment, size)
        _shrinking(start, stop, order, lanes, log2s, shrink, s)
        _steps(start, order, lanes, log2s, steps, s)
    _steps(size, order, lanes, log2s, steps, segments)
    checkpoints, pair = _table(segments, order, lanes), _table(2, order, lanes)
    checkpoints.values[0, WIDTH : WIDTH + lanes] = 1.0
    f = _table(segment + 1, order, lanes)
    taken = np.empty((segment, WIDTH))
    sums = PowerTable(np.empty((segment, WIDTH)), np.empty((segment, WIDTH)))
    for group in range(0, groups, lanes):
        _copy(checkpoints, 0, pair, 0)
        for s in range(segments - 1):
            _gather(likelihoods, group, lanes, s * segment, (s + 1) * segment, taken)
            _append_all(pair, taken, segment, s * segment, base, steps, s, lanes, last)
            _multiply(pair, 0, shrink, s)
            _copy(pair, 0, checkpoints, s + 1)
        _copy(g_of_all, 0, g, 0)
        for s in range(segments - 1, -1, -1):
            start, stop = s * segment, min((s + 1) * segment, size)
            _gather(likelihoods, group, lanes, start, stop, taken)
            _copy(checkpoints, s, f, 0)
            for j in range(stop - start - 1):
                _append(f, j, j + 1, taken, j, base, steps, s, lanes, min(start + j + 1, last))
            for j in range(stop - start - 1, -1, -1):
                total, carry = _dot(f, j, g, shrink, s, lanes, min(start + j, last))
                store(sums.values, j, 0, total)
                store(sums.carries, j, 0, carry)
                _leave(g, taken, j, base, steps, s + 1, lanes, min(start + j, last) - 1)
            _multiply(g, 0, shrink, s)
            _write_weights(sums, lanes, group, start, stop, out)


@part
def _extend(f, likelihoods, base, group, lanes, start, stop, count, order, log2s):
    """Append values start..stop to f of count values in row 0, each f to the scale of its number of values."""
    taken, shrink, steps = np.empty((SEGMENT, WIDTH)), _zeros(1, order, lanes), _zeros(1, order, lanes)
    for first in range(start, stop, SEGMENT):
        size = min(SEGMENT, stop - first)
        _gather(likelihoods, group, lanes, first, first + size, taken)
        _steps(count, order, lanes, log2s, steps, 0)
        _append_all(f, taken, size, count, base, steps, 0, lanes, order - 1)
        _shrinking(count, count + size, order, lanes, log2s, shrink, 0)
        _multiply(f, 0, shrink, 0)
        count += size


@part
def _entry(f, row, lanes, lane, k):
    column = WIDTH + lanes * k + lane
    return f.values[row, column] + f.carries[row, column]


@jit
def powers(likelihoods, successes, out):
    """Fill out (B, K+1) with E_0..E_K, K <= N, of each group of likelihoods (B, N); of l where successes are meant."""
    base = 0.0 if successes else 1.0
    groups, size = likelihoods.shape
    order = out.shape[1]
    lanes = _lanes(groups, order)
    log2s = log2_factorials(size)
    binomials = scaled_binomials(order, size, log2s)[0]
    f, f_of_none = _table(2, order, lanes), _table(1, order, lanes)
    f_of_none.values[0, WIDTH : WIDTH + lanes] = 1.0
    for group in range(0, groups, lanes):
        _copy(f_of_none, 0, f, 0)
        _extend(f, likelihoods, base, group, lanes, 0, size, 0, order, log2s)
        for lane in range(min(lanes, groups - group)):
            for k in range(order):
                out[group + lane, k] = _entry(f, 0, lanes, lane, k) / binomials[k]


@jit
def loo_failure_powers(likelihoods, out):
    """Fill out (B, N, K+1) with E_0..E_K, K < N, of the others for every rollout.

    Level d holds f of all values outside the block of 2^(levels - d) values around i. Moving on to the next i
    changes the blocks of few levels, and each new one appends the other half of the block above it:
    N log2(N) appended values in all.
    """
    groups, size, order = out.shape
    lanes = _lanes(groups, order)
    levels = math.ceil(math.log2(size))
    log2s = log2_factorials(size)
    binomials = scaled_binomials(order, size - 1, log2s)[0]
    f, outside = _table(2, order, lanes), _table(levels + 1, order, lanes)
    outside.values[0, WIDTH : WIDTH + lanes] = 1.0
    counts = np.zeros(levels + 1, np.int64)
    for group in range(0, groups, lanes):
        for i in range(size):
            for d in range(1, levels + 1):
                shift = levels - d
                if i > 0 and i >> shift == (i - 1) >> shift:
                    continue
                start = ((i >> shift) ^ 1) << shift
                stop = max(start, min(start + (1 << shift), size))
                _copy(outside, d - 1, f, 0)
                _extend(f, likelihoods, 1.0, group, lanes, start, stop, counts[d - 1], order, log2s)
                _copy(f, 0, outside, d)
                counts[d] = counts[d - 1] + stop - start
            for lane in range(min(lanes, groups - group)):
                for k in range(order):
                    out[group + lane, i, k] = _entry(outside, levels, lanes, lane, k) / binomials[k]
