"""MaxRL of any order by a circle of points: rules derived again, weights against Arb and exact rationals."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numba
import numpy as np
import pytest

from maxrl_est.estimates._kernels._exponential import exponential
from maxrl_est.estimates._kernels._vector import WIDTH, load, store
from maxrl_est.estimates._kernels.circle import MAX_FACTORS, failure_power_of_others, loo_weights
from maxrl_est.estimates._kernels.circle_rules import SERVED_FROM, TRUNCATION, rule, serves
from maxrl_est.selftest.adversarial import FAMILIES
from maxrl_est.selftest.reference import ball_loo_weights, ball_loo_weights_full_order, ulp_error

ULPS = 6  # measured worst of all families, N = 256 to 10^6: 5
POWER_ROUNDINGS = 4  # of 2^-53; measured worst: 3
EXP_ROUNDINGS = 5  # of 2^-53, of the absolute value; measured worst of either part: 3.1
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


@pytest.mark.parametrize("size", [SERVED_FROM, 4096])
def test_the_factors_taken_one_by_one_fit_their_memory(size):
    for order in {*orders(size), *range(2, 80, 3)}:
        found = rule(size, order)
        kept_share, chance = 2 * found.phi_real.size / found.points, binomial_chance(size - 1, order - 1)
        assert found.reach <= 1.5 * found.mean  # twice is what MAX_FACTORS allows for
        assert kept_share / chance <= 16  # what the sizes of the products may add up to
    assert MAX_FACTORS == 2 * 2 * 38


def binomial_chance(n, m):
    return math.exp(
        math.lgamma(n + 1)
        - math.lgamma(m + 1)
        - math.lgamma(n - m + 1)
        + m * math.log(m / n)
        + (n - m) * math.log1p(-m / n)
    )


def test_every_order_but_the_first_and_the_last_is_served_from_one_size_on():
    assert [serves(256, order) for order in (1, 2, 255, 256)] == [False, True, True, False]
    assert not serves(255, 100)


def filled(kernel, likelihoods, order):
    out = np.full(likelihoods.shape, np.nan)
    kernel(likelihoods, rule(likelihoods.shape[1], order), out)
    return out


def groups(size, seed=1):
    """One group of every family."""
    return np.stack([draw(size, np.random.default_rng(seed)) for draw in FAMILIES.values()])


def of_successes(size, hits, order):
    """Exact weights of a success and of a failure: sum_{k<T} C(n-K, k) / C(n, k) with K successes among n others."""
    n = size - 1

    def weight(others):
        if others == 0:
            return Fraction(order)
        below = math.comb(n + 1, others + 1) - math.comb(n + 1 - order, others + 1)
        return Fraction(below, math.comb(n, others))

    return float(weight(hits - 1)), float(weight(hits))


@pytest.mark.parametrize(("size", "order"), [(256, t) for t in orders(256)] + [(257, 64), (384, 192)])
def test_weights_of_every_family(size, order):
    likelihoods = groups(size, seed=size + order)
    for name, row, got in zip(FAMILIES, likelihoods, filled(loo_weights, likelihoods, order), strict=True):
        assert ulp_error(got, ball_loo_weights(row, np.ones(order))) <= ULPS, name


@pytest.mark.parametrize("order", [2, 16, 41, 200, 512, 984, 1022])
@pytest.mark.parametrize(
    "name", ["hot-38", "dyadic", "uniform-narrow", "gaussian-narrow", "around-an-eighth", "sorted"]
)
def test_weights_of_groups_of_1024(name, order):
    row = FAMILIES[name](1024, np.random.default_rng(order))
    assert ulp_error(filled(loo_weights, row[None], order)[0], ball_loo_weights(row, np.ones(order))) <= ULPS


@pytest.mark.parametrize("size", [4096, 65_536, 1_000_000])
def test_weights_of_equal_likelihoods_and_of_successes_in_long_groups(size):
    for order in (2, 16, 41, size // 8, size // 2, size - 40, size - 2, size - 1):
        for value in (1e-9, 1 / size, 37 / size, 0.1, 0.5, 1.0 - 2.0**-53):
            with mpmath.workdps(DIGITS):
                expected = float((1 - (1 - mpmath.mpf(value)) ** order) / value)
            found = filled(loo_weights, np.full((1, size), value), order)
            assert ulp_error(found, np.full((1, size), expected)) <= ULPS, (order, value)
        for hits in (1, 2, 37, 80, 500):
            success, failure = of_successes(size, hits, order)
            row = np.zeros((1, size))
            row[0, :hits] = 1.0
            found = filled(loo_weights, row, order)
            assert ulp_error(found, np.where(row > 0, success, failure)) <= ULPS, (order, hits)


@pytest.mark.parametrize("size", [4096, 65_536])
def test_weights_of_order_n_less_1_are_those_of_order_n_less_one_product(size):
    for name in ("mixed-magnitudes", "uniform-sum-37", "one-with-crowd-of-sum-1", "harmonic", "dyadic"):
        row = FAMILIES[name](size, np.random.default_rng(2))
        picked = np.argsort(row)[:: size // 16]
        with np.errstate(divide="ignore"):
            logs = np.log1p(-row)
        products = np.exp([math.fsum(np.delete(logs, i)) for i in picked])
        expected = ball_loo_weights_full_order(row, indices=picked) - products
        assert ulp_error(filled(loo_weights, row[None], size - 1)[0][picked], expected) <= ULPS, name


@pytest.mark.parametrize("power", [1, 40, 128, 254])
def test_failure_powers_of_others_of_every_family(power):
    likelihoods = groups(256)
    found = filled(failure_power_of_others, likelihoods, power + 1)
    for name, row, got in zip(FAMILIES, likelihoods, found, strict=True):
        expected = ball_loo_weights(row, np.eye(power + 1)[power])
        assert np.abs(got - expected).max() <= POWER_ROUNDINGS * HALF_AN_ULP, name


@numba.njit
def exponentials(arguments, out):
    for m in range(0, arguments.shape[1], WIDTH):
        real, imag = exponential(load(arguments, 0, m), load(arguments, 1, m))
        store(out, 0, m, real)
        store(out, 1, m, imag)


def test_exp_of_complex_numbers():
    """A quarter turn lost, or log 2 as one float, would be far off."""
    rng = np.random.default_rng(0)
    arguments = np.stack([rng.uniform(-100, 100, 800), rng.uniform(-70, 70, 800)])
    arguments[:, :8] = 0.0
    arguments[1, 8:24] = np.arange(-8, 8) * (math.pi / 2)
    found = np.empty_like(arguments)
    exponentials(arguments, found)
    with mpmath.workdps(DIGITS):
        for (x, y), (real, imag) in zip(arguments.T.tolist(), found.T.tolist(), strict=True):
            exact = mpmath.exp(mpmath.mpc(x, y))
            assert abs(mpmath.mpc(real, imag) - exact) <= EXP_ROUNDINGS * HALF_AN_ULP * abs(exact)
    assert np.array_equal(found[:, :8], np.array([[1.0], [0.0]]) * np.ones(8))


def test_wrong_versions_are_far_off():
    """Of a rule: the radius m / n, and half as many points. Of the kernel: S where c S is meant."""
    size, order = 256, 128
    row = FAMILIES["uniform"](size, np.random.default_rng(0))
    right, expected = rule(size, order), ball_loo_weights(row, np.ones(order))
    n, m = size - 1, order - 1

    def by(radius, points):
        """The rule in naive floats, all points kept."""
        z = radius * np.exp(1j * np.pi * (2 * np.arange(points // 2) + 1) / points)
        log_binomial = math.lgamma(n + 1) - math.lgamma(m + 1) - math.lgamma(n - m + 1)
        weight = 2 / points * np.exp(n * np.log1p(z) - m * np.log(z) - log_binomial)
        numbers = np.array([(z / (1 + z)).real, (z / (1 + z)).imag, weight.real, weight.imag])[:, :12].copy()
        numbers.flags.writeable = False
        return right._replace(**dict(zip(right._fields, numbers, strict=False)))

    def error(tried):
        out = np.empty((1, size))
        loo_weights(row[None], tried, out)
        return ulp_error(out[0], expected)

    assert error(right) <= ULPS
    assert error(by(m / (n - m), right.points)) <= 1e3  # what naive floats lose
    assert error(by(m / n, right.points)) > 1e6
    assert error(by(m / (n - m), right.points // 2)) > 1e6
    assert error(right._replace(mean=1.0)) > 1e6
