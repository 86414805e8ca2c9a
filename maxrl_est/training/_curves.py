"""Learning curves: exact objectives along each run, as text, tables, CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from maxrl_est._arguments import one_of
from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.files import formats


@dataclass(frozen=True, slots=True)
class Point:
    """Means over all prompts after some steps, exact for the policy as it is; test: of the test task, if any."""

    step: int
    rollouts: int  # drawn so far, of a replayed design those that it draws
    pass_rate: float  # p
    log_pass_rate: float  # log p; -inf where a prompt cannot be solved
    objective: float  # J_T(p)
    test_pass_rate: float | None = None
    test_log_pass_rate: float | None = None


QUANTITIES = tuple(field.name for field in fields(Point))


@dataclass(frozen=True, slots=True)
class Curve:
    """One run: its points, the first before any step, and its last parameters (d,)."""

    estimator: str
    seed: int
    points: tuple[Point, ...]
    parameters: FloatArray


@dataclass(frozen=True, slots=True)
class Training:
    """Curves of all runs, estimator by estimator, and what they were made with, in words and numbers.

    Printed, it is a table of where the estimators end: means over seeds, whose spread `to_dataframe` has and
    `maxrl_est.training.learning_curves` draws.
    """

    curves: tuple[Curve, ...]
    meta: Mapping[str, Any]

    def __str__(self) -> str:
        return "\n".join(formats.aligned(*self._summary()))

    def _repr_html_(self) -> str:
        return formats.html_table(*self._summary())

    @property
    def estimators(self) -> tuple[str, ...]:
        """Names, in the order of the curves."""
        return tuple(dict.fromkeys(curve.estimator for curve in self.curves))

    def values(self, estimator: str, quantity: str) -> FloatArray:
        """One quantity of all runs of an estimator, along their points.

        Parameters
        ----------
        estimator : one of ``estimators``
        quantity : a field of `Point`, such as ``"log_pass_rate"``

        Returns
        -------
        (seeds, points) float64; NaN for those of a test task where there is none

        Raises
        ------
        ValueError
            Where there is no such estimator or quantity.
        """
        one_of("estimator", estimator, self.estimators)
        one_of("quantity", quantity, QUANTITIES)
        runs = [curve.points for curve in self.curves if curve.estimator == estimator]
        return np.array([[getattr(point, quantity) for point in points] for points in runs], dtype=np.float64)

    def to_csv(self) -> str:
        """A line for each point, numbers unrounded."""
        rows = [["" if x is None else str(x) for x in row] for row in self._rows()]
        return formats.to_csv(["estimator", "seed", *QUANTITIES], rows) + "\n"

    def to_dataframe(self) -> Any:
        """A row for each point, with its estimator and seed: of pandas, or of polars where that is installed alone."""
        columns = zip(*self._rows(), strict=True)
        return formats.to_dataframe(dict(zip(("estimator", "seed", *QUANTITIES), map(list, columns), strict=True)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, unrounded, parameters included; -inf is the text "-inf", which JSON has no number for."""
        curves: list[dict[str, Any]] = formats.plain([asdict(curve) for curve in self.curves])
        return {"meta": dict(self.meta), "curves": curves}

    def to_json(self) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict(), allow_nan=False) + "\n"

    def _rows(self) -> list[list[Any]]:
        return [[curve.estimator, curve.seed, *asdict(x).values()] for curve in self.curves for x in curve.points]

    def _summary(self) -> tuple[list[str], list[list[str]]]:
        """The last point of each estimator, the mean over seeds."""
        shown = {"pass_rate": "p", "log_pass_rate": "log p", "objective": f"J_{self.meta['order'] or self.meta['n']}"}
        if self.curves[0].points[0].test_pass_rate is not None:
            shown |= {"test_pass_rate": "test p", "test_log_pass_rate": "test log p"}
        rows = []
        for name in self.estimators:
            counts = [f"{self.values(name, quantity)[0, -1]:.0f}" for quantity in ("step", "rollouts")]
            rows.append([name, *counts, *(f"{self.values(name, x)[:, -1].mean():.4f}" for x in shown)])
        return ["estimator", "steps", "rollouts", *shown.values()], rows
