"""Estimators of the gradient of expected reward, and GRPO, which is a multiple of none."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from maxrl_est._typing import Array
from maxrl_est.estimates.means import mean, mean_of_others
from maxrl_est.estimators.registry import Affine, register
from maxrl_est.objectives import Objective

_ONE = Fraction(1)


def _expected(n: int) -> Objective:
    return Objective.expected()


def _scaled_expected(n: int) -> Objective | None:
    return Objective.from_coefficients([Fraction(n - 1, n)], f"{n - 1}/{n} x J_1") if n > 1 else None


def _nothing(n: int) -> None:
    return None


def _own(n: int) -> Affine:
    return (_ONE,), ()


def _less_the_others(n: int) -> Affine | None:
    """The mean of the others is 1 - E_1."""
    return ((_ONE,), (_ONE, -_ONE)) if n > 1 else None


def _less_the_mean(n: int) -> Affine | None:
    """(N-1)/N times the same."""
    share = Fraction(n - 1, n)
    return ((share,), (share, -share)) if n > 1 else None


@register(_expected, "Williams (1992)", affine=_own)
def reinforce(likelihoods: Array) -> Array:
    """l_i.

    Estimates grad p. By the score-function identity. Unbiased always. Cost O(N). Source: R. J. Williams, Machine
    Learning 8 (1992) 229.
    """
    return likelihoods.copy()


@register(_expected, "arXiv 2402.14740", affine=_less_the_others)
def rloo(likelihoods: Array) -> Array:
    """l_i less the mean of the others.

    Estimates grad p. By REINFORCE with a leave-one-out baseline. Unbiased always; refuses N = 1, which has no others.
    Cost O(N). Source: arXiv 2402.14740.
    """
    return likelihoods - mean_of_others(likelihoods)


@register(_scaled_expected, "arXiv 2503.20783 (Dr. GRPO)", affine=_less_the_mean)
def mean_centred(likelihoods: Array) -> Array:
    """l_i less the mean of the group.

    Estimates (N-1)/N grad p, because the mean contains l_i. By (N-1)/N times RLOO. Unbiased for that multiple always;
    zero at N = 1. Cost O(N). Source: arXiv 2503.20783 (Dr. GRPO).
    """
    return likelihoods - mean(likelihoods)


def _standardised(likelihoods: Array, *, ddof: int, eps: float) -> Array:
    if likelihoods.dtype == object:
        raise TypeError("a standard deviation has no exact value on Fractions: give floats")
    deviation = likelihoods.std(axis=-1, ddof=ddof, keepdims=True)
    return np.asarray((likelihoods - mean(likelihoods)) / (deviation + eps))


@register(_nothing, "arXiv 2402.03300")
def grpo(likelihoods: Array) -> Array:
    """(l_i - mean) / (sd + 1e-4), sd with ddof = 1 as trainers ship it.

    Estimates no w(p) grad p. By standardising the group; all equal likelihoods give zeros. Unbiased for nothing, and
    on rewards other than 0/1 its direction is off too; refuses N = 1. Cost O(N). Source: arXiv 2402.03300.
    """
    if likelihoods.shape[-1] < 2:
        raise ValueError("likelihoods has groups of N = 1: a sample standard deviation needs N >= 2")
    return _standardised(likelihoods, ddof=1, eps=1e-4)


@register(_nothing, "arXiv 2402.03300")
def grpo_population(likelihoods: Array) -> Array:
    """(l_i - mean) / (sd + 1e-4), sd with ddof = 0.

    Estimates no w(p) grad p. By standardising the group; zero at N = 1 and for equal likelihoods. Unbiased for
    nothing. Cost O(N). Source: arXiv 2402.03300, with the divisor N.
    """
    return _standardised(likelihoods, ddof=0, eps=1e-4)
