"""The efficiency of regression by likelihood against exact sums, where their terms do not cancel to nothing."""

from __future__ import annotations

import math
import re
from decimal import Decimal, localcontext

import pytest

from maxrl_est.measures import regression_efficiency


def by_sums(v, order):
    """v D^2 / S to 200 digits, of which alternating sums lose up to 2 T log10(2)."""
    with localcontext() as context:
        context.prec = 300
        v = Decimal(v)
        c = {j: math.comb(order, j) * (-1) ** (j + 1) for j in range(1, order + 1)}
        pairs = {}
        for i in c:
            for j in c:
                pairs[i + j] = pairs.get(i + j, 0) + c[i] * c[j]
        D, S = (sum(x / (1 + j * v).sqrt() ** 3 for j, x in of.items()) for of in (c, pairs))
        return float(D**2 / S)  # v D^2 / (v S)


@pytest.mark.parametrize("v", [1e-6, 0.1, 1.0, 10.0, 1e8])
@pytest.mark.parametrize("order", [1, 2, 8, 64, 200])
def test_it_is_the_closed_form(v, order):
    assert regression_efficiency(v, order) == pytest.approx(by_sums(v, order), rel=1e-12)


@pytest.mark.parametrize("v", [0.01, 1.0, 50.0])
def test_order_one(v):
    assert regression_efficiency(v, 1) == pytest.approx((1 + 2 * v) ** 1.5 / (1 + v) ** 3, rel=1e-12)
    assert regression_efficiency(v, 1) != pytest.approx((1 + v) ** 1.5 / (1 + v) ** 3, rel=1e-3)


@pytest.mark.parametrize("v", [10.0, 20.0, 50.0])
def test_half_of_it_takes_an_order_that_grows_exponentially(v):
    assert regression_efficiency(v, round(math.exp(v))) < 0.5 < regression_efficiency(v, round(math.exp(1.3 * v)))


def test_it_rises_with_the_order_and_is_at_most_one():
    values = [regression_efficiency(3.0, 10**k) for k in range(0, 40, 3)]
    assert values == sorted(values)
    assert 1 - 1e-12 < values[-1] <= 1


@pytest.mark.parametrize(
    ("v", "order", "message"),
    [(0, 1, "noise_variance must be"), (1.0, 0, "order must be an int of at least 1, got 0")],
)
def test_wrong_arguments_are_named(v, order, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        regression_efficiency(v, order)


@pytest.mark.parametrize("v", [5e-324, 1e-300, 1e-170])
def test_of_no_noise_is_1_and_not_the_least_of_1_and_nan(v):
    assert regression_efficiency(v, 1) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("v", [1e100, 1e160, 1e200, 1e204])
def test_of_much_noise_falls_as_its_power_of_3_over_2(v):
    assert regression_efficiency(v, 1) * v * math.sqrt(v) == pytest.approx(2**1.5, rel=1e-7)


@pytest.mark.parametrize("v", [1e220, 1.2e308, 1.7e308])
def test_of_more_noise_than_floats_tell_is_0_and_not_1(v):
    assert regression_efficiency(v, 1) == 0


def test_orders_beyond_all_groups_are_refused():
    with pytest.raises(ValueError, match=r"order must be at most 10{40}, got 10"):
        regression_efficiency(1, 10**400)
