"""One training run: an estimator, a seed, and a state that steps forward."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from maxrl_est._arguments.arrays import not_finite
from maxrl_est._arguments.protocols import Array, Estimator, FloatArray
from maxrl_est.estimates import settled
from maxrl_est.estimators._answers import real_numbers_of
from maxrl_est.estimators.designs import Replayed
from maxrl_est.objectives import Objective
from maxrl_est.training._one_pass import in_one_pass
from maxrl_est.training.optimisers import Optimiser
from maxrl_est.training.policies import Policy

_BATCHES, _ROLLOUTS, _START = range(3)  # what a generator is for: each step has its own, from the seed and its number


class Task(Protocol):
    """P prompts that a policy is trained on; theta are its parameters (d,), B of the prompts make a batch."""

    def __len__(self) -> int: ...

    def check(self, policy: Any) -> None:
        """Raise TypeError or ValueError if it is no policy for these prompts."""

    def sample(
        self, policy: Policy, theta: FloatArray, prompts: Array, rng: np.random.Generator, n: int
    ) -> tuple[FloatArray, Array]:
        """Return likelihoods (B, n) and actions (B, n, ...)."""

    def weighted_score(
        self, policy: Policy, theta: FloatArray, prompts: Array, actions: Array, weights: FloatArray
    ) -> FloatArray:
        """Sum (d,) of weights (B, n) times scores."""

    def log_pass_rates(self, policy: Policy, theta: FloatArray, prompts: Array) -> FloatArray:
        """Log p (B,), exact."""

    def weighted_gradient(self, policy: Policy, theta: FloatArray, prompts: Array, weights: FloatArray) -> FloatArray:
        """Sum (d,) of weights (B,) times grad log p, exact."""


class Diverged(ValueError):
    """A run cannot go on; the message has its estimator, seed, step and the cause."""


@dataclass(frozen=True, slots=True)
class Exact:
    """The gradient itself in place of an estimate: of an objective, or of log p where it is None."""

    objective: Objective | None

    def share(self, p: FloatArray) -> FloatArray:
        """p w(p) (B,): the weight of grad log p."""
        return np.ones_like(p) if self.objective is None else p * self.objective.weight(p)


@dataclass(frozen=True, slots=True)
class State:
    """Where a run is: steps done, rollouts drawn for them, parameters (d,), and the optimiser's state."""

    step: int
    rollouts: int
    theta: FloatArray
    optimiser: Any


@dataclass(frozen=True, slots=True)
class Run:
    """All that a run depends on. Estimators with the same seed share batches and first parameters."""

    task: Task
    policy: Policy
    name: str
    estimator: Estimator | Exact
    n: int
    batch: int
    optimiser: Optimiser
    seed: int

    def start(self) -> State:
        """Return the state before the first step."""
        theta = self.policy.network.initial(self._generator(_START, 0))
        return State(0, 0, theta, self.optimiser.init(theta))

    def advance(self, state: State, until: int, seconds: float = math.inf) -> State:
        """Return the state after steps up to the number ``until``, fewer if time is up; Diverged if one fails."""
        end = time.monotonic() + seconds
        checked_below = np.errstate(over="ignore", invalid="ignore", divide="ignore")
        with checked_below, settled(math.inf, self.n):
            while state.step < until:
                state = self._next(state)
                if time.monotonic() >= end:
                    break
        return state

    def gradient(self, theta: FloatArray, step: int) -> tuple[FloatArray, int]:
        """Return the estimate (d,) of the mean objective's gradient over prompts at this step, and its rollouts."""
        prompts, policy = self._prompts(step), in_one_pass(self.policy)
        if isinstance(self.estimator, Exact):
            p = np.exp(self.task.log_pass_rates(policy, theta, prompts))
            self.need_finite("pass rates", p, step)
            weights = self.estimator.share(p) / len(prompts)
            return self.task.weighted_gradient(policy, theta, prompts, weights), 0
        rng = self._generator(_ROLLOUTS, step)
        likelihoods, actions = self.task.sample(policy, theta, prompts, rng, self.n)
        self.need_finite("likelihoods", likelihoods, step)
        try:
            advantages = advantages_of(self.name, self.estimator, likelihoods)
        except ValueError as error:
            raise Diverged(f"{self._where(step)}: {error}") from error
        self.need_finite("advantages", advantages, step, "an estimator that is finite on these likelihoods")
        estimate = self.task.weighted_score(policy, theta, prompts, actions, advantages / advantages.size)
        return estimate, self._drawn(likelihoods)

    def _next(self, state: State) -> State:
        step = state.step + 1
        gradient, rollouts = self.gradient(state.theta, step)
        self.need_finite("gradient", gradient, step)
        update, optimiser = self.optimiser.update(-gradient, state.optimiser, state.theta)
        theta = state.theta + np.asarray(update, dtype=np.float64)
        self.need_finite("parameters", theta, step)
        return State(step, state.rollouts + rollouts, theta, optimiser)

    def _drawn(self, likelihoods: FloatArray) -> int:
        """The rollouts of likelihoods (B, n), of which a design may take fewer."""
        if isinstance(self.estimator, Replayed):
            return int(self.estimator.drawn(likelihoods).sum())
        return likelihoods.size

    def _prompts(self, step: int) -> Array:
        if self.batch == len(self.task):
            return np.arange(self.batch)
        return self._generator(_BATCHES, step).choice(len(self.task), self.batch, replace=False)

    def _generator(self, purpose: int, step: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(purpose, step)))

    def need_finite(self, what: str, values: FloatArray, step: int, cure: str = "a smaller learning rate") -> None:
        """Diverged, unless all values are finite."""
        if fault := not_finite(what, values):
            raise Diverged(f"{self._where(step)}: {fault}; {cure} may help")

    def _where(self, step: int) -> str:
        return f"{self.name}, seed {self.seed}, stopped at step {step}"


def advantages_of(name: str, estimator: Estimator, likelihoods: FloatArray) -> FloatArray:
    """Return advantages (B, n) for likelihoods (B, n); ValueError if the estimator's have another shape."""
    advantages = real_numbers_of(f"estimator {name}", estimator(likelihoods))
    if advantages.shape != likelihoods.shape:
        rule = f"must return advantages of the shape of its likelihoods, {likelihoods.shape}"
        raise ValueError(f"estimator {name} {rule}, got {advantages.shape}")
    return advantages.astype(np.float64)
