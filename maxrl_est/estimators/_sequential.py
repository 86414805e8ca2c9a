"""Estimators that decide as they go how many rollouts to draw: unbiased for log p itself, at a random cost."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray, RolloutMoments
from maxrl_est.estimators._rows import Notes
from maxrl_est.objectives.targets import LogPassRate, Target

Sampler: TypeAlias = Callable[[np.random.Generator, int, int], tuple[FloatArray, FloatArray]]

_LOG_P = LogPassRate()
_AT_ONCE = 1 << 16  # rollouts that inverse sampling draws at once, where more than a few of each estimate
_HARMONIC, _GEOMETRIC = 80, 0.9  # of sumo: P(K >= k) is 1/k up to 80, then falls by 0.9 at each step


@dataclass(frozen=True, slots=True)
class Draws:
    """Independent gradient estimates ``(groups, d)`` and the rollouts that each took ``(groups,)``.

    >>> Draws(np.zeros((2, 3)), np.array([4, 1])).costs.mean()
    np.float64(2.5)
    """

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
    """A row that draws as many rollouts as it needs. Call it with what draws them, a prompt's ``sample``.

    Parameters
    ----------
    name : what reports and tables call it
    function : takes ``sample``, a generator and a number of groups, and returns `Draws`
    notes : what readers have to know
    closed_form : takes the moments of a prompt and returns `SequentialMoments`
    positive_only : whether it takes logarithms, so that a likelihood of 0 is refused
    parameter : the keyword that its name may set, as in ``inverse_sampling(4)``
    ascends : what it estimates the gradient of; None where that has no name

    >>> from maxrl_est.estimators import get
    >>> from maxrl_est.problems import Bernoulli
    >>> get("inverse_sampling")(Bernoulli(0.25).sample, np.random.default_rng(0), 2)
    Draws(gradients=array([[0.75],
           [0.75]]), costs=array([5, 1]))
    """

    name: str
    function: Callable[..., Draws]
    notes: Notes
    closed_form: Callable[..., SequentialMoments]
    positive_only: bool = False
    parameter: str | None = None
    ascends: Target | None = _LOG_P

    def __call__(self, sample: Sampler, rng: np.random.Generator, groups: int) -> Draws:
        """Draw ``groups`` independent estimates."""
        return self.function(sample, rng, groups)

    def target(self, n: int) -> Target | None:
        """The same, whatever n is."""
        return self.ascends

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

    Not for prompts that nearly always fail.

    Parameters
    ----------
    sample : takes a generator, groups and n, and returns likelihoods (groups, n) and scores (groups, n, d)
    rng : where all chance comes from
    groups : independent estimates to draw
    acceptances : accepted rollouts that each of them waits for
    max_rollouts : most rollouts of one estimate

    Raises
    ------
    RuntimeError
        If an estimate has fewer acceptances after ``max_rollouts``.
    """
    costs, found, total, left = np.zeros(groups, int), np.zeros(groups, int), None, np.arange(groups)
    while left.size:
        drawn = int(costs[left[0]])
        more = min(drawn, _AT_ONCE // left.size)  # twice as many in all
        size = min(max(4 * acceptances, more), max_rollouts - drawn)
        if size == 0:
            raise RuntimeError(
                f"max_rollouts must be enough for {acceptances} acceptances, got {found[left[0]]} in "
                f"{drawn} rollouts of at most {max_rollouts}: the pass rate is too low for inverse sampling"
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

    Not for training: its variance is infinite, since terms fall like a power of k and their chance like 0.9^k.

    Parameters
    ----------
    sample : takes a generator, groups and n, and returns likelihoods (groups, n) and scores (groups, n, d)
    rng : where all chance comes from
    groups : independent estimates to draw

    Raises
    ------
    ValueError
        If a likelihood of 0 is drawn, which has no logarithm.
    """
    lengths = 1 + _roulette(rng, groups)
    likelihoods, scores = (x[:, 0] for x in sample(rng, int(lengths.sum()), 1))
    if not likelihoods.all():
        raise ValueError("sample must draw likelihoods above 0, since their logarithms are taken, got 0")
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


INVERSE_SAMPLING = SequentialEstimator(
    "inverse_sampling",
    inverse_sampling,
    Notes(
        estimates="grad log p = grad p / p",
        how="the law of an accepted rollout, which is the posterior",
        unbiased="always",
        cost="acceptances / p rollouts on average",
        source="inverse (negative binomial) sampling, J. B. S. Haldane, Biometrika 33 (1945) 222",
    ),
    _inverse_sampling_moments,
    parameter="acceptances",
)

SUMO = SequentialEstimator(
    "sumo",
    sumo,
    Notes(
        estimates="grad log p",
        how="a telescoping series whose term k + 1 is kept with probability P(K >= k) and divided by it, each term "
        "with the scores of its own rollouts; P(K >= k) is 1/k up to 80, then falls by 0.9 at each step",
        unbiased="for l > 0; refuses l = 0",
        cost="6.08 rollouts on average, without bound; of infinite variance",
        source="arXiv 2004.00353",
    ),
    _sumo_moments,
    positive_only=True,
)
