"""Checks of the noise: per signal beside that of known estimators, and, if asked for, a bias test by sampling."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from maxrl_est import estimators
from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.checks._bias import BINARY, LARGEST_FLOATS, POSITIVE, expression, in_floats
from maxrl_est.checks._report import NoiseRow
from maxrl_est.checks._structure import enumerable
from maxrl_est.checks._subject import Failed, Skipped, Subject
from maxrl_est.checks._targets import factor_of, target_of, target_or_nearest
from maxrl_est.estimators import NamedEstimator
from maxrl_est.files.formats import plain
from maxrl_est.measures import Moments, exact_moments, target_gradient, variance_bound
from maxrl_est.measures._sampled import monte_carlo
from maxrl_est.objectives import Objective
from maxrl_est.objectives.targets import Target, on_binary_rewards
from maxrl_est.problems import Bandit, Bernoulli, Finite

OWN = "this function"
LARGEST = 8  # group size at which noise is compared
UNBIASED = 1e-9  # known estimators with a larger relative bias are not compared with
# Laws of one parameter, whose scores do not tell outcomes apart: there the least variance is above 0.
BINARY_FEW = Finite(
    "0/1 rewards, one parameter", [0.125, 0.125, 0.375, 0.375], [1, 1, 0, 0], [[3], [-1], [1], [-5 / 3]]
)
POSITIVE_FEW = Finite("graded, one parameter", [0.25, 0.25, 0.5], [0.1, 0.5, 0.9], [[-1], [-1], [1]])
Law: TypeAlias = Bandit | Bernoulli | Finite


def noise(subject: Subject) -> Iterator[NoiseRow]:
    """Noise per signal of this function, then of the known unbiased estimators of its target, the least first."""
    n = _size(subject)
    target = target_or_nearest(subject, n)
    if target is None:
        return
    for problem in _problems(subject):
        own = _row(OWN, exact_moments(_floats(problem), subject.function, n), problem, target, _factor(subject, n))
        if own:
            yield own
            yield from _rivals(problem, target, n)


def compares_noise(subject: Subject) -> str:
    """Says how many times the least known noise per signal it has. Never fails, since noise is not a fault."""
    enumerable(subject)
    found = []
    rows = list(noise(subject))
    for problem in dict.fromkeys(row.problem for row in rows):
        own, *rivals = (row for row in rows if row.problem == problem)
        if rivals and rivals[0].noise:
            least = f" and {own.times_limit:.3g} times the least there can be" if own.times_limit else ""
            times = f"{own.noise / rivals[0].noise:.3g} times that of {rivals[0].estimator}"
            found.append(f"{times}{least} at N = {own.n} on {problem}")
    if not found:
        raise Skipped("no known unbiased estimator of the same target to compare with")
    return f"per signal {'; '.join(found)}"


def agrees_with_samples(subject: Subject) -> str:
    """Sampled groups against the gradient of the target.

    Fails only where estimates have known bounds: without them the chance of a false alarm is not known.
    """
    if subject.monte_carlo is None:
        raise Skipped("only done if monte_carlo is given")
    n = _size(subject)
    problem = BINARY if subject.binary_only else POSITIVE
    bounds = _bounds(subject, problem, n)
    target = subject.declared(n) if bounds is None else target_of(subject, n)
    if target is None:
        raise Skipped("no objective is declared or ascended")
    factor = subject.scale or 1 if bounds is None else factor_of(subject, n)
    truth = float(factor) * target_gradient(problem, target).astype(np.float64)
    result = monte_carlo(
        problem,
        subject.function,
        n,
        replicates=subject.monte_carlo,
        seed=subject.seed,
        target=truth,
        bounds=bounds,
        tolerance=None if bounds is None else subject.tolerance * float(np.linalg.norm(truth)),
    )
    text = f"{result.verdict} (N = {n}, {problem}, seed {subject.seed}; {result.plan})"
    if result.failed:
        low, high = map(_rounded, np.asarray(result.interval))
        given = f"replicates={subject.monte_carlo}, seed={subject.seed}, target={truth.tolist()}"
        raise Failed(
            f"{text}: bias {_rounded(result.bias)}, between {low} and {high}",
            f"maxrl_est.monte_carlo({expression(problem)}, {subject.label}, {n}, {given}, bounds={plain(bounds)})",
            {"verdict": str(result.verdict), "bias": np.asarray(result.bias).tolist()},
        )
    if result.verdict != "CERTIFIED":
        raise Skipped(text)
    return text


def _size(subject: Subject) -> int:
    """The largest of the group sizes that are quick to enumerate, or the smallest of all if it can be."""
    n = max((n for n in subject.sizes if n <= LARGEST), default=subject.sizes[-1])
    if n > LARGEST_FLOATS:
        raise Skipped(f"groups of {n} are too many to enumerate")
    return n


def _rounded(values: Any) -> str:
    return f"[{', '.join(f'{x:.4g}' for x in values)}]"


def _bounds(subject: Subject, problem: Bandit | Bernoulli, n: int) -> tuple[FloatArray, FloatArray] | None:
    """Bounds (d,) that no gradient estimate exceeds: the largest advantage in any group there can be, times scores.

    None where advantages depend on more than the outcomes of their group, so that not all of them can be seen.
    """
    try:
        enumerable(subject)
    except Skipped:
        return None
    outcomes = len(problem.likelihoods)
    counts = np.array(list(np.ndindex(*(n + 1,) * (outcomes - 1))))
    counts = counts[counts.sum(axis=1) <= n]
    counts = np.column_stack([counts, n - counts.sum(axis=1)])
    l = problem.likelihoods.astype(np.float64)
    largest = float(abs(subject(np.array([np.repeat(l, count) for count in counts]))).max()) * (1 + 1e-9)
    bound = largest * abs(problem.scores.astype(np.float64)).max(axis=0)
    return -bound, bound


def _problems(subject: Subject) -> tuple[Law, ...]:
    binary, positive = (BINARY, BINARY_FEW), (POSITIVE, POSITIVE_FEW)
    if subject.binary_only:
        return binary
    return positive if subject.positive_only else (*binary, *positive)


def _floats(problem: Law) -> Any:
    return in_floats(problem) if isinstance(problem, Bandit | Bernoulli) else problem


def _factor(subject: Subject, n: int) -> float:
    """The factor of its target that a function ascends; 1 where that cannot be said."""
    try:
        return float(factor_of(subject, n))
    except (Failed, Skipped):
        return 1.0


@functools.lru_cache(maxsize=64)
def _rivals(problem: Law, target: Target, n: int) -> tuple[NoiseRow, ...]:
    rows = (_rival(row, problem, target, n) for row in known_rows(target, n))
    return tuple(sorted((row for row in rows if row), key=lambda row: row.noise))


def known_rows(target: Target, n: int) -> Iterator[NamedEstimator]:
    """Rows of the table that are meant for the target, as they are or with its order as their parameter."""
    objective = on_binary_rewards(target)
    for name in estimators.names():
        row = estimators.get(name)
        if row.target(n) != target and objective:
            try:
                row = estimators.get(f"{name}({objective.order})")
            except ValueError:  # it takes no parameter
                continue
        if row.target(n) == target:
            yield row


def _rival(row: NamedEstimator, problem: Law, target: Target, n: int) -> NoiseRow | None:
    """A known estimator's noise, if it estimates the target here without bias."""
    if row.positive_only and not problem.likelihoods.all():
        return None
    try:
        moments = exact_moments(_floats(problem), row, n)
    except ValueError:  # it refuses groups of this size
        return None
    truth = target_gradient(problem, target).astype(np.float64)
    if np.linalg.norm(moments.mean.astype(np.float64) - truth) > UNBIASED * np.linalg.norm(truth):
        return None
    return _row(row.name, moments, problem, target, 1.0)


def _row(name: str, moments: Moments, problem: Law, target: Target, factor: float) -> NoiseRow | None:
    """The row of an estimator; None where its mean is 0 and so has no noise per signal."""
    mean = moments.mean.astype(np.float64)
    signal = float(np.sum(mean**2))
    if not signal:
        return None
    noise = float(np.trace(moments.covariance)) / signal
    truth = factor * target_gradient(problem, target).astype(np.float64)
    if np.linalg.norm(mean - truth) > UNBIASED * np.linalg.norm(truth):
        return NoiseRow(str(problem), moments.n, name, noise)
    limit = _limit(problem, target, moments.n)
    return NoiseRow(str(problem), moments.n, name, noise, noise / limit if limit else None)


@functools.lru_cache(maxsize=64)
def _limit(problem: Law, target: Target, n: int) -> float | None:
    """The least noise per signal of an unbiased estimate; None where none is known above 0."""
    if not isinstance(target, Objective) or target.order > n:
        return None
    signal = float(np.sum(target_gradient(problem, target).astype(np.float64) ** 2))
    return float(variance_bound(problem, target, n).total_variance) / signal or None


NOISE = {"noise": compares_noise, "Monte Carlo": agrees_with_samples}
