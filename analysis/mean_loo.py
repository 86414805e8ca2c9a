"""The variance with the default baseline, mean_loo, in closed form: for graded likelihoods and regressions too.

Its advantages omega_i (l_i - mean of the others) are no combination of failure powers, so mx.closed_form_moments has
none where likelihoods are graded. But with x = l - p the weight of a rollout is a combination of elementary symmetric
functions of the x of the others,

    omega_i = sum_h t_h e_h(x_j, j != i),   t_h = (-1)^h / C(N-1, h) sum_k c_k C(k, h) (1-p)^(k-h),

and these are uncorrelated: E e_h^2 = C(M, h) (E x^2)^h for M rollouts. In E |g|^2 the rollouts that occur beside the
weights, four at most, are split off by e_h = e_h(without j) + x_j e_{h-1}(without j). Fractions in, Fraction out.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import numpy as np

import maxrl_est as mx


def total_variance(rollout, n, order):
    """tr Cov of one group's gradient for J_T, from what `raw_moments` says of a rollout."""
    p = rollout[1][0]
    x, xS, xSS = (centred(values, p) for values in zip(*rollout, strict=True))
    t = weight(order, 1 - p, n - 1)
    square, one, two = (sum_power(t, t, n - 1, x, r) * Fraction(1, n - 1) ** r for r in range(3))
    alone = xSS[2] * square - 2 * xSS[1] * one + xSS[0] * two
    return (alone + (n - 1) * pair(t, n, x, xS)) * Fraction(1, n) - t[0] ** 2 * (xS[1] @ xS[1])


def weight(order, q, others):
    """t (T,) of the weight of J_T."""
    powers = [q**k for k in range(order)]
    return [
        sum(math.comb(k, h) * powers[k - h] for k in range(h, order)) * Fraction((-1) ** h, math.comb(others, h))
        for h in range(order)
    ]


def pair(t, n, x, xS):
    """E A_1 A_2 S_1.S_2: each of the two is in the other's weight and mean, and all the rest is in both."""
    share = -Fraction(1, n - 1)
    first = {(1, 0, 0): 1, (0, 1, 0): share, (0, 0, 1): share}  # x_1 - (x_2 + rest) / (n-1), by powers of the three
    rest = {(i, j, r): sum_power(t[i:], t[j:], n - 2, x, r) for i, j, r in product((0, 1), (0, 1), range(3))}
    return sum(
        mine * yours * (xS[a + d + j] @ xS[b + c + i]) * rest[i, j, r + s]
        for ((a, b, r), mine), ((c, d, s), yours) in product(first.items(), repeat=2)
        for i, j in product((0, 1), repeat=2)
    )


def sum_power(u, v, count, x, power):
    """E U V R^r for r = 0, 1, 2: U = sum_h u_h e_h and V of so many rollouts, R the sum of their x."""
    if power == 0:
        return expected(u, v, count, x)
    same = count * expected(u, v, count - 1, x, power)
    return same if power == 1 else same + count * (count - 1) * expected(u, v, count - 2, x, 1, 1)


def expected(u, v, count, x, *beside):
    """E U V prod_s x_s^r_s, with one more rollout s in both U and V for each power r_s beside them."""
    if count < 0:
        return 0
    if not beside:
        return sum(a * b * math.comb(count, h) * x[2] ** h for h, (a, b) in enumerate(zip(u, v, strict=False)))
    r, *others = beside
    return sum(x[r + i + j] * expected(u[i:], v[j:], count, x, *others) for i, j in product((0, 1), repeat=2))


def centred(raw, p):
    """E x^k f for x = l - p, from E l^k f."""
    return [sum(math.comb(k, j) * (-p) ** (k - j) * raw[j] for j in range(k + 1)) for k in range(len(raw))]


def raw_moments(problem, scale=1):
    """E l^k, E l^k S (d,) and E l^k |S|^2 for k = 0 .. 4, with likelihoods scale * l."""
    return [tuple(scale**k * x for x in power_moments(problem, k)) for k in range(5)]


def power_moments(problem, k):
    """The power of a regression's likelihood is one of less width."""
    if k and isinstance(problem, mx.problems.Gaussian):
        width = problem.sigma / math.sqrt(k)
        narrow = mx.problems.Gaussian(problem.mean, problem.scale, problem.target, width, problem.learn_scale).moments
        return narrow.p, narrow.lS, np.trace(narrow.lSS)
    if k == 0:
        moments = problem.moments
        return 1, 0 * moments.lS, np.trace(moments.SS)
    weights = problem.probabilities * problem.likelihoods**k
    return weights.sum(), weights @ problem.scores, weights @ (problem.scores**2).sum(axis=1)
