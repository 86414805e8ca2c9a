"""Differences of advantages round triangles of rewards, at any group size, and what a round trip of laws gains.

The mean update is a gradient if and only if D(x, y) + D(y, z) + D(z, x) = 0 beside all others, D(x, y) the advantage of
x less that of y in one group of both (claim triangle). Up to `LARGEST` rollouts every group is asked for; in larger
groups the others are all alike, or drawn at random.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction as F

import numpy as np

from maxrl_est._arguments.protocols import Array, Estimator, FloatArray
from maxrl_est.ascent import Triangle
from maxrl_est.ascent._levels import Levels, levels_of, rounding_of
from maxrl_est.ascent._multisets import multisets
from maxrl_est.ascent._triangles import differences, sums_round, triangle_of
from maxrl_est.checks._subject import Subject

VALUES = (F(0), F(1, 4), F(1, 2), F(1))  # whose sums floats hold, in any order
POSITIVE = (F(1, 8), F(1, 4), F(1, 2), F(1))  # where logarithms are taken
EXACT = 8  # rollouts in groups that are asked for in rationals: of 16 they take a second
LARGEST = 16  # rollouts in groups of which every one is asked for
SETS = 16  # of others in larger groups
PAIRS = 1 << 22  # of rollouts in the groups of one call


def values_of(subject: Subject) -> tuple[F, ...]:
    """The graded rewards on which it is tried."""
    return POSITIVE if subject.positive_only else VALUES


@dataclass(frozen=True, slots=True)
class Sides:
    """D(x, y) of k values beside W multisets of n - 2 others, of which the ``usual`` are the same for every seed."""

    n: int
    values: tuple[F, ...]
    others: Array  # (W, k)
    usual: int
    found: Array  # (W, k, k), antisymmetric
    rounding: float  # that a sum of three may be off by
    levels: Levels | None  # the advantages in every group, where every one was asked for

    @property
    def exact(self) -> bool:
        """Whether they are rationals."""
        return self.found.dtype == object

    @property
    def size(self) -> float:
        """The largest difference."""
        return float(abs(self.found).max())

    def worst(self, tolerance: float) -> tuple[Triangle, bool]:
        """The triangle whose sum is furthest from 0, and whether that is no rounding and not let pass.

        Of the usual others where these show it, so that a fault is the same for every seed. All triangles have the
        first value for a corner: any other is a sum of three of them.
        """
        sizes = abs(sums_round(self.found, 0)).astype(np.float64)
        allowed = tolerance * self.size + self.rounding
        if sizes[: self.usual].max() > allowed:
            sizes[self.usual :] = 0
        w, x, y = (int(i) for i in np.unravel_index(int(sizes.argmax()), sizes.shape))
        triangle = triangle_of(self.values, self.others[w], self.found[w], 0, x, y)
        return triangle, bool(sizes.max() > allowed)


def sides_of(subject: Subject, n: int) -> Sides:
    """The differences of a function's advantages in groups of n: exact in small ones, where it takes Fractions."""
    values = values_of(subject)
    if n <= LARGEST:
        levels = levels_of(subject.function if n <= EXACT else _in_floats(subject), n, values)
        others, found = multisets(n - 2, len(values)), differences(levels.beside, n)
        return Sides(n, values, others, len(others), found, _rounding(subject, found, levels.beside), levels)
    others = _some_others(subject, n, len(values))
    found, advantages = _beside(subject, values, others)
    return Sides(n, values, others, len(values), found, _rounding(subject, found, advantages), None)


def _rounding(subject: Subject, found: Array, advantages: Array) -> float:
    """What a sum of differences may be off by, of such advantages."""
    apart, largest = (float(abs(numbers).max()) for numbers in (found, advantages))
    return max(subject.rounding * apart, 2 * rounding_of(subject.precision, apart, largest))


def _in_floats(subject: Subject) -> Estimator:
    """The same function where it is only given floats."""
    return lambda groups: subject.function(groups.astype(np.float64))


def _some_others(subject: Subject, n: int, k: int) -> Array:
    """All alike, then some of laws at random: (W, k)."""
    rng = np.random.default_rng([subject.seed, n])
    laws = rng.dirichlet(np.full(k, 0.5), SETS - k)
    return np.concatenate([(n - 2) * np.eye(k, dtype=np.int64), rng.multinomial(n - 2, laws)])


def _beside(subject: Subject, values: tuple[F, ...], others: Array) -> tuple[FloatArray, FloatArray]:
    """D (W, k, k), and the advantages that it is of."""
    rewards = np.array(values, dtype=np.float64)
    pairs = np.array(list(itertools.combinations(range(len(values)), 2)))  # (P, 2)
    rest = np.array([np.repeat(rewards, row) for row in others])  # (W, n - 2)
    groups = np.concatenate(
        [
            np.broadcast_to(rewards[pairs], (len(rest), *pairs.shape)),
            np.broadcast_to(rest[:, None], (len(rest), len(pairs), rest.shape[1])),
        ],
        axis=2,
    )
    advantages = _advantages(subject, groups.reshape(-1, groups.shape[2])).reshape(groups.shape)
    found = np.zeros((len(rest), len(values), len(values)))
    x, y = pairs.T
    found[:, x, y] = advantages[..., 0] - advantages[..., 1]
    found[:, y, x] = -found[:, x, y]
    return found, advantages


def _advantages(subject: Subject, groups: FloatArray) -> FloatArray:
    """Of groups (B, n), a few at a time: what compares all pairs of a group has n^2 numbers for each."""
    step = max(8, PAIRS // groups.shape[1] ** 2)
    parts = [subject(groups[start : start + step]) for start in range(0, len(groups), step)]
    return np.concatenate(parts).astype(np.float64)


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """From all at x to all at y to all at z and back, in straight lines: what is climbed on each, in that order."""

    x: F
    y: F
    z: F
    climbs: tuple[float, float, float]

    @property
    def net(self) -> float:
        """What is gained: 0 of a gradient."""
        return sum(self.climbs)


def round_trip(subject: Subject, n: int) -> tuple[RoundTrip, float, bool]:
    """The one over three of the values that gains most, gone the way that it gains.

    Then its gain relative to the largest climb, and whether that is no rounding and not let pass. In large groups it
    says more than one triangle: of those it has as many in it as there are rollouts.
    """
    values = values_of(subject)
    climbed = {(x, y): _climbed(subject, n, x, y) for x, y in itertools.combinations(values, 2)}
    work = {way: height for way, (height, _) in climbed.items()}
    trips = [RoundTrip(x, y, z, (work[x, y], work[y, z], -work[x, z])) for x, y, z in itertools.combinations(values, 3)]
    best = max(trips, key=lambda trip: abs(trip.net))
    size, rounding = max(map(abs, work.values())), max(each for _, each in climbed.values())
    gains, off = abs(best.net) > subject.tolerance * size + rounding, abs(best.net) / (size or 1.0)
    if best.net < 0:
        up, then, back = best.climbs
        best = RoundTrip(best.x, best.z, best.y, (-back, -then, -up))
    return best, off, gains


def _climbed(subject: Subject, n: int, x: F, y: F) -> tuple[float, float]:
    """The integral of the mean update on the straight line from all at x to all at y, and what it may be off by.

    From n + 1 groups: with m of the others at y, of a chance whose integral along the line is 1/n for each m, a rollout
    at y has the advantage of the first in the group of m + 1 at y, and one at x that of the last in the group of m.
    """
    groups = np.where(np.arange(n) < np.arange(n + 1)[:, None], float(y), float(x))
    advantages = _advantages(subject, groups)
    steps = advantages[1:, 0] - advantages[:-1, -1]
    return float(steps.sum() / n), _rounding(subject, steps, advantages)
