"""What a table has rows of: estimators by their names, and functions of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from maxrl_est._arguments import name_of, several, words
from maxrl_est._arguments.protocols import Array, Estimator
from maxrl_est.ascent import objective_of
from maxrl_est.estimators import NamedEstimator, SequentialEstimator, chosen, get, names, sequential_names
from maxrl_est.estimators.designs import Design
from maxrl_est.estimators.designs._sequential import UnderDesign
from maxrl_est.measures import effective_weight
from maxrl_est.objectives import Objective

LARGEST = 64  # rollouts, up to which all groups of three levels are tried
OPTIMAL = "ustat_optimal"  # made for each problem, since its constant needs the moments


@dataclass(frozen=True, slots=True)
class OwnRow:
    """A function of one's own as a row of the table; whatever it raises is a ValueError, which the table shows."""

    name: str
    function: Estimator
    positive_only: bool

    def __call__(self, likelihoods: Array, /) -> Array:
        """Advantages (..., N) of likelihoods (..., N)."""
        try:
            with np.errstate(all="ignore"):  # it may not be meant for all of these, and NaN is refused later
                return self.function(likelihoods)
        except (Exception, SystemExit) as error:
            message = " ".join(str(error).split())  # a line, for a cell
            raise ValueError(f"raised {type(error).__name__}: {message}") from error

    def target(self, n: int) -> Objective | None:
        """The objective that it ascends on 0/1 rewards, exactly or times a constant; None if that has no name."""
        return _ascended(self, n, None)


def _ascended(function: Estimator, n: int | None, design: Design | None) -> Objective | None:
    """What it ascends on 0/1 rewards in groups of n or of a design; None if that has no name."""
    try:
        near = effective_weight(function, n, design=design).nearest()
    except (TypeError, ValueError):
        return None
    if not near.known:
        return None
    expected = Objective.expected()
    return expected if near.objective == expected else near.objective  # J_1 by the name that rows give it


Entry: TypeAlias = NamedEstimator | SequentialEstimator | OwnRow
_ROWS = (str, NamedEstimator, SequentialEstimator)


def entries_by_name(estimators: Any) -> dict[str, Entry | str]:
    """What a table is asked for by the names to show; all rows for None. `OPTIMAL` stays a name."""
    if estimators is None:
        estimators = default_rows()
    if isinstance(estimators, str) or callable(estimators):
        estimators = [estimators]
    if not several(estimators):
        rule = "names, rows or functions, one or a list, or a dict of them by the names to show"
        raise TypeError(f"estimators must be {rule}, got {words(estimators)}")
    named = estimators.items() if isinstance(estimators, Mapping) else enumerate(estimators)
    entries: dict[str, Entry | str] = {}
    for key, estimator in named:
        row = _row(f"estimators[{words(key)}]", estimator)
        name = key if isinstance(key, str) else estimator if isinstance(estimator, str) else name_of(estimator)
        if name in entries:
            raise ValueError(f"estimators must have different names, got {name!r} twice; a dict gives them names")
        entries[name] = row if isinstance(row, _ROWS) else OwnRow(name, row, getattr(row, "positive_only", False))
    if not entries:
        raise ValueError(f"estimators must have at least one row, got {words(estimators)}")
    return entries


def default_rows() -> tuple[str, ...]:
    """Names of all rows, in the order of the table."""
    return (*names(), OPTIMAL, *sequential_names())


def _row(argument: str, estimator: Any) -> Any:
    """A row, `OPTIMAL`, or a function as it is."""
    if isinstance(estimator, str) and estimator == OPTIMAL:
        return OPTIMAL
    row = chosen(estimator, argument)
    if isinstance(row, UnderDesign) and not isinstance(row.rule, Objective):
        return replace(row, ascends=_ascended(row.rule, None, row.design))
    return row


def is_gradient(entry: Entry | str, n: int) -> bool | None:
    """Whether E[g] is a gradient on rewards of three levels, to rounding; None where that cannot be said.

    `OPTIMAL` is `ustat` with another constant, which moves no mean.
    """
    if isinstance(entry, str):
        return is_gradient(get("ustat"), n)
    if isinstance(entry, SequentialEstimator) or n > LARGEST:
        return None

    def in_floats(rewards: Array) -> Array:
        return entry(rewards.astype(np.float64))

    least = Fraction(1, 4) if entry.positive_only else 0
    try:
        return objective_of(in_floats, n, (least, Fraction(1, 2), 1)).verdict == "gradient"
    except (TypeError, ValueError):
        return None
