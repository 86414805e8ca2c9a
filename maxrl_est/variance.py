"""Exact mean and covariance of a gradient estimate without sampling and without enumerating groups.

Two closed forms cover most of the table, and both need only the moments of one rollout:

- 0/1 rewards, any advantage function: given the number K of successes, scores are independent draws from two laws.
- any likelihoods, advantages ``A_i = sum_k (c_k l_i - d_k) E_k(q of the others)``, U-statistics like most unbiased
  rows: E_k is multilinear, so the covariance is a quadratic form in c and d with the moments E[E_j E_k].

Fractions in, Fractions out; otherwise float64 with terms of one sign, except in the last difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from maxrl_est._typing import Array, Estimator, Problem, RolloutMoments
from maxrl_est.estimators import NamedEstimator, SequentialEstimator, advantages
from maxrl_est.exact import Moments, equivariant_advantages
from maxrl_est.exact.moments import group_chance, mixture
from maxrl_est.objectives import Objective
from maxrl_est.ustatistics import ObjectiveLike

MAX_ORDER = 2048  # n steps with matrices of this size: some minutes
_ROUNDING = 1e-10  # relative; measured worst at N <= 64: 4e-14


def closed_form_moments(problem: Problem, estimator: Estimator | SequentialEstimator, n: int) -> Moments:
    """Mean ``(d,)`` and covariance ``(d, d)`` of one estimate from groups of n rollouts, in closed form.

    For rows of the table with coefficients (``affine``), for any function where rewards are 0/1, and for sequential
    rows, whose size is their own. NoClosedForm, a ValueError, elsewhere: enumerate (`exact_moments`) or sample
    (`monte_carlo`).

    >>> from maxrl_est import estimators, problems
    >>> gaussian = problems.Gaussian(mean=0, scale=1, target=1, sigma=0.5)
    >>> closed_form_moments(gaussian, estimators.get("ustat_one"), 8).covariance.round(4).tolist()
    [[0.107]]
    """
    if n < 1:
        raise ValueError(f"n is {n}: a group has at least 1 rollout")
    return mixture([(weight, _at_prompt(prompt.moments, estimator, n)) for weight, prompt in problem.prompts])


def closed_form_variance(problem: Problem, estimator: Estimator | SequentialEstimator, n: int) -> Array:
    """Covariance ``(d, d)`` of `closed_form_moments`; its trace is the total variance.

    >>> from maxrl_est import estimators, problems
    >>> coin = problems.Bernoulli(Fraction(1, 2))
    >>> closed_form_variance(coin, estimators.get("rloo"), 2)
    array([[Fraction(1, 16)]], dtype=object)
    """
    return closed_form_moments(problem, estimator, n).covariance


class NoClosedForm(ValueError):
    """Neither closed form applies to this estimator on this problem."""


@dataclass(frozen=True, slots=True)
class OptimalBaseline:
    """The constant b that makes the total variance of ``omega_i l_i - b`` least, and what it saves."""

    constant: Any
    without: Any  # total variance at b = 0
    variance: Any  # total variance at the constant

    @property
    def gain(self) -> float:
        """Share of the variance without baseline that it removes, in [0, 1]."""
        return 1 - float(self.variance) / float(self.without) if self.without else 0.0


def optimal_baseline(problem: Problem, n: int, objective: ObjectiveLike = None) -> OptimalBaseline:
    """The best constant baseline for `ustat` of an objective (None: MaxRL with T = N), the same for all prompts.

    It needs the problem's moments, so it is a yardstick and not for training.

    >>> from maxrl_est import problems
    >>> best = optimal_baseline(problems.Gaussian(mean=0, scale=1, target=1, sigma=0.5), 8)
    >>> [round(float(x), 4) for x in (best.constant, best.without, best.variance)]
    [0.3151, 0.0607, 0.0483]
    """
    c = _objective(objective, n).rational_coefficients
    if len(c) > n:
        raise ValueError(f"objective has order T = {len(c)}: groups of n = {n} estimate orders up to n")
    slope, spread = 0, 0
    for weight, prompt in problem.prompts:
        moments = prompt.moments
        r = 1 - moments.p
        weights, crossed = _numbers(c, moments), _numbers(_split(c, n).crossed, moments)
        rate = sum(x * r**k for k, x in enumerate(weights))
        cross = sum(x * r**k for k, x in enumerate(crossed))
        with_score = rate * np.trace(moments.lSS) + (n - 1) * cross * (moments.lS @ moments.lS)
        slope, spread = slope + weight * with_score / n, spread + weight * np.trace(moments.SS) / n
    constant = slope / spread if spread else 0 * slope
    without = np.trace(closed_form_variance(problem, _ustat("ustat", c, Fraction(0), objective, n), n))
    return OptimalBaseline(constant, without, without - constant * slope)


def ustat_optimal(problem: Problem, n: int, objective: ObjectiveLike = None) -> NamedEstimator:
    """The row ``omega_i l_i - b`` with the constant of `optimal_baseline` for this problem and n.

    >>> from maxrl_est import problems
    >>> ustat_optimal(problems.Bernoulli(Fraction(1, 4)), 2)([1.0, 0.0]).round(3).tolist()
    [0.875, -1.125]
    """
    constant = optimal_baseline(problem, n, objective).constant
    return _ustat("ustat_optimal", _objective(objective, n).rational_coefficients, constant, objective, n)


def _ustat(name: str, c: Sequence[Fraction], constant: Any, objective: ObjectiveLike, n: int) -> NamedEstimator:
    given = _objective(objective, n)
    return NamedEstimator(
        name,
        partial(advantages, objective=objective, baseline=constant),
        partial(_always, given),
        "U-statistic weights",
        affine=partial(_always, (tuple(c), (constant,))),
    )


def _always(value: Any, n: int) -> Any:
    return value


def _objective(objective: ObjectiveLike, n: int) -> Objective:
    return objective if isinstance(objective, Objective) else Objective.maxrl(n if objective is None else objective)


def _at_prompt(moments: RolloutMoments, estimator: Any, n: int) -> Moments:
    mean, covariance = _mean_and_covariance(moments, estimator, n)
    exact = mean.dtype == covariance.dtype == object
    return Moments(mean, covariance, 0.0 if exact else _ROUNDING, n)


def _mean_and_covariance(moments: RolloutMoments, estimator: Any, n: int) -> tuple[Array, Array]:
    if isinstance(estimator, SequentialEstimator):
        closed = estimator.closed_form(moments)
        return closed.mean, closed.covariance
    coefficients = estimator.affine(n) if isinstance(estimator, NamedEstimator) else None
    if coefficients is not None:
        return _affine(moments, *coefficients, n)
    if moments.p2 == moments.p:
        return _binary(moments, estimator, n)
    raise NoClosedForm(
        f"estimator is {getattr(estimator, 'name', estimator)!s:.60}: no closed form, since rewards are not 0/1 and "
        "its advantages have no coefficients; enumerate with exact_moments, or sample with monte_carlo"
    )


def _binary(moments: RolloutMoments, estimator: Estimator, n: int) -> tuple[Array, Array]:
    """Successes and failures, each with a mean and a covariance of the score, mixed over K ~ Binomial(n, p)."""
    p, exact = moments.p, isinstance(moments.p, Fraction)
    successes = np.array([[Fraction(int(i < k)) for i in range(n)] for k in range(n + 1)], dtype=object)
    got, rounding = equivariant_advantages(estimator, successes)
    if rounding or not exact:
        got, moments, exact = got.astype(np.float64), _in_floats(moments), False
    rates = np.array([1 - p, p], dtype=object if exact else np.float64)
    zero = 0 * moments.SS
    up = moments.lS / p if p else 0 * moments.lS
    down = -moments.lS / (1 - p) if p != 1 else 0 * moments.lS
    spread_up = moments.lSS / p - np.outer(up, up) if p else zero
    spread_down = (moments.SS - moments.lSS) / (1 - p) - np.outer(down, down) if p != 1 else zero
    mean, square, spread = 0 * moments.lS, zero, zero
    for k in range(n + 1):
        chance = group_chance(np.array([n - k, k]), rates)
        a, b = (got[k, 0] if k else 0), (got[k, -1] if k < n else 0)
        given = (k * a * up + (n - k) * b * down) / n
        mean, square = mean + chance * given, square + chance * np.outer(given, given)
        spread = spread + chance * (k * a * a * spread_up + (n - k) * b * b * spread_down) / (n * n)
    return mean, spread + square - np.outer(mean, mean)


def _affine(
    moments: RolloutMoments, slopes: Sequence[Fraction], constants: Sequence[Any], n: int
) -> tuple[Array, Array]:
    """The quadratic form: N terms of a rollout with itself, N (N-1) of two rollouts."""
    if max(len(slopes), len(constants)) > n:
        raise ValueError(f"coefficients reach power {max(len(slopes), len(constants)) - 1}: n = {n} has n - 1 others")
    r, s = 1 - moments.p, 1 - 2 * moments.p + moments.p2
    size = max(len(slopes), len(constants))
    if size > MAX_ORDER:
        raise NoClosedForm(f"coefficients reach power {size - 1}: the closed form is for orders up to {MAX_ORDER}")
    c, d = (_numbers([*x, *[Fraction(0)] * (size - len(x))], moments) for x in (slopes, constants))
    of_two, of_one = _products(r, s, n, size)
    own = (c @ of_one @ c) * moments.l2SS - 2 * (c @ of_one @ d) * moments.lSS + (d @ of_one @ d) * moments.SS
    mean = sum(x * r**k for k, x in enumerate(c)) * moments.lS
    if n == 1:
        return mean, own - np.outer(mean, mean)
    first, second = moments.lS, moments.l2S
    slope, constant = _split(c, n), _split(d, n)
    P, Q, U, V = slope.kept, slope.crossed, -constant.kept, -constant.crossed
    ones = P @ of_two @ P + 2 * (Q @ of_two @ U) + V @ of_two @ V
    mixed = P @ of_two @ Q + Q @ of_two @ V
    pairs = ones * np.outer(first, first) + (Q @ of_two @ Q) * np.outer(second, second)
    pairs = pairs + mixed * (np.outer(first, second) + np.outer(second, first))
    return mean, (own + (n - 1) * pairs) / n - np.outer(mean, mean)


@dataclass(frozen=True, slots=True)
class _Split:
    """``sum_k x_k E_k(q_2, R) = sum_k (kept_k + crossed_k l_2) E_k(R)``, R the rollouts but two."""

    kept: Array
    crossed: Array


def _split(x: Any, n: int) -> _Split:
    """E_k(q_2, R) = ((n-1-k) E_k(R) + k q_2 E_{k-1}(R)) / (n-1), and q_2 = 1 - l_2."""
    x, k, others = np.asarray(x), np.arange(len(x)), max(n - 1, 1)
    moved = np.append((x * k)[1:], 0 * x[:1]) / others
    return _Split(x * (others - k) / others + moved, -moved)


def _products(r: Any, s: Any, n: int, size: int) -> tuple[Array, Array]:
    """E[E_j E_k] ``(size, size)`` of n-2 and of n-1 values q with means r = E q, s = E q^2: all terms positive.

    One more value x makes E_k into ((m-k) E_k + k x E_{k-1}) / m.
    """
    k = np.arange(size)
    now = np.zeros((size, size), dtype=object if isinstance(r, Fraction) else np.float64)
    one = now[0, 0] = 1 + 0 * r
    before = now
    for m in range(1, n):
        before = now
        kept = np.maximum(m - k, 0)
        down = np.zeros_like(now)
        down[1:] = now[:-1] * k[1:, None]
        across = down * kept
        both = np.zeros_like(now)
        both[:, 1:] = down[:, :-1] * k[1:]
        now = (now * np.outer(kept, kept) + r * (across + across.T) + s * both) * (one / (m * m))
    return before, now


def _numbers(values: Sequence[Any] | Array, moments: RolloutMoments) -> Array:
    """Coefficients in the arithmetic of the moments."""
    exact = isinstance(moments.p, Fraction) and all(isinstance(x, Fraction | int) for x in values)
    return np.array([*values, None], dtype=object)[:-1] if exact else np.array([float(x) for x in values])


def _in_floats(moments: RolloutMoments) -> RolloutMoments:
    return RolloutMoments(
        float(moments.p),
        float(moments.p2),
        *(np.asarray(x, dtype=np.float64) for x in (moments.lS, moments.l2S, moments.SS, moments.lSS, moments.l2SS)),
    )
