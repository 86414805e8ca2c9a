"""U-statistic weights with the baselines of `maxrl_est.advantages`: unbiased for any likelihoods."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

from maxrl_est._typing import Array
from maxrl_est.estimates.baselines import recipe, weights_and_advantages
from maxrl_est.estimators.registry import Affine, register
from maxrl_est.objectives import Objective

_SOURCE = "U-statistic weights"


def _maxrl(n: int, order: int | None = None) -> Objective:
    return Objective.maxrl(n if order is None else order)


def _maxrl_below_n(n: int, order: int | None = None) -> Objective | None:
    if order is None and n == 1:
        return None
    return Objective.maxrl(n - 1 if order is None else order)


def less_constant(constant: Fraction, n: int, order: int | None = None) -> Affine | None:
    """Coefficients of omega_i l_i - constant."""
    order = n if order is None else order
    return ((Fraction(1),) * order, (constant,)) if order <= n else None


def _less_share(n: int, order: int | None = None) -> Affine | None:
    return less_constant(Fraction(1, n), n, order)


def _less_pass(n: int, order: int | None = None) -> Affine | None:
    """The others' pass@T is 1 - E_T."""
    order = n - 1 if order is None else order
    steps = (Fraction(1), *[Fraction(0)] * (order - 1), Fraction(-1))
    return ((Fraction(1),) * order, steps) if 1 <= order < n else None


def _advantages(likelihoods: Array, order: int | None, baseline: str) -> Array:
    return weights_and_advantages(likelihoods, recipe(order, baseline, likelihoods.shape[-1]))[1]


@register(_maxrl, _SOURCE, parameter="order", affine=partial(less_constant, Fraction(0)))
def ustat(likelihoods: Array, order: int | None = None) -> Array:
    """omega_i l_i.

    Estimates grad J_T, T = N by default. By the mean of products of the others' 1 - l over all subsets. Unbiased
    always; refuses T > N. Cost O(N), O(N T) for T < N. Source: U-statistics; MaxRL (arXiv 2602.02710) for 0/1 rewards.
    """
    return _advantages(likelihoods, order, "none")


@register(_maxrl, _SOURCE, parameter="order", affine=partial(less_constant, Fraction(1)))
def ustat_one(likelihoods: Array, order: int | None = None) -> Array:
    """omega_i l_i - 1.

    Estimates grad J_T, T = N by default. By `ustat` with a constant baseline; equals `maxrl_cv` on 0/1 rewards, -1 for
    all at K = 0. Unbiased always; refuses T > N. Cost as `ustat`. Source: as `ustat`.
    """
    return _advantages(likelihoods, order, "one")


@register(_maxrl, _SOURCE, parameter="order", affine=_less_share)
def ustat_one_over_n(likelihoods: Array, order: int | None = None) -> Array:
    """omega_i l_i - 1/N.

    Estimates grad J_T, T = N by default. By `ustat` with a constant baseline. Unbiased always; refuses T > N. Cost as
    `ustat`. Source: as `ustat`.
    """
    return _advantages(likelihoods, order, "one_over_n")


@register(_maxrl_below_n, _SOURCE, parameter="order", affine=_less_pass)
def ustat_pass_loo(likelihoods: Array, order: int | None = None) -> Array:
    """omega_i l_i less the others' pass@T.

    Estimates grad J_T, T <= N-1 (the default). By `ustat` with a leave-one-out baseline that makes each group sum to
    zero: RLOO at T = 1, `maxrl_shipped` at T = N-1 on 0/1 rewards. Unbiased always; refuses N = 1. Cost O(N T).
    Source: as `ustat`.
    """
    return _advantages(likelihoods, order, "pass_loo")


@register(_maxrl, _SOURCE, parameter="order")
def ustat_mean_loo(likelihoods: Array, order: int | None = None) -> Array:
    """omega_i (l_i - mean of the others).

    Estimates grad J_T, T = N by default. By `ustat` with a leave-one-out baseline. Unbiased always; refuses N = 1 and
    T > N. Cost as `ustat`. Source: as `ustat`.
    """
    return _advantages(likelihoods, order, "mean_loo")
