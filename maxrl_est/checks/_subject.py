"""The advantage function that is checked, how it is called, and what it is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from maxrl_est._typing import Array, Estimator, FloatArray
from maxrl_est.measures import effective_weight
from maxrl_est.objectives import Objective
from maxrl_est.targets import OverLevels, Target

LONGEST = 8  # group that is written out in a line that reproduces a failure
TOLERANCE = 1e-9  # relative, and 64 roundings where the function returns shorter floats


class Failed(Exception):
    """One check's verdict that something is wrong."""

    def __init__(self, message: str, reproduce: str = "") -> None:
        super().__init__(f"{message}; reproduce: {reproduce}" if reproduce else message)


class Skipped(Exception):
    """Why one check does not apply."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is being checked, and against what."""

    function: Estimator
    label: str  # an expression for the function, as a reader would write it
    targets: Mapping[int, Target | None] | None  # by group size; None if nothing is declared
    group_sizes: tuple[int, ...]
    binary_only: bool
    positive_only: bool
    monte_carlo: int | None  # groups to draw
    seed: int

    @property
    def sizes(self) -> list[int]:
        """The group sizes above 1, largest first: failures of large groups say most."""
        return sorted((n for n in self.group_sizes if n > 1), reverse=True)

    def __call__(self, groups: Array) -> Array:
        """Advantages, or a Failed that shows the input which made trouble."""
        try:
            got = np.asarray(self.function(groups))
        except (Exception, SystemExit) as error:
            raise self.failed(
                f"raised {type(error).__name__}: {error} for likelihoods {excerpt(groups)}", groups
            ) from error
        if got.shape != groups.shape:
            raise self.failed(
                f"returned shape {got.shape} for likelihoods of shape {groups.shape}, {excerpt(groups)}", groups
            )
        if got.dtype.kind not in "fiu":
            raise self.failed(f"returned dtype {got.dtype} for likelihoods {excerpt(groups)}", groups)
        if not np.isfinite(got).all():
            raise self.failed(f"returned {excerpt(got)} for likelihoods {excerpt(groups)}", groups)
        return got

    def failed(self, message: str, groups: Array) -> Failed:
        """The failure, with a call on the first of the groups if it is short enough to be typed."""
        first = groups.reshape(-1, groups.shape[-1])[0].tolist()
        return Failed(message, f"{self.label}(numpy.array({first}))" if len(first) <= LONGEST else "")

    @property
    def tolerance(self) -> float:
        """Relative differences up to this are rounding, in the dtype that the function returns."""
        dtype = self(self.random((self.sizes[0],))).dtype
        return max(TOLERANCE, 64 * float(np.finfo(dtype).eps)) if dtype.kind == "f" else TOLERANCE

    def declared(self, n: int) -> Target | None:
        """What it is said to ascend, if that is known."""
        return self.targets.get(n) if self.targets else None

    def target(self, n: int) -> Target | None:
        """The declared objective, else the known one nearest to what is ascended on 0/1 rewards."""
        if self.targets or self.positive_only:
            return self.declared(n)
        return effective_weight(self.function, n).nearest().objective

    def random(self, shape: tuple[int, ...]) -> FloatArray:
        """Likelihoods of the kind that it is meant for."""
        uniform = np.random.default_rng(self.seed).random(shape)
        return (uniform < 0.5).astype(np.float64) if self.binary_only else 1 - uniform


def on_binary_rewards(target: Target | None) -> Objective | None:
    """The objective of the pass rate that a target is where rewards are 0/1."""
    if isinstance(target, OverLevels):
        return target.objective
    return target if isinstance(target, Objective) else None


def relative(got: Array, expected: Array) -> float:
    """Largest difference, relative to the largest number expected if that is above 1."""
    return float(np.max(abs(got - expected)) / max(1.0, np.max(abs(expected))))


def excerpt(values: Any) -> str:
    """At most one group of numbers, short enough for a line."""
    flat = np.asarray(values).reshape(-1, values.shape[-1]) if np.ndim(values) else np.asarray(values)[None, None]
    broken = np.flatnonzero(~np.isfinite(flat.astype(np.float64)).all(axis=1))
    row = flat[broken[0] if broken.size else 0]
    text = ", ".join(f"{float(x):.6g}" for x in row[:8])
    return f"[{text}{', ...' if row.size > 8 else ''}]"
