"""A rollout with finitely many outcomes: the base of the problems whose expectations are finite sums."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from numbers import Rational
from typing import Any, TypeAlias

import numpy as np

from maxrl_est._arguments import at, at_most, finite, is_number, whole, words
from maxrl_est._arguments.arrays import all_finite, entries
from maxrl_est._arguments.protocols import Array, FloatArray, RolloutMoments
from maxrl_est.objectives import Objective, check_rate, need_objective

MOST_DRAWN = 1 << 33  # rollouts at once; 64 GiB of likelihoods
Numbers: TypeAlias = Sequence[float | Fraction] | Array  # (s,), one for each outcome


def numbers(name: str, values: Numbers) -> Array:
    """A vector (s,) of floats in [0, 1], or of Fractions where every entry is rational and at least one a Fraction."""
    array = entries(name, values)
    if array.ndim == 0:
        raise TypeError(f"{name} must be a list of numbers, (s,), got {words(values)}")
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be at least one number, (s,), got shape {array.shape}")
    for index, x in enumerate(array):
        check_rate(at(name, [index]), x)
    return fractions_or_floats(array, exact=any(isinstance(x, Fraction) for x in array))


def check_sum(name: str, chances: Array) -> None:
    """ValueError unless numbers (s,) sum to 1: exactly where they are Fractions."""
    total = chances.sum()
    if abs(total - 1) > (0 if chances.dtype == object else 1e-12):
        raise ValueError(f"{name} must sum to 1, got {total}")


def outcomes(probabilities: Numbers, likelihoods: Numbers) -> tuple[Array, Array]:
    """Probabilities (s,), and a likelihood for each (s,)."""
    pi, l = numbers("probabilities", probabilities), numbers("likelihoods", likelihoods)
    if pi.shape != l.shape:
        raise ValueError(f"likelihoods must have one number for each of the {len(pi)} probabilities, got {len(l)}")
    check_sum("probabilities", pi)
    return pi, l


def matrix(name: str, values: Any, rows: int, what: str) -> Array:
    """Finite numbers (rows, d), of the types that they have; each row is that of one of what there are."""
    array = entries(name, values)
    if array.ndim == 0:
        raise TypeError(f"{name} must be an array of finite numbers, got {words(values)}")
    for index, x in np.ndenumerate(array) if array.dtype.kind not in "iuf" else ():
        if not is_number(x):
            raise TypeError(f"{at(name, index)} must be a number, got {words(x)}")
        finite(at(name, index), x)
    if array.ndim != 2 or len(array) != rows or not array.size:
        raise ValueError(f"{name} must have shape ({rows}, d), a row for each {what}, got {array.shape}")
    if array.dtype.kind == "f":
        all_finite(name, array)
    return array


def fractions_or_floats(array: Array, *, exact: bool) -> Array:
    """Numbers as Fractions where that is asked for and every one is rational, else as floats."""
    if not (exact and all(isinstance(x, Rational) for x in array.flat)):
        return array.astype(np.float64)
    fractions = [Fraction(int(x.numerator), int(x.denominator)) for x in array.flat]  # NumPy's integers overflow
    return np.array(fractions, dtype=object).reshape(array.shape)


def check_draw(rng: Any, groups: Any, n: Any) -> None:
    """TypeError or ValueError unless rollouts (groups, n) can be drawn."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {words(rng)}")
    at_most("groups", whole("groups", groups, 0) * whole("n", n), MOST_DRAWN)


class Finite:
    """Outcomes with ``probabilities (s,)``, ``likelihoods (s,)`` and ``scores (s, d)``.

    Scores are the gradients of log probabilities, so their mean is zero. In exact arithmetic where they are of
    ``fractions.Fraction``, in float64 elsewhere. Use it for a law of your own.

    Parameters
    ----------
    name : what messages and tables call it
    probabilities, likelihoods : numbers (s,) in [0, 1], one for each outcome; probabilities sum to 1
    scores : finite numbers (s, d), a row for each outcome

    Raises
    ------
    TypeError, ValueError
        Where they are not so.

    >>> Finite("a coin", [0.75, 0.25], [0.0, 1.0], [[-0.25], [0.75]]).grad_pass_rate
    array([0.1875])
    """

    def __init__(self, name: str, probabilities: Numbers, likelihoods: Numbers, scores: Any) -> None:
        pi, l = outcomes(probabilities, likelihoods)
        rows = matrix("scores", scores, len(pi), "outcome")
        self._hold(name, pi, l, fractions_or_floats(rows, exact=pi.dtype == object))

    @classmethod
    def _of(cls, name: str, probabilities: Array, likelihoods: Array, scores: Array) -> Finite:
        """The law of arrays that were made sure of before."""
        law = Finite.__new__(Finite)
        law._hold(name, probabilities, likelihoods, scores)
        return law

    def _hold(self, name: str, probabilities: Array, likelihoods: Array, scores: Array) -> None:
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
        need_objective(objective)
        total, below = 0 * self.grad_pass_rate, 0 * self.pass_rate
        for level in sorted({*self.likelihoods.tolist()} - {0}):
            above = self.likelihoods >= level
            chance = min(self.probabilities[above].sum(), 1)  # a sum of floats may exceed 1 by rounding
            gradient = self.probabilities[above] @ self.scores[above]
            total, below = total + (level - below) * objective.weight(chance) * gradient, level
        return np.asarray(total)

    def sample(self, rng: np.random.Generator, groups: int, n: int) -> tuple[FloatArray, FloatArray]:
        """Independent rollouts: likelihoods (groups, n) and scores (groups, n, d), in float64."""
        check_draw(rng, groups, n)
        outcome = rng.choice(len(self.probabilities), size=(groups, n), p=self.probabilities.astype(np.float64))
        return self.likelihoods.astype(np.float64)[outcome], self.scores.astype(np.float64)[outcome]
