"""Learning curves: exact objectives along each run, as CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from maxrl_est._typing import FloatArray
from maxrl_est.files import formats


@dataclass(frozen=True, slots=True)
class Point:
    """Means over all prompts after some steps, exact for the policy as it is; test: of the test task, if any."""

    step: int
    rollouts: int  # drawn so far
    pass_rate: float  # p
    log_pass_rate: float  # log p; -inf where a prompt cannot be solved
    objective: float  # J_T(p)
    test_pass_rate: float | None = None
    test_log_pass_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """One run: its points, the first before any step, and its last parameters (d,)."""

    estimator: str
    seed: int
    points: tuple[Point, ...]
    parameters: FloatArray


@dataclass(frozen=True, slots=True)
class Training:
    """Curves of all runs, estimator by estimator, and what they were made with, in words and numbers."""

    curves: tuple[Curve, ...]
    meta: Mapping[str, Any]

    @property
    def estimators(self) -> tuple[str, ...]:
        """Names, in the order of the curves."""
        return tuple(dict.fromkeys(curve.estimator for curve in self.curves))

    def values(self, estimator: str, quantity: str) -> FloatArray:
        """Return one quantity (seeds, points) of all runs of an estimator, such as ``"log_pass_rate"``."""
        chosen = [curve for curve in self.curves if curve.estimator == estimator]
        if not chosen:
            raise ValueError(f"estimator is {estimator!r}: there is {', '.join(self.estimators)}")
        return np.array([[getattr(point, quantity) for point in curve.points] for curve in chosen], dtype=np.float64)

    def to_csv(self) -> str:
        """A line for each point, numbers unrounded."""
        head = ["estimator", "seed", *(field.name for field in fields(Point))]
        rows = [
            [curve.estimator, str(curve.seed), *("" if x is None else str(x) for x in asdict(point).values())]
            for curve in self.curves
            for point in curve.points
        ]
        return formats.to_csv(head, rows) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, unrounded, parameters included; -inf is the text "-inf", which JSON has no number for."""
        curves = [
            {
                "estimator": curve.estimator,
                "seed": curve.seed,
                "points": [{key: _plain(value) for key, value in asdict(point).items()} for point in curve.points],
                "parameters": curve.parameters.tolist(),
            }
            for curve in self.curves
        ]
        return {"meta": dict(self.meta), "curves": curves}

    def to_json(self) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict(), allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value
