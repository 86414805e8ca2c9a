"""Which function made the advantages that a trainer logged: rows and formulas, up to a factor and an eps."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import positive
from maxrl_est._arguments.arrays import real_array
from maxrl_est._arguments.protocols import Array, Estimator, FloatArray
from maxrl_est.checks._formulas import FORMULAS, Formula, Rows
from maxrl_est.estimates.grouped import blocks
from maxrl_est.estimators import get, names

_ORDERS = (1, 2, 4, 8, 16)  # that a row with a parameter is tried with
_WITH_ORDER = ("ustat", "ustat_mean_loo", "ustat_pass_loo", "ustat_one", "ustat_prior")
_WITH_K = ("passk", "passk_loo", "maxk", "maxk_loo", "maxk_loo_minus_one")
_ROUNDING = 1e-7  # of advantages in float32
_AS_CLOSE = 100  # times the least difference
_LEAST = 1e-13  # relative to the rewards: a smaller difference of them is rounding


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate beside the logged advantages.

    ``difference`` is the largest of ``factor`` times the candidate's advantages from the logged ones, relative to the
    largest of those; ``row`` is the name of the row of the table, None for a formula, whose ``eps`` is fitted.
    """

    name: str
    row: str | None
    factor: float
    eps: float | None
    difference: float
    rollouts: int  # that were compared: a row refuses groups that are too small for it
    in_batch: bool
    formula: Formula | None

    @property
    def scale(self) -> Fraction | float:
        """The factor, as the simple fraction that it cannot be told from, if there is one."""
        simple = Fraction(self.factor).limit_denominator(64)
        near = min(max(self.difference, 10 * _ROUNDING), 1e-4) * abs(self.factor)
        return simple if abs(simple - self.factor) <= near else self.factor

    @property
    def estimator(self) -> Estimator | None:
        """What can be judged, as a function (..., N), with its factor; None where other groups of the batch matter."""
        if self.in_batch:
            return None
        if self.row is not None and self.scale == 1:
            row: Estimator = get(self.row)
            return row
        return _Judged(self)

    def __str__(self) -> str:
        scale = self.scale
        shown = f"{scale:.6g}" if isinstance(scale, float) else str(scale)
        return self.name if scale == 1 else f"{shown} x {self.name}"


@dataclass(frozen=True)
class _Judged:
    """A row times its factor, or a formula with the eps that was found too, as a function of rewards (..., N)."""

    match: Match

    def __post_init__(self) -> None:
        object.__setattr__(self, "__qualname__", self._written())

    @property
    def name(self) -> str:
        return str(self.match)

    def _written(self) -> str:
        """How it is written for NumPy, so that what a report shows can be run."""
        match = self.match
        factor = "" if match.scale == 1 else f"{match.scale} * "
        if match.formula is None:
            return f"(lambda r: {factor}maxrl_est.estimators.get({match.row!r})(r))"
        return f"(lambda r: {factor}{match.formula.written.format(eps=f' + {match.eps!r}' if match.eps else '')})"

    def __call__(self, likelihoods: npt.ArrayLike, /) -> Array:
        scale = self.match.scale
        if self.match.row is not None:
            found = np.asarray(get(self.match.row)(likelihoods))
            return found * (scale if found.dtype == object else float(scale))
        return float(scale) * self._of_formula(np.asarray(likelihoods, dtype=np.float64))

    def _of_formula(self, given: FloatArray) -> FloatArray:
        rows: Rows = [np.arange(given.size).reshape(-1, given.shape[-1])]
        formula, eps = self.match.formula, self.match.eps
        assert formula is not None
        assert eps is not None
        flat = given.reshape(-1)
        above, below = formula.numerator(flat, rows, rows), formula.scale(flat, rows, rows)
        return _ratio(above, below, eps, _sizes(flat, rows)).reshape(given.shape)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What may have made the logged advantages: candidates, best first."""

    matches: tuple[Match, ...]
    tolerance: float
    rollouts: int
    sizes: tuple[int, ...]  # of the groups

    @property
    def found(self) -> tuple[Match, ...]:
        """Those that reproduce all that was compared, to the tolerance."""
        return tuple(match for match in self.matches if match.difference <= self.tolerance)

    def __str__(self) -> str:
        shown = ", ".join(map(str, self.sizes))
        head = f"{self.rollouts} rollouts in groups of {shown}; tolerance {self.tolerance:g} of the largest advantage"
        if self.found:
            title = "made by"
            matches = self.found
        else:
            title = "made by nothing that is known; nearest"
            matches = self.matches[:3]
        lines = [f"  {match} (largest difference {match.difference:.2g})" for match in matches]
        return "\n".join([head, title, *lines])


def recover(
    rewards: npt.ArrayLike,
    advantages: npt.ArrayLike,
    groups: Any,
    *,
    batches: Any = None,
    tolerance: float = 1e-4,
) -> Recovered:
    """Which function of the rewards made the advantages, up to a factor and an eps: from a trainer's log.

    Candidates are the rows of `maxrl_est.estimators`, with orders and k of 1, 2, 4, 8 and 16; and rewards less the
    mean of their group or batch, divided by their standard deviation or mean with an eps. Several may be one function
    on the rewards of a log: with rewards 0 and 1 and groups of one size many are. Not for advantages that were clipped
    or mixed with a KL penalty, which nothing here reproduces.

    Parameters
    ----------
    rewards : (M,) finite numbers, all that the trainer summed
    advantages : (M,) finite numbers, not all 0
    groups : ids (M,) of the groups
    batches : ids (M,) of the batches, or steps, over which a trainer may normalise; None: all are one
    tolerance : largest difference that counts as none, relative to the largest advantage

    Returns
    -------
    a `Recovered`: its ``found`` are the matches within the tolerance, those of most rollouts first, and of those that
    are as close as any the ones with the fewest fitted numbers; its ``matches`` are all candidates that have advantages
    for more than half of the rollouts

    Raises
    ------
    TypeError, ValueError
        For arrays that are not as above, or of different lengths.

    >>> result = recover([1, 0, 0, 1, 1, 0], [1.0, -0.5, -0.5, 0.5, 0.5, -1.0], list("aaabbb"))
    >>> print(result.found[0], result.found[0].difference)
    rloo 0.0
    """
    given = real_array("rewards", rewards).astype(np.float64)
    logged = real_array("advantages", advantages).astype(np.float64)
    if given.ndim != 1 or logged.shape != given.shape:
        raise ValueError(f"advantages must be one for each reward (M,), got {logged.shape} for {given.shape}")
    if not logged.any():
        raise ValueError("advantages must not be all 0, which says nothing of what made them")
    tolerance = positive("tolerance", tolerance)
    rows = [block.rows for block in blocks("groups", groups, len(given), "rewards")]
    one = [np.arange(len(given))[None]]
    steps = one if batches is None else [block.rows for block in blocks("batches", batches, len(given), "rewards")]
    found = [*_rows_that_match(given, logged, rows), *_formulas_that_match(given, logged, rows, steps, tolerance)]
    half = [match for match in found if 2 * match.rollouts > len(given)]
    close = _AS_CLOSE * max(_ROUNDING, min((match.difference for match in half), default=0.0))
    ranked = sorted(half, key=lambda match: _rank(match, tolerance, close))
    return Recovered(tuple(ranked), tolerance, len(given), tuple(sorted(block.shape[1] for block in rows)))


def _rank(match: Match, tolerance: float, close: float) -> tuple[Any, ...]:
    """Those within the tolerance first; of them, those of most rollouts, close ones, and of few fitted numbers."""
    if match.difference > tolerance:
        return (True, match.difference)
    fitted = (match.scale != 1) + (abs(match.scale) != 1) + bool(match.eps)
    return (False, -match.rollouts, match.difference > close, fitted, match.in_batch, match.formula is not None)


def _rows_that_match(rewards: FloatArray, logged: FloatArray, groups: Rows) -> Iterator[Match]:
    for name in _candidates():
        made = np.full(len(rewards), np.nan)
        row = get(name)
        for rows in groups:
            try:
                with warnings.catch_warnings(action="ignore"):
                    made[rows] = row(rewards[rows])
            except ValueError:  # of groups too small, or of rewards that are no likelihoods
                continue
        if match := _match(name, name, made, logged):
            yield match


def _candidates() -> Iterator[str]:
    for name in names():
        yield name
        values = _ORDERS if name in _WITH_ORDER else _ORDERS[1:] if name in _WITH_K else ()
        yield from (f"{name}({value})" for value in values)


def _match(
    name: str, row: str | None, made: FloatArray, logged: FloatArray, eps: float | None = None, formula: Any = None
) -> Match | None:
    """The candidate with its factor by least squares; None where it has no advantages, or none but 0."""
    there = np.isfinite(made)
    size = float((made[there] ** 2).sum())
    if size == 0:
        return None
    factor = float((made[there] * logged[there]).sum() / size)
    difference = float(abs(factor * made[there] - logged[there]).max() / abs(logged).max())
    in_batch = formula is not None and formula.in_batch
    return Match(name, row, factor, eps, difference, int(there.sum()), in_batch, formula)


def _formulas_that_match(
    rewards: FloatArray, logged: FloatArray, groups: Rows, batches: Rows, tolerance: float
) -> Iterator[Match]:
    for formula in FORMULAS:
        above = formula.numerator(rewards, groups, batches)
        below = formula.scale(rewards, groups, batches)
        best = None
        for eps in _epsilons(above, below, logged):
            name = formula.name.format(eps=f" + {eps:.2g}" if eps else "")
            match = _match(name, None, _ratio(above, below, eps, _sizes(rewards, groups)), logged, eps, formula)
            if match and (best is None or _closer(match, best, tolerance)):
                best = match
        if best:
            yield best


def _closer(match: Match, best: Match, tolerance: float) -> bool:
    """Whether another eps does better: far better, where the simpler one is within the tolerance."""
    return match.difference < best.difference * (0.1 if best.difference <= tolerance else 1.0)


def _epsilons(above: FloatArray, below: FloatArray, logged: FloatArray) -> Iterator[float]:
    """What eps may be, simplest first: 0, those in use, and that of least squares.

    A = f d / (s + eps) is linear in f and eps: A s = f d - eps A.
    """
    yield from (0.0, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
    there = np.isfinite(above) & np.isfinite(below)
    sides = np.stack([above[there], -logged[there]], axis=1)
    (_, eps), _, rank, _ = np.linalg.lstsq(sides, (logged * below)[there], rcond=1e-10)
    if rank == 2 and 0 < eps < below[there].max():  # one far above all scales would leave the numerator alone
        yield float(eps)


def _sizes(rewards: FloatArray, groups: Rows) -> FloatArray:
    """The largest reward of each rollout's group, in size."""
    sizes = np.zeros_like(rewards)
    for rows in groups:
        sizes[rows] = abs(rewards[rows]).max(axis=1, keepdims=True)
    return sizes


def _ratio(above: FloatArray, below: FloatArray, eps: float, sizes: FloatArray) -> FloatArray:
    """Numerator over scale + eps; 0 where the numerator is what rounding leaves of equal rewards of these sizes."""
    small = abs(above) <= _LEAST * sizes
    divisor = np.where(small, 1.0, below + eps)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(small, 0.0, above / divisor)
