"""A budget of rollouts cut into groups: against exact moments, size by size."""

from __future__ import annotations

import math

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.measures import best_group_size

LAW = mx.problems.Bandit([0.5, 0.3, 0.2], [0.1, 0.5, 0.9])


@pytest.mark.parametrize("estimator", ["rloo", "mean_centred", "ustat_one(2)"])
def test_noise_is_that_of_the_mean_over_all_groups(estimator):
    found = best_group_size(LAW, estimator, 50, [4, 2, 8])
    assert found.groups == (12, 25, 6)
    for n, groups, noise in zip(found.sizes, found.groups, found.noise, strict=True):
        exact = mx.exact_moments(LAW, estimator, n)
        expected = np.trace(exact.covariance) / groups / (exact.mean @ exact.mean)
        assert noise == pytest.approx(expected)
        assert noise != pytest.approx(expected * groups)  # that of one group
    assert found.best == found.sizes[found.noise.index(min(found.noise))]


def test_a_factor_makes_no_difference():
    """(N-1)/N of RLOO is as good as RLOO; by variance alone the smallest groups would win."""
    one, other = (best_group_size(LAW, row, 24, [2, 4, 8]) for row in ("rloo", "mean_centred"))
    assert one.noise == pytest.approx(other.noise)


def test_without_a_signal_all_is_noise():
    assert best_group_size(LAW, "mean_centred", 8, [1, 2]).noise[0] == math.inf


def test_the_table_names_the_best():
    assert str(best_group_size(LAW, "rloo", 24, [2, 8])).startswith("N = 8 has the least noise of 24 rollouts")


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ((LAW, "rloo", 8, [2, 16]), ValueError, r"^sizes\[1\] must be an int in \[1, 8\], got 16"),
        ((LAW, "rloo", 8, []), ValueError, "^sizes must have at least 1 size"),
        ((LAW, "rloo", 8, [2, 2]), ValueError, r"^sizes\[1\] must differ"),
        ((LAW, "rloo", 0, [2]), ValueError, r"^budget must be an int in"),
        ((mx.problems.Gaussian(0, 1, 1, 0.5), "grpo", 8, [4]), ValueError, "^problem must have exact moments"),
    ],
)
def test_what_has_no_answer_is_refused(given, error, words):
    with pytest.raises(error, match=words):
        best_group_size(*given)


def test_no_size_is_best_where_there_is_nothing_to_estimate():
    with pytest.raises(
        ValueError, match=r"^problem must be one at which the mean of the estimate is not 0, got Bernou"
    ):
        best_group_size(mx.problems.Bernoulli(0), "rloo", 8, [2, 4])
