"""pass@k, by U-statistics: the same on 0/1 rewards as published, and unbiased for any likelihoods."""

from __future__ import annotations

import functools
from fractions import Fraction

from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates.baselines import recipe, weights_and_advantages
from maxrl_est.estimates.groups import need_size
from maxrl_est.estimators._rows import Affine, Notes, row
from maxrl_est.objectives import Objective


@functools.lru_cache(maxsize=64)
def _objective(k: int) -> Objective:
    return Objective.pass_at(k)


def _pass_at(n: int, k: int = 2) -> Objective:
    return _objective(k)


def _zeros(k: int) -> tuple[Fraction, ...]:
    return (Fraction(0),) * (k - 1)


def _weights_only(n: int, k: int = 2) -> Affine | None:
    return ((*_zeros(k), Fraction(k)), ()) if k <= n else None


def _less_pass(n: int, k: int = 2) -> Affine | None:
    return ((*_zeros(k), Fraction(k)), (*_zeros(k), Fraction(k), Fraction(-k))) if k < n else None


def _advantages(likelihoods: Array, k: int, baseline: str) -> Array:
    return weights_and_advantages(likelihoods, recipe(_objective(k), baseline, likelihoods.shape[-1]))[1]


@row(
    _pass_at,
    Notes(
        estimates="the gradient of pass@k, 1 - (1 - p)^k, k = 2 by default",
        how="k times the chance that rollout i alone makes a subset of k pass",
        unbiased="always; refuses k > N",
        cost="O(N k)",
        source="arXiv 2505.15201 (PKPO) for 0/1 rewards",
    ),
    parameter="k",
    affine=_weights_only,
)
def passk(likelihoods: Array, k: int = 2) -> Array:
    """k E_{k-1} l_i, with E_{k-1} the mean product of k - 1 of the others' 1 - l."""
    need_size(likelihoods.shape[-1], k, f"pass@{k}")
    return _advantages(likelihoods, k, "none")


@row(
    _pass_at,
    Notes(
        estimates="the gradient of pass@k, 1 - (1 - p)^k, k = 2 by default",
        how="k times the pass rate of subsets of k with rollout i, less k times pass@k of the others; rloo at k = 1",
        unbiased="always; refuses k > N - 1",
        cost="O(N k)",
        source="arXiv 2505.15201 (PKPO) for 0/1 rewards, with the others' pass@k as the baseline",
    ),
    parameter="k",
    affine=_less_pass,
)
def passk_loo(likelihoods: Array, k: int = 2) -> Array:
    """k E_{k-1} l_i - k (E_{k-1} - E_k), with E of the others: k (1 - q_i E_{k-1}) - k (1 - E_k)."""
    need_size(likelihoods.shape[-1], k + 1, f"pass@{k} of the others")
    return _advantages(likelihoods, k, "pass_loo")
