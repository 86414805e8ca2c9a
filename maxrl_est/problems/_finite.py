"""A rollout with finitely many outcomes: the base of the problems whose expectations are finite sums."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from numbers import Rational
from typing import Any, TypeAlias

import numpy as np

from maxrl_est._typing import Array, FloatArray, RolloutMoments
from maxrl_est.objectives import Objective

Numbers: TypeAlias = Sequence[float | Fraction] | Array  # (s,), one for each outcome


def numbers(name: str, values: Numbers) -> Array:
    """A vector (s,) of floats, or of Fractions where every entry is rational and at least one is a Fraction."""
    array = np.array(values, dtype=object)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be at least one number, (s,), got shape {array.shape}")
    are_numbers = [isinstance(x, Rational | float | np.floating) for x in array]
    if not all(are_numbers):
        index = are_numbers.index(False)
        raise TypeError(f"{name}[{index}] must be a number in [0, 1], got {array[index]!r}")
    check_rates(name, array)
    if all(isinstance(x, Rational) for x in array) and any(isinstance(x, Fraction) for x in array):
        exact = [Fraction(int(x.numerator), int(x.denominator)) for x in array]  # NumPy's integers overflow
        return np.array([*exact, None], dtype=object)[:-1]
    return array.astype(np.float64)


def check_rates(name: str, values: Array) -> None:
    """ValueError unless all numbers (s,) lie in [0, 1]."""
    for index, x in enumerate(values):
        if not 0 <= x <= 1:
            raise ValueError(f"{name}[{index}] must lie in [0, 1], got {x}")


def check_sum(name: str, chances: Array) -> None:
    """ValueError unless numbers (s,) sum to 1: exactly where they are Fractions."""
    total = chances.sum()
    if abs(total - 1) > (0 if chances.dtype == object else 1e-12):
        raise ValueError(f"{name} must sum to 1, got {total}")


class Finite:
    """Outcomes with ``probabilities (s,)``, ``likelihoods (s,)`` and ``scores (s, d)``.

    Scores are the gradients of log probabilities, so their mean is zero. In exact arithmetic where arrays are of
    ``fractions.Fraction``, in float64 elsewhere. Use it for a law of your own; ValueError names a number outside
    [0, 1], or probabilities that do not sum to 1.

    >>> likelihoods, scores = np.array([0.0, 1.0]), np.array([[-0.25], [0.75]])
    >>> Finite("a coin", np.array([0.75, 0.25]), likelihoods, scores).grad_pass_rate
    array([0.1875])
    """

    def __init__(self, name: str, probabilities: Array, likelihoods: Array, scores: Array) -> None:
        check_rates("probabilities", probabilities)
        check_rates("likelihoods", likelihoods)
        check_sum("probabilities", probabilities)
        self.name, self.scores = name, scores
        self.probabilities, self.likelihoods = probabilities, likelihoods

    def __repr__(self) -> str:
        return self.name

    @property
    def pass_rate(self) -> Any:
        """p = E[l], a number."""
        return (self.probabilities * self.likelihoods).sum()

    @property
    def grad_pass_rate(self) -> Array:
        """grad p = E[l S], of shape (d,)."""
        return np.asarray((self.probabilities * self.likelihoods) @ self.scores)

    @property
    def prompts(self) -> tuple[tuple[Any, Finite], ...]:
        """Pairs of a probability and a problem of one prompt: here 1 and this one."""
        return ((1, self),)

    @property
    def moments(self) -> RolloutMoments:
        """Moments of one rollout up to the second order."""
        l, S = self.likelihoods, self.scores
        weighted = [self.probabilities * power for power in (1, l, l * l)]
        first = [weights @ S for weights in weighted]
        second = [(weights[:, None] * S).T @ S for weights in weighted]
        return RolloutMoments(weighted[1].sum(), weighted[2].sum(), first[1], first[2], *second)

    def gradient_over_levels(self, objective: Objective) -> Array:
        """``Int_0^1 w(P(l > tau)) grad P(l > tau) dtau`` (d,) for the weight w of an objective.

        A finite sum, because between two neighbouring likelihoods neither P nor its gradient depends on tau. For
        0/1 rewards it is w(p) grad p. Exact in Fractions.
        """
        total, below = 0 * self.grad_pass_rate, 0 * self.pass_rate
        for level in sorted({*self.likelihoods.tolist()} - {0}):
            above = self.likelihoods >= level
            chance = min(self.probabilities[above].sum(), 1)  # a sum of floats may exceed 1 by rounding
            gradient = self.probabilities[above] @ self.scores[above]
            total, below = total + (level - below) * objective.weight(chance) * gradient, level
        return np.asarray(total)

    def sample(self, rng: np.random.Generator, groups: int, n: int) -> tuple[FloatArray, FloatArray]:
        """Independent rollouts: likelihoods (groups, n) and scores (groups, n, d), in float64."""
        outcome = rng.choice(len(self.probabilities), size=(groups, n), p=self.probabilities.astype(np.float64))
        return self.likelihoods.astype(np.float64)[outcome], self.scores.astype(np.float64)[outcome]
