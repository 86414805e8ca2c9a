"""Exact mean and covariance of a gradient estimate without sampling and without enumerating groups.

Two closed forms cover most of the table, and both need only the moments of one rollout:

- 0/1 rewards, any advantage function: given the number K of successes, scores are independent draws from two laws.
- any likelihoods, advantages ``A_i = sum_k (c_k l_i - d_k) E_k(q of the others)``, U-statistics like most unbiased
  rows: E_k is multilinear, so the covariance is a quadratic form in c and d with the moments E[E_j E_k].

Fractions in, Fractions out; otherwise float64 with terms of one sign, except in the last difference.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from maxrl_est._arguments import name_of
from maxrl_est._arguments.protocols import Array, Estimator, Problem, Prompt, RolloutMoments
from maxrl_est.estimators import NamedEstimator, SequentialEstimator, chosen
from maxrl_est.measures._enumerated import Moments, group_chances, mixture
from maxrl_est.measures._equivariant import MAX_COUNTED, equivariant_advantages
from maxrl_est.measures._sizes import size_for
from maxrl_est.measures._two_values import counted_groups
from maxrl_est.objectives._numbers import in_one_unit
from maxrl_est.objectives.targets import LogPassRate
from maxrl_est.problems._laws import law

MAX_ORDER = 2048  # up to it counts of sets of rollouts, below (5/4)^T at n = T, are floats; past 3181 some are not
_ROUNDING = 1e-10  # relative to E g g'; measured worst at N <= 64: 3e-12 for l of 1e-5, 7e-15 for l above 1e-3


def closed_form_moments(problem: Problem, estimator: str | Estimator | SequentialEstimator, n: int | None) -> Moments:
    """Mean ``(d,)`` and covariance ``(d, d)`` of one estimate from groups of n rollouts, in closed form.

    Parameters
    ----------
    problem : a law; exact rationals where its numbers are Fractions
    estimator : the name or row of an estimator with coefficients (``affine``), on any law; any function of likelihoods
        (..., N) where rewards are 0/1; a sequential row, which decides itself how many rollouts it draws
    n : rollouts in a group, at most 10^7; sequential rows do not use it, and it may be None for them

    Returns
    -------
    `Moments`, as of `exact_moments`.

    Raises
    ------
    NoClosedForm
        A ValueError, for other estimators: enumerate (`exact_moments`) or sample (`monte_carlo`); `moments` chooses.
    TypeError, ValueError
        Where an argument is not as above.

    >>> from maxrl_est import problems
    >>> gaussian = problems.Gaussian(mean=0, scale=1, target=1, sigma=0.5)
    >>> closed_form_moments(gaussian, "ustat_one", 8).covariance.round(4).tolist()
    [[0.107]]
    """
    estimator = chosen(estimator)
    size = size_for(estimator, n)
    return mixture([(weight, _at_prompt(prompt, estimator, size)) for weight, prompt in law(problem).prompts])


def closed_form_variance(problem: Problem, estimator: str | Estimator | SequentialEstimator, n: int | None) -> Array:
    """Covariance ``(d, d)`` of `closed_form_moments`; its trace is the total variance.

    Parameters
    ----------
    problem, estimator, n : as for `closed_form_moments`

    Returns
    -------
    (d, d) float64, or Fractions where the law is of Fractions and the estimator can compute with them

    Raises
    ------
    NoClosedForm, TypeError, ValueError
        As `closed_form_moments` does.

    >>> from maxrl_est import problems
    >>> coin = problems.Bernoulli(Fraction(1, 2))
    >>> closed_form_variance(coin, "rloo", 2)
    array([[Fraction(1, 16)]], dtype=object)
    """
    return closed_form_moments(problem, estimator, n).covariance


class NoClosedForm(ValueError):
    """Neither closed form applies to this estimator on this problem."""


def _at_prompt(prompt: Prompt, estimator: Any, n: int | None) -> Moments:
    if n is None:
        if not prompt.pass_rate and isinstance(estimator.ascends, LogPassRate):
            raise ValueError(f"problem must have p > 0 for an estimate of grad log p, got {prompt}")
        closed = estimator.closed_form(prompt.moments)
        mean, covariance = closed.mean, closed.covariance
    else:
        mean, covariance = _of_group(prompt.moments, estimator, n)
    exact = mean.dtype == covariance.dtype == object
    return Moments(mean, covariance, 0.0 if exact else _ROUNDING, n or 0)


def _of_group(moments: RolloutMoments, estimator: Any, n: int) -> tuple[Array, Array]:
    coefficients = estimator.affine(n) if isinstance(estimator, NamedEstimator) else None
    if coefficients is not None:
        return _affine(moments, *coefficients, n)
    if moments.p2 == moments.p:
        if n > MAX_COUNTED:
            raise NoClosedForm(f"n must be at most {MAX_COUNTED} for the closed form of {name_of(estimator)}, got {n}")
        return _binary(moments, estimator, n)
    raise NoClosedForm(
        f"estimator must have coefficients where rewards are not 0/1, got {name_of(estimator)}: no closed form; "
        "enumerate with exact_moments, or sample with monte_carlo"
    )


def _binary(moments: RolloutMoments, estimator: Estimator, n: int) -> tuple[Array, Array]:
    """Successes and failures, each with a mean and a covariance of the score, mixed over K ~ Binomial(n, p)."""
    exact = isinstance(moments.p, Fraction)
    successes = counted_groups(n, Fraction(0), Fraction(1)) if exact else np.tri(n + 1, n, -1)
    got, precision = equivariant_advantages(estimator, successes)
    if precision:
        got, moments = got.astype(np.float64), in_floats(moments)
    a, b = np.append(0 * got[:1, 0], got[1:, 0]), np.append(got[:-1, -1], 0 * got[:1, 0])
    return of_counts(moments, a, b)


def of_counts(moments: RolloutMoments, a: Array, b: Array) -> tuple[Array, Array]:
    """Mean and covariance where a success gets a_K and a failure b_K, both ``(n + 1,)``, when K of n succeed."""
    p, n = moments.p, len(a) - 1
    rates = np.array([1 - p, p])
    zero = 0 * moments.SS
    up = moments.lS / p if p else 0 * moments.lS
    down = -moments.lS / (1 - p) if p != 1 else 0 * moments.lS
    spread_up = moments.lSS / p - np.outer(up, up) if p else zero
    spread_down = (moments.SS - moments.lSS) / (1 - p) - np.outer(down, down) if p != 1 else zero
    chances = group_chances(np.column_stack([np.arange(n, -1, -1), np.arange(n + 1)]), rates)
    successes_share, failures_share = np.arange(n + 1) * a / n, np.arange(n, -1, -1) * b / n
    within = (chances * successes_share) @ a * spread_up + (chances * failures_share) @ b * spread_down
    given = np.outer(successes_share, up) + np.outer(failures_share, down)
    mean = chances @ given
    centred = given - mean
    return mean, within / n + (chances[:, None] * centred).T @ centred


def _affine(
    moments: RolloutMoments, slopes: Sequence[Fraction], constants: Sequence[Any], n: int
) -> tuple[Array, Array]:
    """Variances of uncorrelated parts of the estimate, one for each set of m rollouts: no mean square is subtracted.

    With x = l - p, r = x S - E[x S] and u_i, v_i the two combinations of E_k(q of the others),
    A_i S_i = S_i (p u_i - v_i) + r_i u_i + E[x S] u_i. In sums t of products of x (`parts_of`), the part of a set B is
    ``sum_{i in B} (S_i level + r_i t) prod_{B - i} x - E[x S] rest prod_B x`` up to its sign.
    """
    size = max(len(slopes), len(constants))
    if size > n:
        raise ValueError(f"n must be at least {size} for the coefficients of this estimator, got {n}")
    if size > MAX_ORDER:
        raise NoClosedForm(f"estimator must be of an order up to {MAX_ORDER} for its closed form, got {size}")
    exact = isinstance(moments.p, Fraction) and all(isinstance(x, Fraction | int) for x in (*slopes, *constants))
    moments = moments if exact else in_floats(moments)
    p, spread = moments.p, moments.p2 - moments.p**2
    t, s = (parts_of([*x, *[Fraction(0)] * (size - len(x))], 1 - p, n) for x in (slopes, constants))
    m = np.arange(1, size + 1)
    level, rest = p * t - s, (n - m) * np.append(t[1:], 0 * t[:1])
    alone = binomial_powers(n - 1, spread, size) / n  # C(n-1, m-1) spread^(m-1) / n
    if not (exact or np.isfinite(alone).all()):
        raise NoClosedForm(f"n must be such that counts of sets of rollouts are floats, got {n} with order {size}")
    pairs = np.append(0 * t[:1], binomial_powers(n - 2, spread, size - 1) * (n - 1) / n)
    both = alone * spread / m
    first, second = moments.lS, moments.l2S - 2 * p * moments.lS  # E x S, E x^2 S
    third = moments.lSS - p * moments.SS  # E x S S'
    fourth = moments.l2SS - 2 * p * moments.lSS + p * p * moments.SS - np.outer(first, first)  # E r r'
    ones = (pairs * level - 2 * alone * rest) @ level + (both * rest) @ rest
    mixed = (pairs * level - alone * rest) @ t * np.outer(first, second)
    covariance = (alone * level) @ level * moments.SS + 2 * ((alone * level) @ t) * third + (alone * t) @ t * fourth
    covariance = covariance + ones * np.outer(first, first) + mixed + mixed.T
    return t[0] * first, covariance + (pairs * t) @ t * np.outer(second, second)


def parts_of(coefficients: Sequence[Any], q: Any, n: int) -> Array:
    """t ``(K,)`` with ``sum_k c_k E_k = sum_h (-1)^h t_h e_h``, e_h of the others' l - p: q - x is the failure mass.

    They are the Taylor coefficients of sum_k c_k y^k at q over C(n-1, h), by Horner's rule: exactly where
    alternating coefficients would cancel in floats.
    """
    if isinstance(q, Fraction):
        return _exact_parts(coefficients, q, n)
    if alternate(coefficients):
        return _floats(list(_exact_parts([Fraction(c) for c in coefficients], Fraction(float(q)), n)))
    values = _floats(coefficients)
    h = np.arange(1, len(values))
    t = 0 * values
    for value in values[::-1]:
        moved = t[:-1] * h / (n - h)
        t = q * t
        t[1:] += moved
        t[0] += value
    return t


def alternate(coefficients: Sequence[Any]) -> bool:
    """Whether coefficients change their sign more than twice, as those of pass^k do at every one."""
    signs = [bool(value > 0) for value in coefficients if value]
    return sum(a is not b for a, b in pairwise(signs)) > 2


def _exact_parts(coefficients: Sequence[Fraction], q: Fraction, n: int) -> Array:
    """The same in integers: with q = a/b and y = z/b the polynomial in z is shifted by a, a power of b apart."""
    shifted, unit = in_one_unit(coefficients)
    (a, b), top = q.as_integer_ratio(), len(shifted) - 1
    shifted = [x * b ** (top - k) for k, x in enumerate(shifted)]
    for h in range(top):
        for k in range(top - 1, h - 1, -1):
            shifted[k] += a * shifted[k + 1]
    parts = [Fraction(x, unit * b ** (top - h) * math.comb(n - 1, h)) for h, x in enumerate(shifted)]
    return np.array([*parts, None], dtype=object)[:-1]


def binomial_powers(n: int, base: Any, size: int) -> Array:
    """C(n, j) base^j for j < size."""
    ratios = [base * (n - j) / (j + 1) for j in range(size - 1)]
    return np.array(list(accumulate(ratios, operator.mul, initial=0 * base + 1))[:size])


def _floats(values: Sequence[Any]) -> Array:
    return np.array([float(x) for x in values])


def in_floats(moments: RolloutMoments) -> RolloutMoments:
    """The same in float64."""
    return RolloutMoments(
        float(moments.p),
        float(moments.p2),
        *(np.asarray(x, dtype=np.float64) for x in (moments.lS, moments.l2S, moments.SS, moments.lSS, moments.l2SS)),
    )
