"""MaxRL of any order by a circle of points: rules derived again, weights against Arb and exact rationals."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from maxrl_est.estimates._kernels.circle_rules import TRUNCATION, rule

DIGITS = 60
SIZES = (3, 20, 256, 257, 4096, 65536)
HALF_AN_ULP = 2.0**-53


def orders(n):
    """From the smallest to the largest that is not that of the group, and where sigma^2 is about 38."""
    return sorted({2, 3, 16, 39, n // 8, n // 2, n - 40, n - 2, n - 1} & set(range(2, n)))


every_rule = pytest.mark.parametrize(("size", "order"), [(n, t) for n in SIZES for t in orders(n)])


def aliasing(n, m, points):
    """What the bound of the text says, in exact arithmetic, up to terms that no longer count."""
    radius, total = Fraction(m, n - m), Fraction(0)
    for step in (-points, points):
        k = m + step
        while 0 <= k <= n and abs(k - m) <= 4 * points:
            total += Fraction(math.comb(n, k), math.comb(n, m)) * radius ** (k - m) * max(1, Fraction(m + 1, k + 1))
            k += step
    return total


@every_rule
def test_every_point_and_weight_is_correctly_rounded(size, order):
    found, n, m = rule(size, order), size - 1, order - 1
    with mpmath.workdps(DIGITS):
        radius = mpmath.mpf(m) / (n - m)
        for b in range(found.phi_real.size):
            z = radius * mpmath.expjpi(mpmath.mpf(2 * b + 1) / found.points)
            phi = z / (1 + z)
            log_binomial = mpmath.loggamma(n + 1) - mpmath.loggamma(m + 1) - mpmath.loggamma(n - m + 1)
            weight = 2 * mpmath.exp(n * mpmath.log(1 + z) - m * mpmath.log(z) - log_binomial) / found.points
            rounded = found.phi_real[b], found.phi_imag[b], found.weight_real[b], found.weight_imag[b]
            for got, wanted in zip(rounded, (phi.real, phi.imag, weight.real, weight.imag), strict=True):
                assert abs(got - wanted) <= HALF_AN_ULP * (1 + 1e-9) * abs(wanted) + 1e-50


@pytest.mark.parametrize("size", [3, 20, 256, 1000])
def test_as_few_points_as_the_bound_of_aliasing_allows(size):
    for order in orders(size):
        n, m, points = size - 1, order - 1, rule(size, order).points
        assert aliasing(n, m, points) <= TRUNCATION
        if points > 2 and n > 19:
            assert aliasing(n, m, points - 2) > TRUNCATION / 2  # the bound is that sharp
            assert aliasing(n, m, points // 2) > 1e6 * TRUNCATION  # half as many would not do


@pytest.mark.parametrize("size", [256, 4096, 1 << 20])
def test_the_number_of_pairs_does_not_grow_with_the_group(size):
    assert rule(size, size // 2).phi_real.size == 12
    assert max(rule(size, order).phi_real.size for order in orders(size)) <= 33


@every_rule
def test_the_weights_of_a_rule_hardly_cancel(size, order):
    found = rule(size, order)
    assert np.hypot(found.weight_real, found.weight_imag).sum() <= 4 / math.pi
    assert abs(found.weight_real.sum() - 1) <= 4 * HALF_AN_ULP
