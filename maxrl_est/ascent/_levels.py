"""An advantage function on rewards of a few values: one number for each value, beside each multiset of others.

``beside (U, k)`` has the advantage of a rollout of each of the k values where the other n - 1 are the multiset of that
row (`maxrl_est.ascent._multisets`). Everything that is asked of an advantage here is a sum over these numbers.
"""

from __future__ import annotations

from collections.abc import Set
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from maxrl_est._arguments import listed, short, words
from maxrl_est._arguments.protocols import Array, Estimator
from maxrl_est.ascent._multisets import count, joined, multisets
from maxrl_est.estimates.groups import LARGEST
from maxrl_est.measures._columns import shown
from maxrl_est.measures._enumerated import MAX_ROLLOUTS, group_chances
from maxrl_est.measures._equivariant import equivariant_advantages
from maxrl_est.measures._precision import HALF, Precision
from maxrl_est.objectives import exact_number


class Levels(NamedTuple):
    """The advantages, exact rationals if ``precision`` is None."""

    values: tuple[Fraction, ...]
    n: int
    beside: Array  # (U, k)
    precision: Precision | None

    @property
    def allowed(self) -> float:
        """How far from 0 a sum of a few differences of advantages may be by rounding: 0 of exact rationals.

        Relative to the largest difference within a group, and of what baselines leave where they cancel.
        """
        if self.precision is None:
            return 0.0
        apart = float((self.beside.max(axis=1) - self.beside.min(axis=1)).max())
        size = max(abs(float(value)) for value in self.values)
        offset = size / (float(max(self.values)) - float(min(self.values)))  # whose digits rewards lose
        largest = max(float(abs(self.beside).max()), apart * offset)
        return max(1.0, self.n / 64) * rounding_of(self.precision, apart, largest)

    def place(self, name: str, value: Any) -> int:
        """Which of the values it is.

        >>> levels_of(lambda l: l, 2, different_values([0, 1])).place("x", 1.0)
        1
        >>> levels_of(lambda l: l, 2, different_values([0, 1])).place("x", 0.5)
        Traceback (most recent call last):
        ValueError: x must be one of the values 0, 1, got 0.5
        """
        if exact_number(name, value) not in self.values:
            raise ValueError(f"{name} must be {one_of_values(self.values)}, got {short(value)}")
        return self.values.index(exact_number(name, value))


def rounding_of(precision: Precision, apart: float, largest: float) -> float:
    """What floats may leave of a sum of a few differences: of these, and of the numbers that cancel in them."""
    return max(precision.rounding * apart, (64 if precision.bits > HALF else 1) * precision.eps * largest)


def one_of_values(values: tuple[Fraction, ...]) -> str:
    """What a reward has to be, in words."""
    return f"one of the values {', '.join(map(shown, values))}"


def different_values(values: Any) -> tuple[Fraction, ...]:
    """Two or more different numbers, exactly.

    >>> different_values([0, 1, 0])
    Traceback (most recent call last):
    ValueError: values[2] must differ from values[0], got 0 again
    """
    if isinstance(values, Set):
        raise TypeError(f"values must be a list, which has an order, got {words(values)}")
    given = listed("values", values, "numbers, the rewards that occur")
    exact = [exact_number(f"values[{index}]", value) for index, value in enumerate(given)]
    if len(exact) < 2:
        raise ValueError(f"values must be two numbers or more, got {words(given)}")
    for index, value in enumerate(exact):
        if abs(value) > LARGEST:
            raise ValueError(f"values[{index}] must be of a size up to {LARGEST:g}, got {short(given[index])}")
        if value in exact[:index]:
            first = exact.index(value)
            raise ValueError(f"values[{index}] must differ from values[{first}], got {short(given[index])} again")
    return tuple(exact)


def need_few_groups(n: int, values: tuple[Fraction, ...]) -> None:
    """ValueError for more groups than are enumerated.

    >>> need_few_groups(64, different_values(range(6)))
    Traceback (most recent call last):
    ValueError: n must make groups of at most 10000000 rollouts in all, got 64: with 6 values there are 11238513 groups
    """
    k = len(values)
    groups = count(n, k)
    if groups * max(n, k) > MAX_ROLLOUTS:
        rule = f"n must make groups of at most {MAX_ROLLOUTS} rollouts in all"
        raise ValueError(f"{rule}, got {n}: with {k} values there are {short(groups)} groups")


def levels_of(advantage: Estimator, n: int, values: tuple[Fraction, ...]) -> Levels:
    """The advantages in every group; ValueError where they depend on the order of rollouts or on other groups."""
    k, counts = len(values), multisets(n, len(values))
    groups = np.array([np.repeat(np.array(values, dtype=object), row) for row in counts])
    found, precision = equivariant_advantages(advantage, groups, "advantage")
    row = joined(n - 1, k)
    first = np.cumsum(counts, axis=1) - counts  # place of the first rollout of each value
    beside = found[row, first[row, np.arange(k)]]
    beside.flags.writeable = False
    return Levels(values, n, beside, precision)


def chances(size: int, probabilities: Array) -> Array:
    """The probability of each multiset of independent draws: (M,)."""
    return group_chances(multisets(size, len(probabilities)), probabilities)
