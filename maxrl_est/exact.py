"""Exact answers by enumeration: moments of a gradient estimate, and the objective an advantage ascends.

Nothing here samples. Where the problem's numbers are ``fractions.Fraction`` and the estimator can compute with
them, the answers are exact rationals; elsewhere they carry a few roundings of float64.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral
from typing import Any

import numpy as np

from maxrl_est._typing import Array, Estimator, FiniteProblem, FloatArray
from maxrl_est.objectives import Objective

MAX_ROLLOUTS = 10_000_000  # in all the distinct groups that are enumerated
_ROUNDING = 1e-10  # two advantages closer than this, relative to the largest, are the same number (more in float32)


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean ``(d,)`` and covariance ``(d, d)`` of the gradient estimate of one group of n rollouts."""

    mean: Array
    covariance: Array
    rounding: float  # relative error to expect: 0 for exact rationals
    n: int

    @property
    def exact(self) -> bool:
        """Whether the moments are exact rationals."""
        return self.rounding == 0


def exact_moments(problem: FiniteProblem, estimator: Estimator, n: int) -> Moments:
    """Mean and covariance of ``g = (1/N) sum_i A_i S_i`` over every possible group of n rollouts.

    Groups that differ in order only are counted once, so the estimator must be permutation equivariant (an
    error says where it is not). s outcomes make C(n+s-1, s-1) groups; past 10^7 rollouts in all this refuses.
    Not for problems with a continuum of outcomes.

    >>> from maxrl_est import estimators, problems
    >>> moments = exact_moments(problems.Bernoulli(Fraction(1, 4)), estimators.get("maxrl"), 2)
    >>> str(moments.mean[0])  # w_2(p) grad p = (2 - 1/4) 3/16
    '21/64'
    """
    outcomes = len(problem.probabilities)
    groups = math.comb(n + outcomes - 1, outcomes - 1) if n >= 1 else 0
    if not 1 <= groups * n <= MAX_ROLLOUTS:
        raise ValueError(
            f"n is {n}: with {outcomes} outcomes that makes {groups} groups, and all of them together must have "
            f"1 to {MAX_ROLLOUTS} rollouts"
        )
    counts = np.array(list(_counts(n, outcomes)))
    outcome = np.array([np.repeat(np.arange(outcomes), count) for count in counts])
    advantages, rounding = equivariant_advantages(estimator, problem.likelihoods[outcome])
    exact = rounding == 0 and problem.probabilities.dtype == object
    scores, probabilities = problem.scores, problem.probabilities
    if not exact:
        advantages, scores = advantages.astype(np.float64), scores.astype(np.float64)
        probabilities = probabilities.astype(np.float64)
    by_outcome = np.stack([(advantages * (outcome == o)).sum(axis=1) for o in range(outcomes)], axis=1)
    gradients = by_outcome @ scores / n
    chances = np.array([_chance(count, probabilities) for count in counts], dtype=object if exact else np.float64)
    mean = chances @ gradients
    centred = gradients - mean
    covariance = (chances[:, None] * centred).T @ centred
    return Moments(mean, covariance, 0.0 if exact else max(rounding, _ROUNDING), n)


@dataclass(frozen=True, slots=True)
class Nearest:
    """The known objective closest to an effective weight: ``W(p) = scale * w(p)`` when ``exact``.

    ``distance`` is the root mean square of W - scale w over p in [0, 1], relative to that of W.
    """

    name: str
    objective: Objective | None
    scale: Fraction | float
    exact: bool
    distance: float

    def __str__(self) -> str:
        return f"exactly {self.name}" if self.exact else f"no known objective; nearest {self.name}"


@dataclass(frozen=True, slots=True)
class EffectiveWeight:
    """W(p) with E[g] = W(p) grad p for 0/1 rewards: a polynomial of degree below n.

    ``bernstein (n,)`` are its coefficients in the basis C(n-1, m) p^m (1-p)^(n-1-m), exact rationals where the
    estimator computes with Fractions; elsewhere ``rounding`` is their relative error to expect.
    """

    bernstein: tuple[Fraction, ...]
    rounding: float
    n: int

    @property
    def exact(self) -> bool:
        """Whether the estimator computed with Fractions."""
        return self.rounding == 0

    @property
    def coefficients(self) -> tuple[Fraction, ...]:
        """The coefficients (n,) of W in powers of 1 - p, comparable with those of an `Objective`."""
        top = self.n - 1
        powers = [Fraction(0)] * self.n
        for m, value in enumerate(self.bernstein):
            for j in range(m + 1):  # p^m = (1 - q)^m
                powers[top - m + j] += (-1) ** j * math.comb(top, m) * math.comb(m, j) * value
        return tuple(powers)

    def value(self, p: Any) -> Any:
        """W(p) for numbers p (...) in [0, 1]; a Fraction for a Fraction."""
        top = self.n - 1
        total = 0 * p
        for m, value in enumerate(self.bernstein):
            coefficient = value if isinstance(p, Fraction) else float(value)
            total = total + math.comb(top, m) * coefficient * p**m * (1 - p) ** (top - m)
        return total

    def equals(self, objective: Objective, scale: Fraction | float = 1) -> bool:
        """Whether W = scale w: exactly, or to rounding where the estimator computed in floats."""
        if objective.order > self.n:
            return False
        target = [scale * value for value in _bernstein(objective.rational_coefficients, self.n)]
        if self.exact and isinstance(scale, Fraction | int):
            return list(self.bernstein) == target
        size = max(abs(float(value)) for value in target)
        pairs = zip(self.bernstein, target, strict=True)
        return all(abs(float(x) - float(y)) <= max(self.rounding, _ROUNDING) * size for x, y in pairs)

    def nearest(self) -> Nearest:
        """The closest of J_1..J_n and pass@2..pass@n, up to a constant factor."""
        if not any(self.bernstein):
            return Nearest("0 (no learning)", None, 0, True, 0.0)
        known = [Objective.maxrl(order) for order in range(1, self.n + 1)]
        known += [Objective.pass_at(k) for k in range(2, self.n + 1)]
        for objective in known:
            if self.equals(objective):
                return Nearest(objective.name, objective, 1, True, 0.0)
        return min((self._compare(objective) for objective in known), key=lambda near: near.distance)

    def _compare(self, objective: Objective) -> Nearest:
        """The best multiple of one objective's weight, by least squares over p in [0, 1]."""
        gram = _bernstein_products(self.n)
        target = _bernstein(objective.rational_coefficients, self.n)
        ours, theirs = np.array(self.bernstein, dtype=np.float64), np.array(target, dtype=np.float64)
        fitted = float(ours @ gram @ theirs / (theirs @ gram @ theirs))
        pivot = max(range(self.n), key=lambda m: abs(target[m]))
        for scale in (self.bernstein[pivot] / target[pivot], Fraction(fitted).limit_denominator(4 * self.n)):
            if scale and self.equals(objective, scale):
                return Nearest(f"{_short(scale)} x {objective.name}", objective, scale, True, 0.0)
        rest = ours - fitted * theirs
        distance = math.sqrt(float(rest @ gram @ rest / (ours @ gram @ ours)))
        return Nearest(f"{_decimal(fitted)} x {objective.name}", objective, fitted, False, distance)


def effective_weight(estimator: Estimator, n: int) -> EffectiveWeight:
    """Which multiple of grad p an advantage function ascends for 0/1 rewards and groups of n rollouts.

    With K successes, a_K the advantage of each and b_K that of each failure, E[g] = W(p) grad p with
    ``W(p) = sum_m C(n-1, m) p^m (1-p)^(n-1-m) (a_{m+1} - b_m)``. No sampling and no choice of p: it is decided by
    n + 1 groups. Says nothing about rewards between 0 and 1; for those use `exact_moments`.

    >>> from maxrl_est import estimators
    >>> str(effective_weight(estimators.get("maxrl_shipped"), 8).nearest())
    'exactly J_7'
    """
    if isinstance(n, bool) or not isinstance(n, Integral) or n < 1:
        raise ValueError(f"n is {n!r}: a group has at least 1 rollout, an int")
    successes = np.array([[Fraction(int(i < k)) for i in range(n)] for k in range(n + 1)], dtype=object)
    advantages, rounding = equivariant_advantages(estimator, successes)
    difference = tuple(Fraction(advantages[m + 1, 0]) - Fraction(advantages[m, -1]) for m in range(n))
    return EffectiveWeight(difference, rounding, n)


def equivariant_advantages(estimator: Estimator, groups: Array) -> tuple[Array, float]:
    """Advantages (B, N) of groups (B, N), and their rounding: 0 if both are Fractions, else that of the floats.

    Raises ValueError when the result has another shape, is not finite, or depends on the order of rollouts or on
    the other groups: found by two more orders of each group, and by leaving out half of the groups.
    """
    plain = groups.astype(np.float64)
    returned = np.asarray(estimator(plain.copy()))
    rounding = max(_ROUNDING, 64 * float(np.finfo(returned.dtype).eps)) if returned.dtype.kind == "f" else _ROUNDING
    advantages = returned.astype(np.float64)
    if advantages.shape != groups.shape:
        raise ValueError(f"estimator returned shape {advantages.shape} for likelihoods of shape {groups.shape}")
    if not np.isfinite(advantages).all():
        row = int(np.isfinite(advantages).all(axis=1).argmin())
        raise ValueError(f"estimator returned {advantages[row].tolist()} for likelihoods {plain[row].tolist()}")
    size = groups.shape[1]
    for order in (np.arange(size)[::-1], np.random.default_rng(size).permutation(size)):
        differs = _differs(estimator(plain[:, order].copy()), advantages[:, order], rounding)
        if differs.any():
            shown = plain[int(differs.any(axis=1).argmax()), order].tolist()
            raise ValueError(f"estimator depends on the order of rollouts: reordering to {shown} changes advantages")
    half = len(groups) // 2
    differs = _differs(estimator(plain[half:].copy()), advantages[half:], rounding)
    if differs.any():
        shown = plain[half + int(differs.any(axis=1).argmax())].tolist()
        raise ValueError(f"estimator depends on the batch: {shown} has other advantages among fewer groups")
    exact = _exactly(estimator, groups) if groups.dtype == object else None
    if exact is None or _differs(exact, advantages, rounding).any():
        return advantages, rounding
    return exact, 0.0


def _differs(advantages: Array, others: FloatArray, rounding: float) -> Array:
    """Where they differ by more than rounding, NaN included."""
    allowed = rounding * max(1.0, abs(others).max())
    return np.asarray(~(abs(np.asarray(advantages, dtype=np.float64) - others) <= allowed))


def _exactly(estimator: Estimator, groups: Array) -> Array | None:
    """The estimator's Fractions, or None where it cannot compute with them."""
    try:
        got = np.asarray(estimator(groups.copy()))
    except Exception:  # any failure on Fractions only means that floats are used
        return None
    if got.shape != groups.shape or not all(isinstance(x, Fraction | int) for x in got.flat):
        return None
    return got.astype(object)


def _short(scale: Fraction) -> str:
    """A fraction of small numbers as it is, any other as a decimal."""
    return str(scale) if scale.denominator < 10_000 else _decimal(float(scale))


def _decimal(scale: float) -> str:
    """Four digits, or as many as tell it from 1."""
    short = f"{scale:.4g}"
    return repr(scale) if short == "1" else short


def _counts(n: int, outcomes: int) -> Iterator[tuple[int, ...]]:
    """How often each outcome can occur among n rollouts."""
    for bars in itertools.combinations(range(n + outcomes - 1), outcomes - 1):
        edges = (-1, *bars, n + outcomes - 1)
        yield tuple(b - a - 1 for a, b in itertools.pairwise(edges))


def _chance(count: Array, probabilities: Array) -> Any:
    """Probability that outcomes come this often, in any order."""
    ways, left = 1, int(count.sum())
    for k in count.tolist():
        ways *= math.comb(left, k)
        left -= k
    power = np.prod(probabilities**count)
    if probabilities.dtype == object or ways < 1 << 1000:
        return ways * power
    return math.exp(math.log(ways) + float(np.sum(count * np.log(probabilities))))


@functools.lru_cache(maxsize=512)
def _bernstein(c: tuple[Fraction, ...], n: int) -> tuple[Fraction, ...]:
    """Bernstein coefficients (n,) of w(p) at degree n - 1: (1-p)^k has C(n-1-m, k) / C(n-1, k)."""
    top = n - 1
    terms = [(k, value / math.comb(top, k)) for k, value in enumerate(c) if value]
    return tuple(sum((math.comb(top - m, k) * value for k, value in terms), Fraction(0)) for m in range(n))


@functools.cache
def _bernstein_products(n: int) -> FloatArray:
    """Integrals (n, n) over [0, 1] of products of two Bernstein polynomials of degree n - 1."""
    top = n - 1
    return np.array(
        [
            [
                float(Fraction(math.comb(top, i) * math.comb(top, j), (2 * top + 1) * math.comb(2 * top, i + j)))
                for j in range(n)
            ]
            for i in range(n)
        ]
    )
