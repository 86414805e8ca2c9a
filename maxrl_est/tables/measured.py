"""The estimator table: bias, variance and cost of every estimator on every problem, exact wherever that is possible.

Evidence in this order: every group enumerated, a closed form, and only then sampling, marked with its standard
error. ``maxrl-est table`` prints it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from numbers import Integral
from typing import Any

import numpy as np

from maxrl_est._typing import FloatArray, Problem
from maxrl_est.estimators import NamedEstimator, SequentialEstimator, get, names, sequential_names
from maxrl_est.measures import moments, target_gradient
from maxrl_est.measures.optimal import ustat_optimal
from maxrl_est.objectives import Objective
from maxrl_est.problems import Bandit, Bernoulli, Chain, Contextual, Gaussian
from maxrl_est.problems.finite import Finite
from maxrl_est.tables.rows import BiasVarianceTable, TableRow

PROBLEMS: dict[str, Problem] = {
    "bernoulli": Bernoulli(0.1),
    "bandit": Bandit([0.5, 0.3, 0.2], [0.05, 0.4, 0.9]),
    "contextual": Contextual([Bernoulli(p) for p in (0.01, 0.03, 0.1, 0.3, 0.6, 0.9)]),
    "chain": Chain([0.6, 0.5, 0.4], [0.0, 0.1, 0.3, 1.0]),
    "gaussian": Gaussian(0.0, 1.0, 1.0, 0.5),
    "gaussian-3d": Gaussian([0.0, 0.0, 0.0], 1.0, [1.0, 0.5, 0.0], 1.0, learn_scale=True),
}
GROUP_SIZES = (4, 8, 16)
OPTIMAL = "ustat_optimal"  # made for each problem, since its constant needs the moments
GROUPS = 1 << 18  # drawn for each sampled row


def bias_variance_table(
    problems: Mapping[str, Problem] | None = None,
    estimators: Sequence[str | NamedEstimator | SequentialEstimator] | None = None,
    n: int | Sequence[int] = GROUP_SIZES,
    *,
    groups: int = GROUPS,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> BiasVarianceTable:
    """Bias, variance and cost of one group's gradient estimate, for all combinations.

    Parameters
    ----------
    problems : by name; None: six of them, 0/1 and graded, of one and of many parameters
    estimators : names or rows; None: all, with ``"ustat_optimal"``, whose constant is computed for each problem
    n : group size or sizes
    groups : drawn for rows that can neither be enumerated nor have a closed form (on Gaussian problems)
    seed : of the sampled rows; a row is the same whichever others are asked for

    Variances of rows with different targets are not comparable; ``relative_variance`` compares with the best
    unbiased row of the same target, problem and n. An estimator that cannot be evaluated has a row that says why.

    >>> table = bias_variance_table({"coin": Bernoulli(0.25)}, ["maxrl", "maxrl_cv", "rloo"], 4)
    >>> [(row.estimator, row.target, round(row.total_variance, 4)) for row in table.rows]
    [('maxrl', 'J_4', 0.1217), ('maxrl_cv', 'J_4', 0.0499), ('rloo', 'expected', 0.0176)]
    """
    problems = PROBLEMS if problems is None else problems
    if isinstance(estimators, str):
        raise TypeError(f"estimators is {estimators!r}: it is a list of names or rows")
    chosen = default_rows() if estimators is None else tuple(estimators)
    sizes: tuple[Any, ...] = tuple(n) if isinstance(n, Iterable) else (n,)
    _check(problems, chosen, sizes, groups, seed)
    rows: list[TableRow] = []
    for name, problem in problems.items():
        for size in sizes:
            section = []
            for row in chosen:
                if progress:
                    progress(f"{name}, N = {size}: {row if isinstance(row, str) else row.name}")
                section.append(_row(name, problem, row, size, groups, seed))
            rows += _compared(section)
    return BiasVarianceTable(tuple(rows), {"seed": str(seed), "groups sampled": str(groups), **_versions()})


def _check(problems: Mapping[str, Any], rows: Sequence[Any], sizes: Sequence[Any], groups: int, seed: int) -> None:
    """Refuse what makes no table, before the work; names are looked up so that a wrong one is found now."""
    if not isinstance(problems, Mapping):
        raise TypeError(f"problems is {problems!r:.60}: it is a dict of problems by their names")
    for name, given, what in (
        ("problems", problems, "problem"),
        ("estimators", rows, "row"),
        ("n", sizes, "group size"),
    ):
        if not given:
            raise ValueError(f"{name} is {'{}' if isinstance(given, Mapping) else []}: at least one {what}")
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, Integral) or size < 1:
            raise ValueError(f"n is {size!r}: a group has at least 1 rollout, an int")
    if groups < 2:
        raise ValueError(f"groups is {groups}: at least 2 are drawn")
    if seed < 0:
        raise ValueError(f"seed is {seed}: it is an int of at least 0")
    for row in rows:
        if isinstance(row, str) and row != OPTIMAL:
            get(row)


def default_rows() -> tuple[str, ...]:
    """Names of all rows, in the order of the table."""
    return (*names(), OPTIMAL, *sequential_names())


def _row(
    name: str, problem: Problem, row: str | NamedEstimator | SequentialEstimator, n: int, groups: int, seed: int
) -> TableRow:
    if isinstance(row, str):
        row = ustat_optimal(problem, n) if row == OPTIMAL else get(row)
    target = row.target(n)
    blank = TableRow(name, n, row.name, target.name if target else "none", "none")
    if reason := _refusal(problem, row, n):
        return replace(blank, note=reason)
    measured = moments(problem, row, n, replicates=groups, seed=seed)
    mean, total_variance = measured.mean.astype(np.float64), float(measured.total_variance)
    filled = replace(
        blank,
        method=measured.method,
        total_variance=total_variance,
        rollouts=float(measured.rollouts),
        variance_error=measured.total_variance_error,
    )
    try:
        truth = target_gradient(problem, target or Objective.expected()).astype(np.float64)
    except ValueError:  # a continuum of outcomes
        return replace(filled, note="its target has no closed form here")
    filled = replace(filled, angle=_degrees(mean, truth))
    if target is None:
        return filled
    bias, size = float(np.linalg.norm(mean - truth)), float(np.linalg.norm(truth))
    return replace(
        filled,
        bias=bias,
        relative_bias=bias / size if size else None,
        mse=total_variance + bias**2,
        bias_error=float(np.linalg.norm(measured.standard_error)),
    )


def _refusal(problem: Problem, row: NamedEstimator | SequentialEstimator, n: int) -> str:
    """Why a row has no estimate here; empty if it has one."""
    if row.positive_only and any(isinstance(x, Finite) and not x.likelihoods.all() for _, x in problem.prompts):
        return "needs l > 0"
    if isinstance(row, SequentialEstimator) and not all(prompt.pass_rate for _, prompt in problem.prompts):
        return "needs p > 0"
    if isinstance(row, NamedEstimator):
        try:
            row(np.full(n, 0.5))
        except ValueError as error:
            return str(error)
    return ""


def _degrees(a: FloatArray, b: FloatArray) -> float | None:
    """The angle between two vectors, None if one is zero."""
    sizes = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    return math.degrees(math.acos(min(1.0, max(-1.0, float(a @ b) / sizes)))) if sizes else None


def _compared(rows: list[TableRow]) -> list[TableRow]:
    """The rows of one problem and group size, each with its variance over the best of its target."""
    best: dict[str, float] = {}
    for row in rows:
        if row.unbiased and row.total_variance is not None:
            best[row.target] = min(row.total_variance, best.get(row.target, math.inf))
    return [
        replace(row, relative_variance=row.total_variance / best[row.target])
        if row.total_variance is not None and best.get(row.target)
        else row
        for row in rows
    ]


def _versions() -> dict[str, str]:
    packages = ("maxrl-est", "numpy", "numba")
    return {"date": datetime.now(UTC).date().isoformat()} | {name: version(name) for name in packages}
