"""The sizes of coefficients on 0/1 rewards, against enumeration of groups and closed forms."""

from __future__ import annotations

import itertools
import math
import re
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.measures import coefficient_mass

RATES = [F(0), F(1, 100), F(1, 3), F(9, 10), F(1)]


def enumerated(row, n, p):
    total = F(0)
    for group in itertools.product((F(0), F(1)), repeat=n):
        chance = math.prod(p if x else 1 - p for x in group)
        total += chance * sum(abs(x) for x in mx.estimators.get(row)(np.array(group)))
    return total


@pytest.mark.parametrize("row", ["maxrl_shipped", "maxrl_cv", "maxrl", "rloo", "reinforce", "ustat_pass_loo"])
@pytest.mark.parametrize("n", [2, 3, 5])
def test_it_is_the_mean_over_every_group(row, n):
    mass = coefficient_mass(row, n)
    assert mass.exact
    assert [mass.value(p) for p in RATES] == [enumerated(row, n, p) for p in RATES]


@pytest.mark.parametrize("n", [2, 8, 64])
def test_of_shipped_maxrl_it_is_pass_at_n_less_p(n):
    for p in RATES:
        found = coefficient_mass("maxrl_shipped", n).value(p)
        assert found == 2 * n * (1 - (1 - p) ** n - p)
        if 0 < p < 1:
            assert found != 2 * n * (1 - (1 - p) ** (n - 1) - p)  # of pass@(n-1), whose objective's order it has
            assert found != 2 * (1 - (1 - p) ** n - p)  # without n


def test_floats_are_as_good_as_the_rule():
    mass = coefficient_mass("grpo", 8)
    assert not mass.exact
    p = 0.3
    expected = sum(
        math.comb(8, k) * p**k * (1 - p) ** (8 - k) * abs(mx.estimators.get("grpo")([1.0] * k + [0.0] * (8 - k))).sum()
        for k in range(9)
    )
    assert mass.value(p) == pytest.approx(expected, rel=1e-9)
    assert mass.value(np.array([0.0, 1.0])).max() < 1e-300
    assert str(mass).startswith("n = 8: the mean of sum_i |A_i| on 0/1 rewards\np ")


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match=re.escape("n must be an int of at least 1, got 0")):
        coefficient_mass("rloo", 0)


def test_the_mass_of_a_centred_rule_is_0_where_all_fail_and_not_nearly():
    mass = coefficient_mass("rloo", 4)
    assert mass.value(0) == mass.value(0.0) == mass.value(1.0) == 0
    assert mass.value([0, 0.5, 1]).tolist() == [0, mass.value(0.5), 0]
