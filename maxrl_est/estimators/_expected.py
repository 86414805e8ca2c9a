"""Estimators of the gradient of expected reward, and GRPO, which is a multiple of none."""

from __future__ import annotations

import operator
from fractions import Fraction

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates.checked import mean_of_others
from maxrl_est.estimates.elementwise import elementwise
from maxrl_est.estimates.groups import need_size
from maxrl_est.estimates.means import mean, need_floats
from maxrl_est.estimators._rows import Affine, Notes, row
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


@row(
    _expected,
    Notes(
        estimates="grad p",
        how="the score-function identity",
        unbiased="always",
        cost="O(N)",
        source="R. J. Williams, Machine Learning 8 (1992) 229",
    ),
    affine=_own,
    any_reward=True,
)
def reinforce(likelihoods: Array) -> Array:
    """l_i: REINFORCE without a baseline."""
    return likelihoods


@row(
    _expected,
    Notes(
        estimates="grad p",
        how="REINFORCE with the mean of the others as its baseline",
        unbiased="always; refuses N = 1, which has no others",
        cost="O(N)",
        source="arXiv 2402.14740",
    ),
    affine=_less_the_others,
    any_reward=True,
)
def rloo(likelihoods: Array) -> Array:
    """l_i less the mean of the others."""
    return elementwise(operator.sub, likelihoods, mean_of_others(likelihoods))


@row(
    _scaled_expected,
    Notes(
        estimates="(N-1)/N grad p, because the mean contains l_i",
        how="(N-1)/N times RLOO",
        unbiased="always, for that multiple; zero at N = 1",
        cost="O(N)",
        source="arXiv 2503.20783 (Dr. GRPO)",
    ),
    affine=_less_the_mean,
    any_reward=True,
)
def mean_centred(likelihoods: Array) -> Array:
    """l_i less the mean of the group."""
    return elementwise(operator.sub, likelihoods, mean(likelihoods))


def _standardised(likelihoods: Array, *, ddof: int, eps: float) -> Array:
    need_floats(likelihoods, "a standard deviation")
    deviation = likelihoods.std(axis=-1, ddof=ddof, keepdims=True)
    return np.asarray((likelihoods - mean(likelihoods)) / (deviation + eps))


@row(
    _nothing,
    Notes(
        estimates="no w(p) grad p, and on rewards other than 0/1 no multiple of grad p",
        how="standardising the group; equal likelihoods give zeros",
        unbiased="never; refuses N = 1",
        cost="O(N)",
        source="arXiv 2402.03300",
    ),
    any_reward=True,
)
def grpo(likelihoods: Array) -> Array:
    """(l_i - mean) / (sd + 1e-4), the standard deviation with divisor N - 1, as trainers ship it."""
    need_size(likelihoods.shape[-1], 2, "a sample standard deviation")
    return _standardised(likelihoods, ddof=1, eps=1e-4)


@row(
    _nothing,
    Notes(
        estimates="no w(p) grad p, and on rewards other than 0/1 no multiple of grad p",
        how="standardising the group; equal likelihoods give zeros",
        unbiased="never; zero at N = 1",
        cost="O(N)",
        source="arXiv 2402.03300, with the divisor N",
    ),
    any_reward=True,
)
def grpo_population(likelihoods: Array) -> Array:
    """(l_i - mean) / (sd + 1e-4), the standard deviation with divisor N."""
    return _standardised(likelihoods, ddof=0, eps=1e-4)
