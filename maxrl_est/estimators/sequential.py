"""Estimators that decide as they go how many rollouts to draw: unbiased for log p itself, at a random cost."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from maxrl_est._typing import Array, FloatArray, RolloutMoments
from maxrl_est.targets import LogPassRate

Sampler: TypeAlias = Callable[[np.random.Generator, int, int], tuple[FloatArray, FloatArray]]

_HARMONIC, _GEOMETRIC = 80, 0.9  # of sumo: P(K >= k) is 1/k up to 80, then falls by 0.9 at each step


@dataclass(frozen=True, slots=True)
class Draws:
    """Independent gradient estimates ``(groups, d)`` and the rollouts that each took ``(groups,)``."""

    gradients: FloatArray
    costs: Array


@dataclass(frozen=True, slots=True)
class SequentialMoments:
    """Exact mean ``(d,)`` and covariance ``(d, d)`` of one estimate, and its mean cost in rollouts."""

    mean: Array
    covariance: Array
    rollouts: Any


@dataclass(frozen=True, slots=True)
class SequentialEstimator:
    """A row of random size. Call it as ``estimator(sample, rng, groups)`` with a prompt's ``sample``."""

    name: str
    function: Callable[..., Draws]
    reference: str
    positive_only: bool
    parameter: str | None
    closed_form: Callable[..., SequentialMoments]  # from the moments of a prompt

    def __call__(self, sample: Sampler, rng: np.random.Generator, groups: int) -> Draws:
        """Draw ``groups`` independent estimates."""
        return self.function(sample, rng, groups)

    def target(self, n: int) -> LogPassRate:
        """Log p, whatever n is."""
        return LogPassRate()

    @property
    def notes(self) -> str:
        """What it estimates, how, and at which cost."""
        return inspect.getdoc(getattr(self.function, "func", self.function)) or ""

    def having(self, name: str, own: Mapping[str, int]) -> SequentialEstimator:
        """The same with its parameter set."""
        if not own:
            return self
        form = functools.partial(self.closed_form, **own)
        return replace(self, name=name, function=functools.partial(self.function, **own), closed_form=form)


def inverse_sampling(
    sample: Sampler,
    rng: np.random.Generator,
    groups: int,
    *,
    acceptances: int = 1,
    max_rollouts: int = 1_000_000,
) -> Draws:
    """Draw rollouts, accept each with probability l, until ``acceptances``; average the scores of the accepted.

    Estimates grad log p = grad p / p. By the law of an accepted rollout, which is the posterior. Unbiased always. Cost
    acceptances / p on average, so not for prompts that nearly always fail: a group that reaches ``max_rollouts`` raises
    RuntimeError. Source: J. B. S. Haldane, Biometrika 33 (1945) 222, for the sampling rule.
    """
    costs, found, total, left = np.zeros(groups, int), np.zeros(groups, int), None, np.arange(groups)
    size = 4 * acceptances
    while left.size:
        if costs[left[0]] + size > max_rollouts:
            raise RuntimeError(
                f"inverse sampling has {found[left[0]]} of {acceptances} acceptances after {costs[left[0]]} rollouts, "
                f"and max_rollouts is {max_rollouts}: the pass rate is too low for it"
            )
        likelihoods, scores = sample(rng, left.size, size)
        accepted = rng.random(likelihoods.shape) < likelihoods
        rank = found[left, None] + np.cumsum(accepted, axis=1)
        used = accepted & (rank <= acceptances)
        total = np.zeros((groups, scores.shape[-1])) if total is None else total
        total[left] += np.einsum("gn,gnd->gd", used, scores)
        done = rank[:, -1] >= acceptances
        costs[left] += np.where(done, 1 + np.argmax(rank >= acceptances, axis=1), size)
        found[left] = rank[:, -1]
        left = left[~done]
    return Draws(np.asarray(total) / acceptances, costs)


def _inverse_sampling_moments(moments: RolloutMoments, acceptances: int = 1) -> SequentialMoments:
    mean = moments.lS / moments.p
    covariance = (moments.lSS / moments.p - np.outer(mean, mean)) / acceptances
    return SequentialMoments(mean, covariance, acceptances / moments.p)


def sumo(sample: Sampler, rng: np.random.Generator, groups: int) -> Draws:
    """Russian roulette on log mean of k rollouts, k = 1, 2, ..., stopped at random and reweighted.

    Estimates grad log p. By a telescoping series whose term k + 1 is kept with probability P(K >= k) and divided by it,
    each term with the scores of its own rollouts: 1/k up to 80, then falling by 0.9 at each step. Unbiased for l > 0;
    refuses l = 0. Cost 6.08 rollouts on average, without bound. Its variance is infinite, since terms fall like a
    power of k and their chance like 0.9^k: not for training. Source: arXiv 2004.00353.
    """
    lengths = 1 + _roulette(rng, groups)
    likelihoods, scores = (x[:, 0] for x in sample(rng, int(lengths.sum()), 1))
    if not likelihoods.all():
        raise ValueError("sample drew a likelihood of 0: sumo takes logarithms, so likelihoods are positive")
    starts = np.cumsum(lengths) - lengths
    place = np.arange(lengths.sum()) - np.repeat(starts, lengths)
    logs = np.log(_running(likelihoods, starts, lengths) / (place + 1))
    terms = np.diff(logs, prepend=0.0)
    terms[starts] = logs[starts]
    terms /= _survival(np.maximum(place, 1))
    weighted = terms[:, None] * np.stack([_running(column, starts, lengths) for column in scores.T], axis=1)
    return Draws(np.add.reduceat(weighted, starts, axis=0), lengths)


def _sumo_moments(moments: RolloutMoments) -> SequentialMoments:
    """Of infinite variance unless all likelihoods are equal, when every term but the first is 0."""
    mean, p = moments.lS / moments.p, float(moments.p)
    varies = not math.isclose(float(moments.p2), p * p, rel_tol=1e-12)
    covariance = np.full(moments.SS.shape, np.inf) if varies else math.log(p) ** 2 * moments.SS
    harmonic = sum(1 / k for k in range(1, _HARMONIC + 1))
    return SequentialMoments(mean, covariance, 1 + harmonic + _GEOMETRIC / (1 - _GEOMETRIC) / _HARMONIC)


def _running(values: FloatArray, starts: Array, lengths: Array) -> FloatArray:
    """Cumulative sums within each segment."""
    sums = np.cumsum(values)
    return np.asarray(sums - np.repeat(sums[starts] - values[starts], lengths))


def _survival(k: Array) -> FloatArray:
    """P(K >= k) for k >= 1."""
    return np.asarray(1 / np.minimum(k, _HARMONIC) * _GEOMETRIC ** np.maximum(k - _HARMONIC, 0))


def _roulette(rng: np.random.Generator, size: int) -> Array:
    """Draw K by inverting its survival function."""
    u = 1 - rng.random(size)
    tail = _HARMONIC + np.floor(np.log(np.minimum(u * _HARMONIC, 1)) / np.log(_GEOMETRIC))
    return np.where(u * _HARMONIC > 1, np.floor(1 / u), tail).astype(int)


SEQUENTIAL = {
    row.name: row
    for row in (
        SequentialEstimator(
            "inverse_sampling",
            inverse_sampling,
            "inverse (negative binomial) sampling",
            False,
            "acceptances",
            _inverse_sampling_moments,
        ),
        SequentialEstimator("sumo", sumo, "arXiv 2004.00353", True, None, _sumo_moments),
    )
}
