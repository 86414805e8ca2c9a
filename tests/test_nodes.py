"""The Gauss-Legendre tables, derived again with 60 digits."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from maxrl_est.estimates._kernels import by_fours
from maxrl_est.estimates._kernels.by_fours import CUTOFF as SINGLE_CUTOFF
from maxrl_est.estimates._kernels.nodes import COUNTS, LIMITS, NODES, SINGLE_LIMITS, WEIGHTS

DIGITS = 60
LARGEST_SUM = 38  # of a * sum(l), for which the largest rule must do

every_rule = pytest.mark.parametrize(("rule", "count"), list(enumerate(COUNTS.tolist())), ids=COUNTS.tolist())


def rounded(number):
    """The nearest double, through the exact rational (mpmath's own conversion need not round to nearest)."""
    mantissa, exponent = number.man_exp
    return float(Fraction(mantissa) * Fraction(2) ** exponent)


def legendre(count, x):
    """P_count and its derivative at x."""
    before, value = mpmath.mpf(1), x
    for k in range(2, count + 1):
        before, value = value, ((2 * k - 1) * x * value - (k - 1) * before) / k
    return value, count * (x * value - before) / (x * x - 1)


def gauss_legendre(count):
    """Nodes and weights on [0, 1]: roots of P_count by Newton's method, each from its well-known estimate."""
    nodes, weights = [], []
    for k in range(count, 0, -1):
        x = mpmath.cos(mpmath.pi * (4 * k - 1) / (4 * count + 2))
        for _ in range(8):  # digits double each time
            value, slope = legendre(count, x)
            x -= value / slope
        value, slope = legendre(count, x)
        assert abs(value) < mpmath.mpf(10) ** (5 - DIGITS)
        nodes.append((1 + x) / 2)
        weights.append(1 / ((1 - x * x) * slope**2))
    return nodes, weights


def truncation_bound(count, x):
    """Of the relative error of the rule on [0, a] for a product of 1 - t l_j, x = a sum(l)."""
    m, x = count, Fraction(x)
    factorials = Fraction(math.factorial(m) ** 4, (2 * m + 1) * math.factorial(2 * m) ** 3)
    return (1 + x) * x ** (2 * m) * factorials


@every_rule
def test_every_node_and_weight_is_correctly_rounded(rule, count):
    with mpmath.workdps(DIGITS):
        nodes, weights = gauss_legendre(count)
        assert NODES[rule, :count].tolist() == [rounded(node) for node in nodes]
        assert WEIGHTS[rule, :count].tolist() == [rounded(weight) for weight in weights]


def test_leggauss_of_numpy_would_not_do():
    x, w = np.polynomial.legendre.leggauss(28)
    wrong_nodes = np.count_nonzero((1 + x) / 2 != NODES[-1])
    wrong_weights = np.count_nonzero(w / 2 != WEIGHTS[-1])
    assert wrong_nodes > 0
    assert wrong_weights > 14
    assert np.max(np.abs(w / 2 / WEIGHTS[-1] - 1)) > 100 * 2.0**-53


@every_rule
def test_what_is_left_of_a_row_is_zero(rule, count):
    assert not NODES[rule, count:].any()
    assert not WEIGHTS[rule, count:].any()


@pytest.mark.parametrize(("limits", "bits"), [(LIMITS, 54), (SINGLE_LIMITS, 28)], ids=["float64", "float32"])
@every_rule
def test_limits_are_the_largest_doubles_that_the_bound_allows(rule, count, limits, bits):
    assert truncation_bound(count, limits[rule]) <= Fraction(1, 2**bits)
    assert truncation_bound(count, np.nextafter(limits[rule], np.inf)) > Fraction(1, 2**bits)


def test_the_largest_rule_serves_every_group():
    assert LIMITS[-1] > LARGEST_SUM
    assert (np.diff(LIMITS) > 0).all()


def test_sixteen_nodes_serve_every_group_in_float32():
    assert SINGLE_LIMITS[COUNTS.tolist().index(16)] > SINGLE_CUTOFF + 1
    assert math.exp(-SINGLE_CUTOFF) * (SINGLE_CUTOFF + 1) / SINGLE_CUTOFF < 2.0**-31


@pytest.mark.parametrize("rule", range(7))
def test_fours_of_nodes_are_far_apart(rule):
    """Rejects neighbours: the product of the last four is 2^-20 at 16 nodes."""
    count = COUNTS[rule]
    assert sorted(by_fours.NODES[rule, :count]) == NODES[rule, :count].tolist()
    assert sorted(by_fours.WEIGHTS[rule, :count]) == sorted(WEIGHTS[rule, :count])
    left = 1 - by_fours.NODES[rule]
    assert left.reshape(-1, 4).prod(axis=1).min() > 2.0**-12
    assert (by_fours.WEIGHTS[rule] / left).sum() < 7
    if count == 16:
        assert (1 - NODES[rule, 12:16]).prod() < 2.0**-19


def test_counts_above_three_fill_vector_registers():
    assert (COUNTS[COUNTS > 3] % 4 == 0).all()
