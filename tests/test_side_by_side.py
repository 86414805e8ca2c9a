"""Weights of order T = N in float64 and float32: accurate on every family, and the same to the bit in any batch."""

from __future__ import annotations

import numpy as np
import pytest

from maxrl_est.estimates._kernels.quadrature import (
    SHORT,
    SHORT_SINGLE,
    full_order_weights,
    full_order_weights_single,
)
from maxrl_est.estimates._kernels.side_by_side import ALONE
from maxrl_est.selftest.adversarial import FAMILIES
from maxrl_est.selftest.reference import ball_loo_weights_full_order, ulp_error

ULPS = 4  # measured worst of two seeds: 4 at N = 96, 127 and from 129 on, 3 at the others
SINGLE_ULPS = 0.51  # of float32; measured worst of two seeds: .506
SIZES = (1, 2, 3, 4, 5, 8, 9, 16, 17, 24, 31, 32, 33, 63, 64, 65, 96, 127, 128, 143, SHORT)
KERNELS = {np.float64: full_order_weights, np.float32: full_order_weights_single}

either = pytest.mark.parametrize("dtype", KERNELS, ids=lambda dtype: dtype.__name__)


def groups(n, dtype, seed=1):
    """One group of every family, so that neighbours want rules of different sizes."""
    rng = np.random.default_rng(seed)
    return np.stack([draw(n, rng) for draw in FAMILIES.values()]).astype(dtype)


def weights(likelihoods):
    out = np.full_like(likelihoods, np.nan)
    KERNELS[likelihoods.dtype.type](likelihoods, out)
    return out


@pytest.mark.parametrize("n", SIZES)
def test_weights_of_short_groups_are_accurate_on_every_family(n):
    """Rejects products whose roundings are left alone: 31 ulp at N = 64."""
    likelihoods = groups(n, np.float64)
    got = weights(likelihoods)
    errors = [ulp_error(*pair) for pair in zip(got, map(ball_loo_weights_full_order, likelihoods), strict=True)]
    assert max(errors) <= ULPS, list(FAMILIES)[int(np.argmax(errors))]


@pytest.mark.parametrize("n", [1, 2, 4, 8, 16, 17, 32, 33, 64, 127, 128, 256])
def test_single_weights_are_the_exact_ones_rounded_once(n):
    """Rejects an integral cut at 20, which is .511 off at N = 256, and arithmetic in float32."""
    likelihoods = groups(n, np.float32)
    exact = np.stack([ball_loo_weights_full_order(group) for group in likelihoods.astype(np.float64)])
    ulps = np.spacing(exact.astype(np.float32)).astype(np.float64)
    errors = (np.abs(weights(likelihoods) - exact) / ulps).max(axis=1)
    assert errors.max() <= SINGLE_ULPS, list(FAMILIES)[int(np.argmax(errors))]


def test_single_weights_of_long_groups_are_those_of_float64():
    likelihoods = groups(SHORT_SINGLE + 1, np.float32)
    assert np.array_equal(weights(likelihoods), weights(likelihoods.astype(np.float64)).astype(np.float32))


@either
@pytest.mark.parametrize("n", [1, 3, 8, 15, 16, 17, 24, 40, 64, 65, 127, 128, SHORT, SHORT + 1])
def test_a_group_has_the_same_weights_in_any_batch(n, dtype):
    """Rejects one rule for eight groups, that of the group which needs most nodes."""
    likelihoods = groups(n, dtype)
    expected = weights(likelihoods)
    alone = np.concatenate([weights(group[None]) for group in likelihoods])
    assert np.array_equal(alone, expected)
    order = np.random.default_rng(2).permutation(len(likelihoods))
    assert np.array_equal(weights(likelihoods[order]), expected[order])


@either
@pytest.mark.parametrize("count", range(9 + ALONE))
def test_groups_beyond_the_last_eight_are_not_forgotten(count, dtype):
    likelihoods = groups(33, dtype)
    assert np.array_equal(weights(likelihoods[:count]), weights(likelihoods)[:count])
