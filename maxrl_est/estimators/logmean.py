"""Bounds and estimates of log p by the logarithm of a group's mean: for positive likelihoods."""

from __future__ import annotations

import numpy as np

from maxrl_est._typing import Array
from maxrl_est.estimates.means import mean, mean_of_others, positive
from maxrl_est.estimators.registry import register
from maxrl_est.targets import LogMean, LogPassRate


def _log_mean(n: int) -> LogMean:
    return LogMean(n)


def _log_pass_rate(n: int) -> LogPassRate:
    return LogPassRate()


@register(_log_mean, "arXiv 1602.06725", positive_only=True)
def vimco(likelihoods: Array) -> Array:
    """N (log of the mean, less log of the mean with l_i replaced by the mean of its peers).

    Estimates the gradient of E log mean(l_1..l_N), the bound of importance-weighted autoencoders; no pathwise term.
    By its score function with a leave-one-out baseline: the arithmetic mean of the peers (the paper's default is the
    geometric one). Unbiased always; refuses N = 1 and likelihoods of 0. Cost O(N). Source: arXiv 1602.06725.
    """
    peers = mean_of_others(positive(likelihoods))
    return np.asarray(likelihoods.shape[-1] * (np.log(mean(likelihoods)) - np.log(peers)))


@register(_log_pass_rate, "M. H. Quenouille (1949); arXiv 1802.04030", positive_only=True)
def jackknife(likelihoods: Array) -> Array:
    """N (jackknife of log mean, less log of the peers' mean), the jackknife N log m - (N-1)/N sum_j log m_{-j}.

    Estimates grad log p. By the score function of an estimate of log p whose bias is O(1/N^2). Unbiased never; refuses
    N = 1 and likelihoods of 0. Cost O(N). Source: M. H. Quenouille, J. R. Statist. Soc. B 11 (1949) 68; for log p,
    arXiv 1802.04030.
    """
    size = likelihoods.shape[-1]
    peers = np.log(mean_of_others(positive(likelihoods)))
    estimate = size * np.log(mean(likelihoods)) - (size - 1) * mean(peers)
    return np.asarray(size * (estimate - peers))
