"""What the other rollouts are together, for each rollout: their mean, and the chance that all of them fail.

From both sides, since the whole less one value, or divided by it, would lose all that is far below it. Equal
likelihoods round alike, so what rounding loses is carried along, or errors would grow with N.
"""

from __future__ import annotations

import numpy as np

from maxrl_est.estimates._kernels._jit import fma, jit, part
from maxrl_est.estimates._kernels._sums import add


@jit
def mean_of_others(likelihoods, out):
    """Fill out (B, N) with the mean of the others, for N >= 2: what comes before plus what comes after."""
    groups, size = likelihoods.shape
    carries = np.empty(size)
    for g in range(groups):
        total, carry = 0.0, 0.0
        for i in range(size):
            out[g, i], carries[i] = total, carry
            total, carry = add(total, carry, likelihoods[g, i])
        total, carry = 0.0, 0.0
        for i in range(size - 1, -1, -1):
            whole, lost = add(out[g, i], carries[i] + carry, total)
            out[g, i] = (whole + lost) / (size - 1)
            total, carry = add(total, carry, likelihoods[g, i])


@part
def _times_failure(value, carry, likelihood):
    """(value + carry) (1 - likelihood) as a value and a carry, errors and all."""
    q = 1.0 - likelihood
    product = value * q
    return product, fma(value, q, -product) + carry * q + value * ((1.0 - q) - likelihood)


@jit
def failure_of_others(likelihoods, out):
    """Fill out (B, N) with the product of 1 - l over the others: what comes before times what comes after."""
    groups, size = likelihoods.shape
    carries = np.empty(size)
    for g in range(groups):
        value, carry = 1.0, 0.0
        for i in range(size):
            out[g, i], carries[i] = value, carry
            value, carry = _times_failure(value, carry, likelihoods[g, i])
        value, carry = 1.0, 0.0
        for i in range(size - 1, -1, -1):
            before, product = out[g, i], out[g, i] * value
            lost = fma(before, value, -product) + (before * carry + carries[i] * value)
            out[g, i] = product + lost
            value, carry = _times_failure(value, carry, likelihoods[g, i])
