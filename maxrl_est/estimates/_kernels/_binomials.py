"""Binomial coefficients of any size, as a power of two and a number near 1 of twice the usual precision."""

from __future__ import annotations

import math

import numpy as np

from maxrl_est.estimates._kernels._jit import fma, part


@part
def log2_factorials(size):
    """log2(k!) for k = 0..size."""
    log2s = np.zeros(size + 1)
    for k in range(1, size + 1):
        log2s[k] = log2s[k - 1] + math.log2(k)
    return log2s


@part
def log2_binomial(log2s, n, k):
    """L, so that 2^L is C(n, k) to a factor of 2, from the log2_factorials; 0 where C(n, k) is 0."""
    if k > n:
        return 0
    return math.floor(log2s[n] - log2s[k] - log2s[n - k])


@part
def scaled_binomials(size, n, log2s):
    """C(n, k) 2^-L for k < size, as values and carries; the values alone are accurate to 2^-53."""
    values, carries = np.ones(size), np.zeros(size)
    for k in range(1, size):
        shift = log2_binomial(log2s, n, k - 1) - log2_binomial(log2s, n, k)
        up, down = math.ldexp(n - k + 1.0, shift), float(k)
        product = values[k - 1] * up
        product_carry = fma(values[k - 1], up, -product) + carries[k - 1] * up
        quotient = product / down
        carry = (fma(-quotient, down, product) + product_carry) / down
        values[k] = quotient + carry
        carries[k] = (quotient - values[k]) + carry
    return values, carries
