"""Any objective and any order T <= N, by additions and multiplications of non-negative numbers only.

One value q more turns the elementary symmetric polynomials e_k of a group into e_k + q e_{k-1}. A weight is a
linear function of those of the other values, sum_k c_k e_k / C(N-1, k), so the same steps run backwards from its
coefficients meet the forward ones at every i:

    f_i[k] = f_{i-1}[k] + q_i f_{i-1}[k-1],               f_0 = [1],
    g_{i-1}[k] = g_i[k] + q_i g_i[k+1],                   g_N[k] = c_k / C(N-1, k),
    omega_i = sum_k f_{i-1}[k] g_i[k].

f is kept times 2^-L and g times 2^L with 2^L near C(i, k), which keeps both near 1 at any N and is exact, and
each sum hands what it rounds off to a carry, so errors do not grow with N. (The textbook alternative, dividing
one value back out of e_k of the whole group, loses all digits: 10^7 units in the last place at N = 32.)
"""

from __future__ import annotations

import math

import numpy as np

from maxrl_est._kernels._jit import fma, jit

SEGMENT = 64  # values taken in between changes of scale: entries shrink by C(N, 64) at most, 2^1000 at N = 10^6
ONE_SEGMENT = 1 << 17  # forward entries, values and carries apart, that a second-level cache holds: 1 MiB each
SAFE_EXPONENT = 900.0  # a group whose binomial coefficients stay below 2^900 needs no change of scale


@jit
def _log2_factorials(size):
    """log2(k!) for k = 0..size."""
    table = np.zeros(size + 1)
    for k in range(1, size + 1):
        table[k] = table[k - 1] + math.log2(k)
    return table


@jit
def _exponent(log2_factorials, count, k):
    """L, so that 2^L is C(count, k) to a factor of 2; 0 where the binomial coefficient is 0."""
    if k > count:
        return 0
    return int(math.floor(log2_factorials[count] - log2_factorials[k] - log2_factorials[count - k]))


@jit
def _binomials(size, count, log2_factorials):
    """C(count, k) 2^-L for k < size, as values and carries: accurate to 2^-100."""
    value, carry = np.ones(size), np.zeros(size)
    for k in range(1, size):
        step = math.ldexp(
            1.0, _exponent(log2_factorials, count, k - 1) - _exponent(log2_factorials, count, k)
        )
        up, down = (count - k + 1.0) * step, float(k)
        product = value[k - 1] * up
        product_carry = fma(value[k - 1], up, -product) + carry[k - 1] * up
        value[k] = product / down
        carry[k] = (fma(-value[k], down, product) + product_carry) / down
    return value, carry


@jit
def _scales(start, stop, log2_factorials, shrink, steps):
    """What a change of scale from count start to count stop multiplies entry k by, and what q is multiplied by.

    shrink[k] = 2^(L_start(k) - L_stop(k)) and steps[k] = 2^(L_stop(k-1) - L_stop(k)), so that q acts between
    neighbouring entries of different scale.
    """
    shrink[0] = 1.0
    for k in range(1, steps.size):
        exponent = _exponent(log2_factorials, stop, k)
        shrink[k] = math.ldexp(1.0, _exponent(log2_factorials, start, k) - exponent)
        steps[k] = math.ldexp(1.0, _exponent(log2_factorials, stop, k - 1) - exponent)


@jit
def _multiply(values, carries, factors):
    for k in range(factors.size):
        values[k] *= factors[k]
        carries[k] *= factors[k]


@jit
def _add_product(value, carry, q, q_carry, step, other, other_carry):
    """(value + carry) + step (q + q_carry) (other + other_carry), as a value and a carry, errors and all."""
    scale, scale_carry = q * step, q_carry * step  # steps are powers of two
    product = scale * other
    product_error = fma(scale, other, -product)
    total = value + product
    shift = total - value
    total_error = (value - (total - shift)) + (product - shift)
    return total, fma(scale, other_carry, fma(scale_carry, other, carry)) + (product_error + total_error)


@jit
def _append(rows, carries, here, there, likelihood, steps, top):
    """f with one value more, from one row to another: entries 0..top."""
    q = 1.0 - likelihood
    q_carry = (1.0 - q) - likelihood
    rows[there, 0], carries[there, 0] = rows[here, 0], carries[here, 0]
    for k in range(1, top + 1):
        rows[there, k], carries[there, k] = _add_product(
            rows[here, k], carries[here, k], q, q_carry, steps[k], rows[here, k - 1], carries[here, k - 1]
        )


@jit
def _leave(functional, carry, likelihood, steps, top):
    """g with one value less in f: entries 0..top, in place."""
    q = 1.0 - likelihood
    q_carry = (1.0 - q) - likelihood
    for k in range(top + 1):
        functional[k], carry[k] = _add_product(
            functional[k], carry[k], q, q_carry, steps[k + 1], functional[k + 1], carry[k + 1]
        )


@jit
def _append_all(row, start, stop, count, steps, rows, carries):
    """Append row[start:stop] to f of count values in rows[0], by turns with rows[1]; the result is in rows[0]."""
    last = rows.shape[1] - 1
    rows[1], carries[1] = 0.0, 0.0
    for j in range(stop - start):
        _append(rows, carries, j % 2, (j + 1) % 2, row[start + j], steps, min(count + j + 1, last))
    if (stop - start) % 2 == 1:
        rows[0], carries[0] = rows[1], carries[1]


@jit
def _extend(row, start, stop, count, log2_factorials, rows, carries):
    """The same at any length, from f scaled for count to f scaled for its new number of values."""
    shrink, steps = np.empty(rows.shape[1]), np.empty(rows.shape[1])
    while start < stop:
        taken = min(SEGMENT, stop - start)
        _scales(count, count + taken, log2_factorials, shrink, steps)
        _multiply(rows[0], carries[0], shrink)
        _append_all(row, start, start + taken, count, steps, rows, carries)
        start += taken
        count += taken


@jit
def _dot(rows, carries, j, g, g_carry, size, products):
    """sum_k f[k] g[k], f being row j, by halving: few roundings deep, and every loop fills vector registers."""
    for k in range(size):
        products[k] = fma(rows[j, k], g_carry[k], fma(carries[j, k], g[k], rows[j, k] * g[k]))
    while size > 1:
        half = (size + 1) // 2
        for k in range(size - half):
            products[k] += products[k + half]
        size = half
    return products[0]


@jit
def failure_powers(likelihoods, out):
    """Fill out (B, K+1) with E_0..E_K, K <= N, of the failure masses of each group of likelihoods (B, N)."""
    groups, size = likelihoods.shape
    width = out.shape[1]
    log2_factorials = _log2_factorials(size)
    binomial, binomial_carry = _binomials(width, size, log2_factorials)
    binomial += binomial_carry
    rows, carries = np.empty((2, width)), np.empty((2, width))
    for g in range(groups):
        rows[0], carries[0] = 0.0, 0.0
        rows[0, 0] = 1.0
        _extend(likelihoods[g], 0, size, 0, log2_factorials, rows, carries)
        for k in range(width):
            out[g, k] = (rows[0, k] + carries[0, k]) / binomial[k]


@jit
def _functional(coefficients, size, log2_factorials):
    """g_N[k] = c_k / C(N-1, k), times 2^L at N, as values and carries."""
    binomial, binomial_carry = _binomials(coefficients.size, size - 1, log2_factorials)
    values, carries = np.empty(coefficients.size), np.empty(coefficients.size)
    for k in range(coefficients.size):
        value = coefficients[k] / binomial[k]
        lost = fma(-value, binomial[k], coefficients[k]) - value * binomial_carry[k]
        shift = _exponent(log2_factorials, size, k) - _exponent(log2_factorials, size - 1, k)
        values[k], carries[k] = math.ldexp(value, shift), math.ldexp(lost / binomial[k], shift)
    return values, carries


@jit
def loo_weights(likelihoods, coefficients, out):
    """Fill out (B, N) with sum_k c_k E_k of the others, for coefficients (T,), T <= N.

    Forward rows are kept for one segment of the group at a time and recomputed from checkpoints between
    segments: about N T / 2 bytes in all.
    """
    groups, size = likelihoods.shape
    order = coefficients.size
    log2_factorials = _log2_factorials(size)
    widest = _exponent(log2_factorials, size, min(order, size // 2))
    segment = size if size * order <= ONE_SEGMENT and widest <= SAFE_EXPONENT else SEGMENT
    segments = -(-size // segment)
    shrink, steps = np.empty((segments, order)), np.empty((segments, order))
    for s in range(segments):
        _scales(s * segment, min((s + 1) * segment, size), log2_factorials, shrink[s], steps[s])
    g_of_all, g_of_all_carry = _functional(coefficients, size, log2_factorials)
    g, g_carry, products = np.empty(order), np.empty(order), np.empty(order)
    checkpoints, checkpoint_carries = np.zeros((segments, order)), np.zeros((segments, order))
    checkpoints[0, 0] = 1.0
    pair, pair_carries = np.zeros((2, order)), np.zeros((2, order))
    rows, carries = np.zeros((segment + 1, order)), np.zeros((segment + 1, order))
    for group in range(groups):
        row, weights = likelihoods[group], out[group]
        pair[0], pair_carries[0] = checkpoints[0], 0.0
        for s in range(segments - 1):
            _multiply(pair[0], pair_carries[0], shrink[s])
            _append_all(row, s * segment, (s + 1) * segment, s * segment, steps[s], pair, pair_carries)
            checkpoints[s + 1], checkpoint_carries[s + 1] = pair[0], pair_carries[0]
        g[:], g_carry[:] = g_of_all, g_of_all_carry
        for s in range(segments - 1, -1, -1):
            start, stop, step = s * segment, min((s + 1) * segment, size), steps[s]
            rows[0], carries[0] = checkpoints[s], checkpoint_carries[s]
            _multiply(rows[0], carries[0], shrink[s])
            for i in range(start, stop - 1):
                j, top = i - start, min(i + 1, order - 1)
                if top == i + 1:
                    rows[j, top], carries[j, top] = 0.0, 0.0
                _append(rows, carries, j, j + 1, row[i], step, top)
            for i in range(stop - 1, start - 1, -1):
                j = i - start
                weights[i] = _dot(rows, carries, j, g, g_carry, min(i + 1, order), products)
                _leave(g, g_carry, row[i], step, min(i - 1, order - 2))
            _multiply(g, g_carry, shrink[s])


@jit
def loo_failure_powers(likelihoods, out):
    """Fill out (B, N, K+1) with E_0..E_K, K < N, of the others for every rollout.

    Level d holds the powers of all values outside the block of 2^(levels - d) values around i. Moving on to the
    next i changes the blocks of few levels, and each new one appends the other half of the block above it:
    N log2(N) appended values in all.
    """
    groups, size = likelihoods.shape
    levels = int(math.ceil(math.log2(size)))
    width = out.shape[2]
    log2_factorials = _log2_factorials(size)
    binomial, binomial_carry = _binomials(width, size - 1, log2_factorials)
    binomial += binomial_carry
    tables, table_carries = np.zeros((levels + 1, width)), np.zeros((levels + 1, width))
    counts = np.zeros(levels + 1, np.int64)
    pair, pair_carries = np.zeros((2, width)), np.zeros((2, width))
    tables[0, 0] = 1.0
    for g in range(groups):
        for i in range(size):
            for d in range(1, levels + 1):
                shift = levels - d
                if i > 0 and i >> shift == (i - 1) >> shift:
                    continue
                start = ((i >> shift) ^ 1) << shift
                stop = min(start + (1 << shift), size)
                pair[0], pair_carries[0] = tables[d - 1], table_carries[d - 1]
                _extend(likelihoods[g], start, stop, counts[d - 1], log2_factorials, pair, pair_carries)
                tables[d], table_carries[d] = pair[0], pair_carries[0]
                counts[d] = counts[d - 1] + max(stop - start, 0)
            for k in range(width):
                out[g, i, k] = (tables[levels, k] + table_carries[levels, k]) / binomial[k]
