"""How close a polynomial W(p) is to a multiple of a known objective's weight, and what that is called."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.measures._bernstein import basis, bernstein_of, nodes, powers_of
from maxrl_est.measures._columns import Columns
from maxrl_est.measures._precision import DOUBLE, Precision
from maxrl_est.objectives import Objective

TOLERANCE = 1e-4  # relative: what an eps of 1e-6 beside a standard deviation leaves
_FINE = 1e-6  # float32 rounds by less, half precision by more

Agreement = Literal["exactly", "to rounding", "within tolerance", "none"]


@dataclass(frozen=True, slots=True)
class Nearest(Columns):
    """A multiple of an objective's weight, ``W(p) = scale * w(p)`` as far as ``agreement`` says.

    ``distance`` is the root mean square of W - scale w over p in [0, 1], relative to that of W. Agreement is

    - ``"exactly"``: the estimator computed with Fractions, and they are equal
    - ``"to rounding"``: it computed in floats of the format ``precision``, and they differ by its roundings
    - ``"within tolerance"``: the distance is at most the tolerance that was asked for
    - ``"none"``: it is further

    A scale that is 1 within the tolerance is 1 in ``name``. ``objective`` is None where W is 0.
    """

    name: str
    objective: Objective | None
    scale: Fraction | float
    agreement: Agreement
    distance: float
    precision: str = DOUBLE.name

    @property
    def exact(self) -> bool:
        """Whether W is that multiple in exact arithmetic."""
        return self.agreement == "exactly"

    @property
    def known(self) -> bool:
        """Whether W is that multiple exactly, to rounding or within the tolerance."""
        return self.agreement != "none"

    def __str__(self) -> str:
        match self.agreement:
            case "exactly":
                return f"exactly {self.name}"
            case "to rounding" if self.precision == DOUBLE.name:
                return f"{self.name} to rounding"
            case "to rounding":
                coarse = f" (off by {self.distance:.0e})" if self.distance > _FINE else ""
                return f"{self.name} to the rounding of {self.precision}{coarse}"
            case "within tolerance":
                return f"{self.name} up to {self.distance:.0e}"
        return f"no known objective; nearest {self.name} (off by {self.distance:.2g})"

    def title(self) -> list[str]:
        """What it is called."""
        return [str(self)]

    def columns(self) -> dict[str, Any]:
        """One row of all numbers."""
        row = {"name": self.name, "scale": self.scale, "agreement": self.agreement, "distance": self.distance}
        return {name: [value] for name, value in row.items()}


@dataclass(frozen=True, slots=True)
class Weight:
    """W(p) as it is compared: its Bernstein coefficients (n,), exact if ``precision`` is None."""

    bernstein: tuple[Fraction, ...]
    precision: Precision | None

    @property
    def n(self) -> int:
        """The number of coefficients."""
        return len(self.bernstein)

    def at(self, p: FloatArray) -> FloatArray:
        """W(p) in floats."""
        return np.asarray(basis(self.n, p) @ np.array([float(x) for x in self.bernstein]))

    def equals(self, objective: Objective, scale: Fraction | float) -> bool:
        """Whether W = scale w: exactly, or to rounding where the estimator computed in floats."""
        if objective.order > self.n:
            return False
        target = [scale * value for value in bernstein_of(objective.rational_coefficients, self.n)]
        if self.precision is None and isinstance(scale, Fraction | int):
            return list(self.bernstein) == target
        rounding = (self.precision or DOUBLE).rounding
        allowed = rounding * max(abs(float(value)) for value in target)
        return all(abs(float(x) - float(y)) <= allowed for x, y in zip(self.bernstein, target, strict=True))


def nothing(weight: Weight) -> Nearest | None:
    """What W = 0 is, which is no objective's; None for all others."""
    if any(weight.bernstein):
        return None
    return Nearest("0 (no learning)", None, 0, "to rounding" if weight.precision else "exactly", 0.0)


def compare(weight: Weight, objective: Objective, tolerance: float, theirs: FloatArray | None = None) -> Nearest:
    """The best multiple of one objective's weight, by least squares over p in [0, 1].

    ``theirs`` is that weight at the nodes (n,), where it is known already.
    """
    if weight.precision is None:
        ratio = _exact_scale(powers_of(weight.bernstein), objective)
        if ratio is not None:
            return Nearest(multiple(ratio, objective.name), objective, ratio, "exactly", 0.0)
    p, share = nodes(max(weight.n, objective.order))
    ours, theirs = weight.at(p), objective.weight(p) if theirs is None else theirs
    fitted = float((share * ours) @ theirs / (share @ theirs**2))

    def off(scale: Fraction | float) -> float:
        return math.sqrt(share @ (ours - float(scale) * theirs) ** 2 / (share @ ours**2))

    def found(scale: Fraction | float, agreement: Agreement) -> Nearest:
        precision = weight.precision or DOUBLE
        return Nearest(multiple(scale, objective.name), objective, scale, agreement, off(scale), precision.name)

    near_one = abs(fitted - 1) <= tolerance and not off(fitted) <= tolerance < off(1)
    best = 1 if near_one else fitted
    if weight.precision:
        for scale in dict.fromkeys((Fraction(fitted).limit_denominator(4 * weight.n), best)):
            if scale and weight.equals(objective, scale):
                return found(scale, "to rounding")
    return found(best, "within tolerance" if off(best) <= tolerance else "none")


def multiple(scale: Fraction | float, name: str) -> str:
    """A factor, as a ratio of small numbers or a decimal, before a name; 1 is left out."""
    if scale == 1:
        return name
    if isinstance(scale, Fraction | int) and scale.denominator < 10_000:
        return f"{scale} x {name}"
    short = f"{float(scale):.4g}"
    return f"{repr(float(scale)) if short == '1' else short} x {name}"


def _exact_scale(powers: tuple[Fraction, ...], objective: Objective) -> Fraction | None:
    """The factor between two polynomials in q, or None."""
    if objective.order > len(powers) or any(powers[objective.order :]):
        return None
    theirs = objective.rational_coefficients
    scale = powers[objective.order - 1] / theirs[-1]
    same = all(x == scale * y for x, y in zip(powers, theirs, strict=False))
    return scale if same and scale else None
