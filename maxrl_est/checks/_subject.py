"""The advantage function that is checked, how it is called, and what it is held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, TypeVar

import numpy as np

from maxrl_est._arguments.protocols import Array, Estimator, FloatArray
from maxrl_est.checks._known import Found
from maxrl_est.estimators.designs import Design
from maxrl_est.measures import EffectiveWeight, effective_weight
from maxrl_est.measures._precision import Precision, precision_of, probes_of
from maxrl_est.objectives.targets import Target

LEAST = 3  # sizes of a design's groups that are tried, beside its cap
LONGEST = 8  # group that is written out in a line that reproduces a failure
TOLERANCE = 1e-4  # relative: what a check lets pass, and says
REST = 16  # eps, or less, may be left of a difference of numbers of size 1
CARE = 1e-9  # relative error of advantages in float64 that are computed with some care

Answer = TypeVar("Answer")


class Failed(Exception):
    """One check's verdict that something is wrong: what, how to see it, and the numbers by name."""

    def __init__(self, message: str, reproduce: str = "", found: Found | None = None) -> None:
        super().__init__(message)
        self.reproduce = reproduce
        self.found = found or {}


class Skipped(Exception):
    """Why one check does not apply."""


class Warned(str):
    """The message of a check that found no fault, but what should be known."""


class Remembering:
    """The base of what is checked: a question that several checks ask is answered once."""

    @cached_property
    def _answers(self) -> dict[Callable[..., Any], Any]:
        return {}

    def once(self, question: Callable[[Self], Answer]) -> Answer:
        """What a check or another question finds, or raises: asked at its first call, and remembered."""
        if question not in self._answers:
            try:
                self._answers[question] = question(self)
            except (Failed, Skipped) as verdict:
                self._answers[question] = verdict
        answer = self._answers[question]
        if isinstance(answer, Exception):
            raise answer
        found: Answer = answer
        return found


@dataclass(frozen=True)
class Subject(Remembering):
    """What is being checked, and against what."""

    function: Estimator
    name: str
    label: str  # an expression for the function, as a reader would write it
    how: str  # in words, how the function is called; empty for one that takes NumPy's arrays (..., N)
    rewards: str  # in words, the two on which the effective weight is measured
    targets: Mapping[int, Target | None] | None  # by group size; None if nothing is declared
    group_sizes: tuple[int, ...]
    design: Design | None  # that decides which groups there are, of its cap at most: the one group size
    binary_only: bool
    positive_only: bool
    stated: Precision | None  # in which floats it is said to compute
    tolerance: float
    scale: float | None  # the factor that is insisted on; None: any positive one
    same_as: Estimator | None
    monte_carlo: int | None  # groups to draw
    seed: int

    @cached_property
    def sizes(self) -> list[int]:
        """The group sizes above 1, largest first: failures of large groups say most."""
        return sorted((n for n in self.group_sizes if n > 1), reverse=True)

    @cached_property
    def tried(self) -> list[int]:
        """The sizes above 1 on which its structure is tried, largest first: of a design's the least, and its cap."""
        if self.design is None:
            return self.sizes
        drawn = sorted({ending.size for ending in self.design.endings} - {1})
        return sorted({*drawn[:LEAST], self.design.cap}, reverse=True)

    def __call__(self, groups: Array) -> Array:
        """Advantages, or a Failed that shows the input which made trouble."""
        try:
            got = np.asarray(self.function(np.array(groups, order="C")))  # a copy, since it may write to it
        except (Exception, SystemExit) as error:
            raise self.failed(
                f"raised {type(error).__name__}: {error} for likelihoods {excerpt(groups)}",
                groups,
                {"raised": type(error).__name__},
            ) from error
        if got.shape != groups.shape:
            raise self.failed(
                f"returned shape {got.shape} for likelihoods of shape {groups.shape}, {excerpt(groups)}",
                groups,
                {"shape": str(got.shape)},
            )
        if got.dtype.kind not in "fiu":
            raise self.failed(
                f"returned dtype {got.dtype} for likelihoods {excerpt(groups)}", groups, {"dtype": str(got.dtype)}
            )
        if not np.isfinite(got).all():
            row = int(np.isfinite(got).reshape(-1, got.shape[-1]).all(axis=1).argmin())
            shown = groups[row : row + 1] if groups.ndim == 2 else groups
            batch = f", in a batch of shape {groups.shape}" if groups.ndim > 1 else ""
            raise self.failed(
                f"returned {excerpt(got)} for likelihoods {excerpt(shown)}{batch}", shown, {"returned": "not finite"}
            )
        return got

    def failed(self, message: str, groups: Array, found: Found) -> Failed:
        """The failure, with a call on the groups, or on the first of many, if it is short enough to be typed."""
        first = groups if groups.size <= 2 * LONGEST else groups.reshape(-1, groups.shape[-1])[:1]
        return Failed(
            message, f"{self.label}(numpy.array({first.tolist()}))" if first.size <= 2 * LONGEST else "", found
        )

    @cached_property
    def precision(self) -> Precision:
        """In which floats the function computes, whatever it returns: as stated, or measured."""
        if self.stated is None and self.design:
            return precision_of(self.function, self._drawn((8, self.tried[0])))
        return self.stated or precision_of(self.function, *probes_of(self.sizes[0]))

    @cached_property
    def rounding(self) -> float:
        """Relative error of an advantage that is no fault."""
        return max(CARE, self.precision.rounding)

    def gaps(self, got: Array, expected: Array, groups: Array) -> FloatArray:
        """The largest difference in each group, relative to its largest advantage, or likelihood if that is larger.

        What the rounding of numbers of size 1 explains is none: where nothing is learnt, advantages are such a rest.
        """
        size = np.maximum(abs(expected).max(axis=-1), abs(np.asarray(groups, dtype=np.float64)).max(axis=-1))
        difference = abs(got.astype(np.float64) - expected.astype(np.float64)).max(axis=-1)
        difference = np.where(difference <= REST * self.precision.eps, 0, difference)
        return np.asarray(difference / np.where(size == 0, 1, size), dtype=np.float64)

    @cached_property
    def _weights(self) -> dict[int, EffectiveWeight]:
        return {}

    def weight(self, n: int) -> EffectiveWeight:
        """The effective weight on 0/1 rewards in groups of n, or of the design."""
        if n not in self._weights:
            self._weights[n] = effective_weight(self.function, None if self.design else n, design=self.design)
        return self._weights[n]

    def groups(self, n: int) -> str:
        """Which groups a weight is of, in words."""
        return str(self.design) if self.design else f"N = {n}"

    def weighed(self, n: int) -> str:
        """An expression for what the weight is nearest to."""
        asked = f"design=maxrl_est.designs.{self.design}" if self.design else n
        return f"maxrl_est.effective_weight({self.label}, {asked}).nearest()"

    def declared(self, n: int) -> Target | None:
        """What it is said to ascend, if that is known."""
        return self.targets.get(n) if self.targets else None

    def random(self, shape: tuple[int, ...]) -> FloatArray:
        """Likelihoods of the kind that it is meant for."""
        if self.design:
            return self._drawn(shape)
        uniform = np.random.default_rng(self.seed).random(shape)
        return (uniform < 0.5).astype(np.float64) if self.binary_only else 1 - uniform

    def ended(self, n: int) -> FloatArray:
        """The groups (E, n) of 0/1 rewards with which the design ends, each in some order."""
        rng = np.random.default_rng([self.seed, n])
        successes = [ending.successes for ending in self.design.endings if ending.size == n] if self.design else []
        return rng.permuted((np.arange(n) < np.array(successes)[:, None]).astype(np.float64), axis=1)

    def _drawn(self, shape: tuple[int, ...]) -> FloatArray:
        """Some of them, in other orders."""
        rng = np.random.default_rng(self.seed)
        groups = self.ended(shape[-1])
        return rng.permuted(groups[rng.integers(len(groups), size=shape[:-1])], axis=-1)


def worst(got: Array, expected: Array, off: FloatArray, tolerance: float) -> int:
    """The group that shows it best: of those off by more than the tolerance, the one with the largest difference."""
    difference = abs(got.astype(np.float64) - expected.astype(np.float64)).max(axis=-1)
    return int(np.where(off > tolerance, difference, -1).argmax())


def excerpt(values: Any) -> str:
    """At most one group of numbers, short enough for a line."""
    flat = np.asarray(values).reshape(-1, values.shape[-1]) if np.ndim(values) else np.asarray(values)[None, None]
    broken = np.flatnonzero(~np.isfinite(flat.astype(np.float64)).all(axis=1))
    row = flat[broken[0] if broken.size else 0]
    text = ", ".join(f"{float(x):.6g}" for x in row[:8])
    return f"[{text}{', ...' if row.size > 8 else ''}]"
