"""pass@k, by U-statistics: the same on 0/1 rewards as published, and unbiased for any likelihoods."""

from __future__ import annotations

from fractions import Fraction

from maxrl_est._typing import Array
from maxrl_est.estimates.checked import loo_weights
from maxrl_est.estimators.registry import Affine, register
from maxrl_est.objectives import Objective, resolve


def _pass_at(n: int, k: int = 2) -> Objective | None:
    return Objective.pass_at(k)


def _zeros(k: int) -> tuple[Fraction, ...]:
    return (Fraction(0),) * (k - 1)


def _weights_only(n: int, k: int = 2) -> Affine | None:
    return ((*_zeros(k), Fraction(k)), ()) if k <= n else None


def _less_pass(n: int, k: int = 2) -> Affine | None:
    return ((*_zeros(k), Fraction(k)), (*_zeros(k), Fraction(k), Fraction(-k))) if k < n else None


@register(_pass_at, "arXiv 2505.15201", parameter="k", affine=_weights_only)
def passk(likelihoods: Array, k: int = 2) -> Array:
    """k E_{k-1}(q of the others) l_i, k = 2 by default.

    Estimates the gradient of pass@k, 1 - (1 - p)^k. By k times the chance that rollout i alone makes a k-subset pass.
    Unbiased always; refuses k > N. Cost O(N k). Source: arXiv 2505.15201 (PKPO) for 0/1 rewards.
    """
    size = likelihoods.shape[-1]
    return loo_weights(likelihoods, resolve(Objective.pass_at(k), size, size)) * likelihoods


@register(_pass_at, "arXiv 2505.15201", parameter="k", affine=_less_pass)
def passk_loo(likelihoods: Array, k: int = 2) -> Array:
    """k (pass rate of k-subsets with i, less pass@k of the others), k = 2 by default.

    That is k (1 - q_i E_{k-1}) - k (1 - E_k) with E of the others. Estimates the gradient of pass@k. By the reward of
    subsets with a leave-one-out baseline; RLOO at k = 1. Unbiased always; refuses k > N - 1. Cost O(N k). Source: arXiv
    2505.15201 (PKPO) for 0/1 rewards, with the others' pass@k as the baseline.
    """
    size = likelihoods.shape[-1]
    if k >= size:
        raise ValueError(f"k is {k}: pass@k of the others needs k <= N - 1, and N = {size}")
    baseline = Objective.from_coefficients([*_zeros(k), k, -k])
    return passk(likelihoods, k) - loo_weights(likelihoods, baseline)
