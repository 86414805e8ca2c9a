"""Groups of rollouts in numbered blocks: how a block is drawn, in which order blocks come, how their moments merge."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from maxrl_est._arguments import name_of
from maxrl_est._arguments.protocols import Array, Estimator, FloatArray, Problem
from maxrl_est.confidence._state import Arrays
from maxrl_est.estimates import settled
from maxrl_est.estimators import SequentialEstimator
from maxrl_est.estimators._answers import real_numbers_of

_ROLLOUTS = 1 << 16  # in a block: its arrays stay in the cache
_GROUPS = 1 << 12  # in a block, at most
_WINDOW = 32  # blocks in flight on an executor


@dataclass(frozen=True, slots=True)
class Blocks:
    """All groups of a run, ``size`` in each block but the last. Block b depends on its number and the seed only."""

    problem: Problem
    estimator: Estimator | SequentialEstimator
    n: int | None
    replicates: int
    seed: int

    @property
    def size(self) -> int:
        """Groups in a block."""
        return _GROUPS if self.n is None else min(_GROUPS, max(1, _ROLLOUTS // self.n))

    @property
    def configuration(self) -> dict[str, Any]:
        """All that the groups depend on: by name, and by what the first block turns out to be."""
        first, _ = self.draw(0)
        return {
            "problem": name_of(self.problem),
            "estimator": name_of(self.estimator),
            "n": self.n,
            "replicates": self.replicates,
            "seed": self.seed,
            "groups in a block": self.size,
            "parameters": first.shape[1],
            "first block": hashlib.sha256(first.tobytes()).hexdigest()[:16],
        }

    def __len__(self) -> int:
        return -(-self.replicates // self.size)

    def draw(self, block: int) -> tuple[FloatArray, int]:
        """Gradient estimates (groups, d) of one block, and the rollouts that they took."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(block,)))
        groups = min(self.size, self.replicates - block * self.size)
        with settled(self.replicates, self.n or 1):
            gradients, rollouts = self._estimates(rng, groups)
        if not np.isfinite(gradients).all():
            row = int(np.isfinite(gradients).all(axis=1).argmin())
            where = f"group {block * self.size + row}"
            raise ValueError(f"estimator must have finite estimates, got {gradients[row].tolist()} in {where}")
        return gradients, rollouts

    def _estimates(self, rng: np.random.Generator, groups: int) -> tuple[FloatArray, int]:
        if isinstance(self.estimator, SequentialEstimator):
            return _sequential(self.problem, self.estimator, rng, groups)
        likelihoods, scores = self.problem.sample(rng, groups, self._group)
        return _gradients(self.estimator, likelihoods, scores), groups * self._group

    @property
    def _group(self) -> int:
        assert self.n is not None
        return self.n

    def drawn(self, first: int, executor: Executor | None) -> Iterator[tuple[FloatArray, int]]:
        """All blocks from the first on, in order, a bounded number of them in flight."""
        if executor is None:
            yield from map(self.draw, range(first, len(self)))
            return
        waiting: deque[Future[tuple[FloatArray, int]]] = deque()
        try:
            for block in range(first, len(self)):
                waiting.append(executor.submit(self.draw, block))
                if len(waiting) == _WINDOW:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _gradients(estimator: Estimator, likelihoods: FloatArray, scores: FloatArray) -> FloatArray:
    """(1/N) sum_i A_i S_i for each group (groups, d)."""
    advantages = real_numbers_of("estimator", estimator(likelihoods))
    if advantages.shape != likelihoods.shape:
        shape = advantages.shape
        raise ValueError(f"estimator must return the shape of likelihoods, {likelihoods.shape}, got {shape}")
    products: FloatArray = np.matmul(advantages.astype(np.float64)[:, None, :], scores)[:, 0, :]
    products /= likelihoods.shape[1]
    return products


def _sequential(
    problem: Problem, estimator: SequentialEstimator, rng: np.random.Generator, groups: int
) -> tuple[FloatArray, int]:
    """The same for an estimator that draws for itself: all rollouts of a group are from its one prompt."""
    weights = np.array([float(weight) for weight, _ in problem.prompts])
    drawn = rng.choice(len(weights), size=groups, p=weights / weights.sum())
    gradients, rollouts = None, 0
    for index in np.unique(drawn):
        mine = np.flatnonzero(drawn == index)
        draws = estimator(problem.prompts[index][1].sample, rng, mine.size)
        gradients = np.empty((groups, draws.gradients.shape[1])) if gradients is None else gradients
        gradients[mine] = draws.gradients
        rollouts += int(draws.costs.sum())
    return np.asarray(gradients), rollouts


class RunningMoments(Arrays):
    """Mean and centred squares of vectors (d,), block merged into block by the update of Chan, Golub and LeVeque.

    Also those of the squared distance from the mean, whose mean is the total variance.
    """

    _REMEMBERED = ("count", "rollouts", "mean", "squares", "distance", "distance_squares")

    def __init__(self) -> None:
        self.count, self.rollouts = 0, 0
        self.start(1)  # else the first block gives them their shape
        self.distance, self.distance_squares = np.zeros(()), np.zeros(())

    def start(self, d: int) -> None:
        """Be of d parameters before the first block, which a state that is restored must fit."""
        self.mean, self.squares = np.zeros(d), np.zeros((d, d))

    def add(self, values: FloatArray, rollouts: int) -> None:
        """Take a block (B, d)."""
        columns = np.ascontiguousarray(values.T)  # (d, B): NumPy is fast along the last axis
        mean = columns.mean(axis=1)
        centred = columns - mean[:, None]
        distances = (centred * centred).sum(axis=0)
        share = len(values) / (self.count + len(values))
        gap = mean - self.mean
        self.mean = self.mean + share * gap
        self.squares = self.squares + centred @ centred.T + share * self.count * np.outer(gap, gap)
        gap = distances.mean() - self.distance
        self.distance = self.distance + share * gap
        self.distance_squares = (
            self.distance_squares + ((distances - distances.mean()) ** 2).sum() + share * self.count * gap**2
        )
        self.count += len(values)
        self.rollouts += rollouts

    @property
    def covariance(self) -> Array:
        """Unbiased estimate (d, d)."""
        return self.squares / (self.count - 1)

    @property
    def total_variance_error(self) -> float:
        """Standard error of the trace of the covariance, from fourth moments."""
        return float(np.sqrt(self.distance_squares / self.count / (self.count - 1)))
