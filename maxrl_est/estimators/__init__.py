"""Advantages in use, one short function each, and what each of them is said to estimate.

An estimator maps likelihoods ``(..., N)`` to advantages A ``(..., N)``; the gradient estimate it stands for is
``g = (1/N) sum_i A_i S_i`` with the scores S_i of the rollouts. What it *really* ascends is a question for
`maxrl_est.effective_weight` and `maxrl_est.exact_moments`; ``target`` is what its authors intend.

Object arrays of ``fractions.Fraction`` are computed exactly where the formula is rational.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from maxrl_est._typing import Array
from maxrl_est.objectives import Objective
from maxrl_est.ustatistics import ObjectiveLike, as_groups, loo_weights, order_of

BASELINES = ("none", "one", "seed", "pass_loo", "mean_loo")


def advantages(likelihoods: npt.ArrayLike, objective: ObjectiveLike = None, *, baseline: str | float = "one") -> Array:
    """Advantages ``omega_i l_i - b_i (..., N)`` with leave-one-out weights omega: unbiased for any likelihoods.

    Drop-in for the advantages of a policy-gradient trainer. Every baseline leaves the expectation as it is,
    because b_i does not depend on rollout i:

    - ``"one"``: 1. For 0/1 rewards and T = N this is MaxRL: N/K - 1 for successes, -1 for failures, K = 0 included.
    - ``"none"``: 0.
    - ``"seed"``: 1/N.
    - ``"pass_loo"``: the others' estimate of p w(p), which for MaxRL is their pass@T. The advantages of a group
      then sum to zero; order 1 is RLOO. Needs T <= N - 1; None stands for that order. It is a difference of
      numbers up to 1 and rounds as such, however small the likelihoods are.
    - ``"mean_loo"``: omega_i times the others' mean likelihood. Needs N >= 2.
    - a number: itself.

    Which of them has least variance depends on the problem. Not for likelihoods far below 1/N on every rollout:
    all weights are then near T and the gradient is that of expected likelihood.

    >>> advantages([1, 0, 0, 0])
    array([ 3., -1., -1., -1.])
    >>> advantages([1, 0, 0, 0], 1, baseline="pass_loo")  # RLOO
    array([ 1.        , -0.33333333, -0.33333333, -0.33333333])
    """
    return weights_and_advantages(likelihoods, objective, baseline=baseline)[1]


def weights_and_advantages(
    likelihoods: npt.ArrayLike, objective: ObjectiveLike = None, *, baseline: str | float = "one"
) -> tuple[Array, Array]:
    """`advantages` ``(..., N)`` after the leave-one-out weights ``(..., N)`` they are made of.

    >>> weights_and_advantages([1, 0])
    (array([2., 1.]), array([ 1., -1.]))
    """
    groups = as_groups(likelihoods)
    size = groups.values.shape[-1]
    if baseline == "pass_loo":
        order = max(1, size - 1) if objective is None else order_of(objective)
        if order > size - 1:
            raise ValueError(f"baseline is 'pass_loo': order T = {order} needs T + 1 rollouts a group, and N = {size}")
        objective = objective if isinstance(objective, Objective) else Objective.maxrl(order)
    weights = loo_weights(groups.values, objective)
    advantages = weights * groups.values - _baseline(baseline, groups.values, weights, objective)
    return groups.returned(weights), groups.returned(advantages)


def _baseline(baseline: str | float, values: Array, weights: Array, objective: ObjectiveLike) -> Any:
    size = values.shape[-1]
    match baseline:
        case "none":
            return 0
        case "one":
            return 1
        case "seed":
            return Fraction(1, size) if values.dtype == object else 1.0 / size
        case "pass_loo":
            assert isinstance(objective, Objective)
            steps = np.diff(np.array((0, *objective.rational_coefficients, 0), dtype=object))
            return loo_weights(values, Objective.from_coefficients(steps))
        case "mean_loo":
            return weights * _mean_of_others(values)
        case str():
            raise ValueError(f"baseline is {baseline!r}: it is a number or one of {', '.join(BASELINES)}")
    if not isinstance(baseline, Real):
        raise TypeError(f"baseline is {baseline!r}: it is a number or one of {', '.join(BASELINES)}")
    if not -sys.float_info.max <= baseline <= sys.float_info.max:
        raise ValueError(f"baseline is {str(baseline)[:20]}: it is finite")
    return Fraction(baseline) if values.dtype == object else baseline


@dataclass(frozen=True, slots=True)
class NamedEstimator:
    """A row of the table: an advantage function with its name, target and source. Call it on likelihoods."""

    name: str
    function: Callable[..., Array]
    target: Callable[[int], Objective | None]  # for groups of n; None where it has no target of the form w(p)
    reference: str
    binary_only: bool
    # (c, d), up to N coefficients each, if A_i = sum_k (c_k l_i - d_k) E_k(q of the others); None where it is not so
    affine: Callable[[int], tuple[tuple[Fraction, ...], tuple[Fraction, ...]] | None] = lambda n: None

    def __call__(self, likelihoods: npt.ArrayLike, /) -> Array:
        """Advantages (..., N) of likelihoods (..., N)."""
        groups = as_groups(likelihoods)
        return groups.returned(self.function(groups.values))

    @property
    def notes(self) -> str:
        """What it estimates, how, and its conventions."""
        return inspect.getdoc(getattr(self.function, "func", self.function)) or ""


_TABLE: dict[str, NamedEstimator] = {}


def _register(
    target: Callable[[int], Objective | None], reference: str, *, binary_only: bool = False
) -> Callable[[Callable[..., Array]], Callable[..., Array]]:
    def add(function: Callable[..., Array]) -> Callable[..., Array]:
        name = function.__name__
        _TABLE[name] = NamedEstimator(name, function, target, reference, binary_only)
        return function

    return add


def names() -> tuple[str, ...]:
    """Names of all estimators, in the order of the table.

    >>> names()[:3]
    ('reinforce', 'rloo', 'mean_centred')
    """
    return tuple(_TABLE)


def get(name: str) -> NamedEstimator:
    """The estimator of that name; the ``ustat`` family takes an order, as in ``"ustat(4)"``.

    >>> get("rloo")([1.0, 0.0, 0.5])
    array([ 0.75, -0.75,  0.  ])
    >>> get("ustat_one(2)")([1.0, 0.0])
    array([ 1., -1.])
    """
    if not isinstance(name, str):
        raise TypeError(f"name is {name!r}: it is a str, one of {', '.join(_TABLE)}")
    match = re.fullmatch(r"(\w+)\((\d+)\)", name)
    plain = match[1] if match else name
    if plain not in _TABLE or (match and not plain.startswith("ustat")):
        close = difflib.get_close_matches(plain, _TABLE, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(_TABLE)}"
        raise ValueError(f"name is {name!r}: no such estimator; {hint}")
    if not match:
        return _TABLE[plain]
    row, order = _TABLE[plain], int(match[2])
    objective = Objective.maxrl(order)
    function: Callable[..., Array] = functools.partial(row.function, objective=objective)
    return NamedEstimator(name, function, functools.partial(_fixed, objective), row.reference, row.binary_only)


def _mean_of_others(values: Array) -> Array:
    size = values.shape[-1]
    if size < 2:
        raise ValueError("likelihoods has groups of N = 1: the mean of the others needs N >= 2")
    return np.asarray((values.sum(axis=-1, keepdims=True) - values) / (size - 1))


def _mean(values: Array) -> Array:
    return np.asarray(values.sum(axis=-1, keepdims=True) / values.shape[-1])


def _ratio(top: Array, bottom: Array, otherwise: Any) -> Array:
    """top / bottom with the value that stands where bottom is zero stated by the caller."""
    zero = bottom == 0
    return np.where(zero, otherwise, top / np.where(zero, 1, bottom))


def _expected(n: int) -> Objective:
    return Objective.expected()


def _order_n(n: int) -> Objective:
    return Objective.maxrl(n)


def _order_below_n(n: int) -> Objective | None:
    return Objective.maxrl(n - 1) if n > 1 else None


def _scaled_expected(n: int) -> Objective | None:
    return Objective.from_coefficients([Fraction(n - 1, n)], f"{n - 1}/{n} x J_1") if n > 1 else None


def _fixed(objective: Objective, n: int) -> Objective:
    return objective


def _none(n: int) -> None:
    return None


@_register(_expected, "Williams (1992)")
def reinforce(likelihoods: Array) -> Array:
    """l_i. Estimates grad p. Unbiased always. Cost O(N)."""
    return likelihoods


@_register(_expected, "arXiv 2402.14740")
def rloo(likelihoods: Array) -> Array:
    """l_i less the mean of the others. Estimates grad p. Unbiased always; refuses N = 1. Cost O(N)."""
    return likelihoods - _mean_of_others(likelihoods)


@_register(_scaled_expected, "arXiv 2503.20783 (Dr. GRPO)")
def mean_centred(likelihoods: Array) -> Array:
    """l_i less the group's mean. Estimates (N-1)/N grad p: the mean contains l_i. Zero at N = 1. Cost O(N)."""
    return likelihoods - _mean(likelihoods)


def _standardised(likelihoods: Array, *, ddof: int, eps: float) -> Array:
    if likelihoods.dtype == object:
        raise TypeError("a standard deviation has no exact value on Fractions: give floats")
    deviation = likelihoods.std(axis=-1, ddof=ddof, keepdims=True)
    return np.asarray((likelihoods - _mean(likelihoods)) / (deviation + eps))


@_register(_none, "arXiv 2402.03300")
def grpo(likelihoods: Array) -> Array:
    """(l_i - mean) / (sd + 1e-4), sd with ddof = 1 as trainers ship it. Estimates no w(p); refuses N = 1."""
    if likelihoods.shape[-1] < 2:
        raise ValueError("likelihoods has groups of N = 1: a sample standard deviation needs N >= 2")
    return _standardised(likelihoods, ddof=1, eps=1e-4)


@_register(_none, "arXiv 2402.03300")
def grpo_population(likelihoods: Array) -> Array:
    """(l_i - mean) / (sd + 1e-4), sd with ddof = 0. Estimates no w(p). Zero at N = 1. Cost O(N)."""
    return _standardised(likelihoods, ddof=0, eps=1e-4)


@_register(_order_n, "arXiv 2602.02710, Theorem 1", binary_only=True)
def maxrl(likelihoods: Array) -> Array:
    """N l_i / sum(l), zero if the sum is. Estimates grad J_N. Unbiased for 0/1 rewards. Cost O(N)."""
    return _ratio(likelihoods.shape[-1] * likelihoods, likelihoods.sum(axis=-1, keepdims=True), 0)


@_register(_order_n, "arXiv 2602.02710", binary_only=True)
def maxrl_cv(likelihoods: Array) -> Array:
    """N l_i / sum(l) - 1, and -1 for all if the sum is zero. Estimates grad J_N. Unbiased for 0/1 rewards."""
    return maxrl(likelihoods) - 1


@_register(_order_below_n, "arXiv 2602.02710, as trainers ship it", binary_only=True)
def maxrl_shipped(likelihoods: Array) -> Array:
    """(l_i - mean) / mean, zero if the mean is. Unbiased for grad J_{N-1} on 0/1 rewards. Zero at N = 1."""
    mean = _mean(likelihoods)
    return _ratio(likelihoods - mean, mean, 0)


@_register(_order_n, "self-normalised importance sampling")
def self_normalised(likelihoods: Array) -> Array:
    """N l_i / sum(l), zero if the sum is: the formula of maxrl on any likelihoods. Biased unless they are 0/1."""
    return maxrl(likelihoods)


@_register(_order_n, "U-statistic weights")
def ustat(likelihoods: Array, objective: ObjectiveLike = None) -> Array:
    """omega_i l_i. Estimates grad J_T (T = N by default). Unbiased always. Cost O(N), O(N T) for T < N."""
    return advantages(likelihoods, objective, baseline="none")


@_register(_order_n, "U-statistic weights")
def ustat_one(likelihoods: Array, objective: ObjectiveLike = None) -> Array:
    """omega_i l_i - 1. Estimates grad J_T (T = N by default). Unbiased always; equals maxrl_cv on 0/1 rewards."""
    return advantages(likelihoods, objective, baseline="one")


@_register(_order_n, "U-statistic weights")
def ustat_seed(likelihoods: Array, objective: ObjectiveLike = None) -> Array:
    """omega_i l_i - 1/N. Estimates grad J_T (T = N by default). Unbiased always."""
    return advantages(likelihoods, objective, baseline="seed")


@_register(_order_below_n, "U-statistic weights")
def ustat_pass_loo(likelihoods: Array, objective: ObjectiveLike = None) -> Array:
    """omega_i l_i less the others' pass@T. Estimates grad J_T, T <= N-1 (the default). Sums to zero; refuses N = 1."""
    return advantages(likelihoods, objective, baseline="pass_loo")


@_register(_order_n, "U-statistic weights")
def ustat_mean_loo(likelihoods: Array, objective: ObjectiveLike = None) -> Array:
    """omega_i (l_i - mean of the others). Estimates grad J_T (T = N by default). Unbiased always; refuses N = 1."""
    return advantages(likelihoods, objective, baseline="mean_loo")
