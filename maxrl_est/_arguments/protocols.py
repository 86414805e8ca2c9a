"""Array aliases, and what estimators and problems have to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float64]


class Estimator(Protocol):
    """An advantage function: likelihoods ``(..., N)`` to coefficients of the scores ``(..., N)``.

    The gradient estimate it stands for is ``(1/N) sum_i A_i S_i`` over each group.
    """

    def __call__(self, likelihoods: Array, /) -> Array: ...


@dataclass(frozen=True, slots=True)
class RolloutMoments:
    """Expectations over one rollout with likelihood l and score S ``(d,)``; Fractions where the problem has them."""

    p: Any  # E l
    p2: Any  # E l^2
    lS: Array  # E l S = grad p, (d,)
    l2S: Array  # E l^2 S, (d,)
    SS: Array  # E S S', the Fisher information, (d, d)
    lSS: Array  # E l S S', (d, d)
    l2SS: Array  # E l^2 S S', (d, d)


class Prompt(Protocol):
    """One prompt and a policy on it: rollouts can be drawn, and the truth is known in closed form."""

    @property
    def moments(self) -> RolloutMoments:
        """Expectations over one rollout."""

    @property
    def pass_rate(self) -> Any:
        """``p = E l``."""

    @property
    def grad_pass_rate(self) -> Array:
        """``grad p = E l S (d,)``."""

    def gradient_over_levels(self, objective: Any) -> Array:
        """Return ``Int_0^1 w(P(l > tau)) grad P(l > tau) dtau (d,)`` for the weight w of an Objective."""

    def sample(self, rng: np.random.Generator, groups: int, n: int) -> tuple[FloatArray, FloatArray]:
        """Return independent rollouts: likelihoods (groups, n) and scores (groups, n, d)."""


class Problem(Protocol):
    """Prompts with their probabilities; each group of rollouts belongs to one of them, drawn at random."""

    @property
    def prompts(self) -> tuple[tuple[Any, Prompt], ...]:
        """Prompts after their probabilities."""

    def sample(self, rng: np.random.Generator, groups: int, n: int) -> tuple[FloatArray, FloatArray]:
        """Return a prompt's rollouts for each group: likelihoods (groups, n) and scores (groups, n, d)."""


@runtime_checkable
class FiniteProblem(Prompt, Problem, Protocol):
    """A prompt whose rollouts take finitely many values, so expectations are finite sums.

    With s outcomes and d parameters: ``probabilities (s,)``, ``likelihoods (s,)``, ``scores (s, d)``.
    Entries may be floats, or ``fractions.Fraction`` in object arrays for exact arithmetic.
    """

    @property
    def probabilities(self) -> Array:
        """``(s,)``, of sum 1."""

    @property
    def likelihoods(self) -> Array:
        """``(s,)``."""

    @property
    def scores(self) -> Array:
        """``(s, d)``."""
