"""Logarithms of weighted likelihoods, which no float holds; and the warning where advantages lose them."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

import maxrl_est as mx

LOGS = np.array([[-3.0, -0.5, -np.inf, -40.0], [-700.0, -1.5, -0.25, -2.0]])


@pytest.mark.parametrize("objective", [None, 1, 3, mx.Objective.pass_at(2), mx.Objective.tsallis(0.5, 4)], ids=str)
def test_they_are_logarithms_of_advantages_without_a_baseline(objective):
    got = mx.log_weights(LOGS, objective)
    plain = mx.advantages(objective=objective, baseline="none", log_likelihoods=LOGS)
    np.testing.assert_allclose(np.exp(got), plain, rtol=1e-13)
    assert (got != mx.advantages(objective=objective, baseline="none", log_likelihoods=LOGS)).any()
    shifted = mx.log_weights(LOGS + 5, objective, log_ceiling=5.0)
    np.testing.assert_allclose(shifted, got, rtol=1e-13)


def test_likelihoods_below_the_smallest_float_are_kept():
    logs = np.array([-800.0, -1e6, -np.inf, -746.0])
    got = mx.log_weights(logs)
    np.testing.assert_allclose(got, math.log(4) + logs)
    assert np.isfinite(got[:2]).all()
    with pytest.warns(UserWarning, match="maxrl_est.log_weights"):
        assert mx.advantages(log_likelihoods=logs).tolist() == [0] * 4


def test_a_weight_of_0_has_the_logarithm_minus_infinity_without_a_signal():
    with np.errstate(all="raise"):
        assert mx.log_weights([0.0, 0.0], mx.Objective.pass_at(2)).tolist() == [-np.inf] * 2
        assert mx.log_weights([-np.inf, -np.inf]).tolist() == [-np.inf] * 2


def test_shapes_and_dtypes_are_those_of_weights():
    assert mx.log_weights(LOGS.astype(np.float32)).dtype == np.float32
    assert mx.log_weights(np.zeros((2, 0, 3))).shape == (2, 0, 3)
    assert mx.log_weights([[-1, -2]]).shape == (1, 2)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0.5],), ValueError, r"log_likelihoods\[0\] must be at most log_ceiling = 0.0, got 0.5"),
        (([math.nan],), ValueError, r"log_likelihoods\[0\] must be at most log_ceiling"),
        ((None,), TypeError, "likelihoods or log_likelihoods must be given"),
        (([-1.0], 2), ValueError, "objective must be of order T <= 1"),
        (([-1.0] * 2, mx.Objective.all_of(2)), ValueError, "in powers of 1 - p.*got 'pass\\^2'"),
        (([-1.0] * 3, mx.Objective.from_coefficients([3, 0, -1])), ValueError, "coefficients of at least 0.*'custom'"),
    ],
)
def test_what_has_no_logarithm_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        mx.log_weights(*arguments)


LOST = r"^log_likelihoods\[1\] must have a rollout within 745 of log_ceiling, got -800.0 at most"


@pytest.mark.parametrize("function", [mx.advantages, mx.estimators.weights_and_advantages])
def test_advantages_warn_where_a_group_is_lost_and_only_there(function):
    with pytest.warns(UserWarning, match=LOST):
        function(log_likelihoods=[[-1.0, -2.0], [-900.0, -800.0]])
    with pytest.warns(UserWarning, match="^log_likelihoods must have a rollout within 745 of log_ceiling"):
        function(log_likelihoods=[-900.0, -800.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        function(log_likelihoods=[[-1.0, -2000.0], [-np.inf, -np.inf]])
        function(log_likelihoods=[-900.0, -800.0], log_ceiling=-800.0)
        function(log_likelihoods=np.empty((0, 2)))
        function([0.0, 0.0])
        mx.loo_weights(log_likelihoods=[-900.0, -800.0])
