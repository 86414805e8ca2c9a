"""Bounds and estimates of log p by the logarithm of a group's mean: for positive likelihoods."""

from __future__ import annotations

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates.checked import mean_of_others
from maxrl_est.estimates.means import mean, need_floats
from maxrl_est.estimators._rows import Notes, row
from maxrl_est.objectives.targets import LogMean, LogPassRate


def _log_mean(n: int) -> LogMean:
    return LogMean(n)


def _log_pass_rate(n: int) -> LogPassRate:
    return LogPassRate()


@row(
    _log_mean,
    Notes(
        estimates="the gradient of E log mean(l_1..l_N), the bound of importance-weighted autoencoders",
        how="the score function, without a pathwise term, and a leave-one-out baseline: the arithmetic mean of the "
        "others, where the paper's default is the geometric one",
        unbiased="always; refuses N = 1 and likelihoods of 0",
        cost="O(N)",
        source="arXiv 1602.06725",
    ),
    positive_only=True,
)
def vimco(likelihoods: Array) -> Array:
    """N (log of the mean, less log of the mean with l_i replaced by the mean of the others)."""
    need_floats(likelihoods, "a logarithm")
    others = mean_of_others(likelihoods)
    return np.asarray(likelihoods.shape[-1] * (np.log(mean(likelihoods)) - np.log(others)))


@row(
    _log_pass_rate,
    Notes(
        estimates="grad log p",
        how="the score function of an estimate of log p whose bias is O(1/N^2)",
        unbiased="never; refuses N = 1 and likelihoods of 0",
        cost="O(N)",
        source="M. H. Quenouille, J. R. Statist. Soc. B 11 (1949) 68; for log p, arXiv 1802.04030",
    ),
    positive_only=True,
)
def jackknife(likelihoods: Array) -> Array:
    """N (jackknife of log mean, less log mean of the others), the jackknife N log m - (N-1)/N sum_j log m_{-j}."""
    need_floats(likelihoods, "a logarithm")
    size = likelihoods.shape[-1]
    peers = np.log(mean_of_others(likelihoods))
    estimate = size * np.log(mean(likelihoods)) - (size - 1) * mean(peers)
    return np.asarray(size * (estimate - peers))
