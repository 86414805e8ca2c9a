"""A stopping rule as walks on the lattice of successes and failures, and where each of them can end."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from maxrl_est._arguments import whole, words
from maxrl_est._arguments.protocols import Array
from maxrl_est.objectives import probabilities


class Ending(NamedTuple):
    """Successes and failures at which sampling stops, and the number of orders in which they can have come."""

    successes: int
    failures: int
    paths: int

    @property
    def size(self) -> int:
        """N, the rollouts that were drawn."""
        return self.successes + self.failures


@dataclass(frozen=True, slots=True)
class Design:
    """How many rollouts of a prompt are drawn, decided as 0/1 rewards come in. Make one by a function of `designs`.

    A walk goes from (0, 0) up or right, by a success or a failure, until it is at an ending. ``endings`` are all of
    them by their sizes, each with its exact number n(s, f) of walks, so that (s, f) has the chance
    ``n(s, f) p^s (1-p)^f``: exact at a pass rate that is a Fraction, and off by about one rounding for each rollout in
    floats. Two designs that stop alike under one name are equal.

    >>> from maxrl_est import designs
    >>> design = designs.until_successes(1, 3)
    >>> [tuple(ending) for ending in design.endings]
    [(1, 0, 1), (1, 1, 1), (0, 3, 1), (1, 2, 1)]
    >>> design.rollouts(Fraction(1, 2)), float(design.rollouts(0.5))
    (Fraction(7, 4), 1.75)
    """

    name: str
    endings: tuple[Ending, ...]

    def __str__(self) -> str:
        return self.name

    @property
    def cap(self) -> int:
        """The most rollouts that are drawn."""
        return self.endings[-1].size

    @property
    def sizes(self) -> Iterator[tuple[int, list[Ending]]]:
        """The endings of each number of rollouts."""
        return ((size, list(same)) for size, same in itertools.groupby(self.endings, lambda ending: ending.size))

    def rollouts(self, p: Any) -> Any:
        """The mean number of rollouts at pass rates p (...) in [0, 1]: a Fraction for a Fraction.

        >>> from maxrl_est import designs
        >>> designs.until_mixed(4).rollouts([0.0, 0.5]).tolist()
        [4.0, 2.75]
        """
        return self.chances(p) @ np.array([ending.size for ending in self.endings])

    def probability(self, successes: int, failures: int, p: Any) -> Any:
        """The chance (...) to end with just so many of both at pass rates p (...): 0 where that is no ending."""
        successes, failures = whole("successes", successes, 0), whole("failures", failures, 0)
        here = [(ending.successes, ending.failures) == (successes, failures) for ending in self.endings]
        return self.chances(p) @ np.array(here, dtype=int)

    def chances(self, p: Any) -> Array:
        """The chance of each of the E endings at pass rates p (...) in [0, 1], as (..., E) of sum 1."""
        p = probabilities(p)
        if isinstance(p, Fraction):
            exact = [paths * p**s * (1 - p) ** f for s, f, paths in self.endings]
            return np.array(exact, dtype=object)
        from scipy.special import xlog1py, xlogy  # here, because SciPy takes longer to import than the package

        p = p[..., None]
        s, f, logs = np.array([(s, f, math.log(paths)) for s, f, paths in self.endings]).T
        return np.asarray(np.exp(logs + xlogy(s, p) + xlog1py(f, -p)))

    def reached(self) -> Iterator[tuple[int, int]]:
        """All (successes, failures) that a walk can come to, endings among them."""
        for size, row in self.walk(start):
            yield from ((s, size - s) for s in row)

    def walk(self, joins: Callable[[int], Iterable[tuple[int, int]]]) -> Iterator[tuple[int, dict[int, int]]]:
        """`walk` that is held up by the endings."""
        stops = {(ending.successes, ending.failures) for ending in self.endings}
        return walk(lambda s, f: (s, f) in stops, self.cap, joins)


def start(size: int) -> list[tuple[int, int]]:
    """One walk that begins at (0, 0), as `walk` is told."""
    return [] if size else [(0, 1)]


def walk(
    stops: Callable[[int, int], bool], cap: int, joins: Callable[[int], Iterable[tuple[int, int]]]
) -> Iterator[tuple[int, dict[int, int]]]:
    """For each number of rollouts up to cap: what arrives at each number of successes.

    What is anywhere goes on undivided both ways, up and right, unless the walk stops there. ``joins`` gives pairs of
    successes and what is added there, at each number of rollouts.
    """
    row: dict[int, int] = {}
    for size in range(cap + 1):
        for s, more in joins(size):
            row[s] = row.get(s, 0) + more
        yield size, row
        following: dict[int, int] = {}
        for s, value in row.items():
            if not stops(s, size - s):
                for to in (s, s + 1):
                    following[to] = following.get(to, 0) + value
        row = following


def design_of(design: Any) -> Design:
    """The design, refused if it is none."""
    if not isinstance(design, Design):
        raise TypeError(f"design must be a Design, such as maxrl_est.designs.fixed(8), got {words(design)}")
    return design
