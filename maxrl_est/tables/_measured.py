"""The estimator table: bias, variance and cost of every estimator on every problem, exact wherever that is possible.

Evidence in this order: every group enumerated, a closed form, and only then sampling, marked with its standard
error. ``maxrl-est table`` prints it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np

from maxrl_est._arguments import different, seed_of, several, versions, whole, words
from maxrl_est._arguments.protocols import Estimator, FloatArray, Problem, Prompt
from maxrl_est.confidence._values import number_of
from maxrl_est.estimators import NamedEstimator, SequentialEstimator
from maxrl_est.estimators.designs._sequential import UnderDesign
from maxrl_est.measures._bound import variance_bound
from maxrl_est.measures._evidence import moments
from maxrl_est.measures._gradients import target_gradient
from maxrl_est.measures._optimal import ustat_optimal
from maxrl_est.objectives import Objective
from maxrl_est.objectives.targets import LogPassRate, Target
from maxrl_est.problems import Bandit, Bernoulli, Chain, Contextual, Gaussian
from maxrl_est.problems._finite import Finite
from maxrl_est.problems._laws import law
from maxrl_est.tables._contents import Entry, OwnRow, entries_by_name, is_gradient
from maxrl_est.tables._drawn_once import DrawnOnce
from maxrl_est.tables._results import BiasVarianceTable, TableRow

PROBLEMS: dict[str, Problem] = {
    "bernoulli": Bernoulli(0.1),
    "bandit": Bandit([0.5, 0.3, 0.2], [0.05, 0.4, 0.9]),
    "contextual": Contextual([Bernoulli(p) for p in (0.01, 0.03, 0.1, 0.3, 0.6, 0.9)]),
    "chain": Chain([0.6, 0.5, 0.4], [0.0, 0.1, 0.3, 1.0]),
    "gaussian": Gaussian(0.0, 1.0, 1.0, 0.5),
    "gaussian-3d": Gaussian([0.0, 0.0, 0.0], 1.0, [1.0, 0.5, 0.0], 1.0, learn_scale=True),
}
GROUP_SIZES = (4, 8, 16)
GROUPS = 1 << 18  # drawn for each sampled row

Choice: TypeAlias = str | Estimator | SequentialEstimator


def bias_variance_table(
    problems: Mapping[str, Problem] | None = None,
    estimators: Sequence[Choice] | Mapping[str, Choice] | None = None,
    n: int | Sequence[int] = GROUP_SIZES,
    *,
    groups: int = GROUPS,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> BiasVarianceTable:
    """Bias, variance and cost of one group's gradient estimate, for all combinations.

    Variances of rows with different targets are not comparable; ``relative_variance`` compares with the best
    unbiased row of the same target, problem and n, and ``times_limit`` of an unbiased row with `variance_bound`, the
    least that any unbiased estimate can have there, where that is above 0. An estimator that cannot be evaluated has a
    row that says why.

    Parameters
    ----------
    problems : by name; None: six of them, 0/1 and graded, of one and of many parameters
    estimators : names, rows, or functions of likelihoods (..., N), or a dict of them by the names to show; None: all
        rows, with ``"ustat_optimal"``, whose constant is computed for each problem. A function of one's own is
        compared with the objective that it ascends on 0/1 rewards, exactly or times a constant, which then shows as
        bias; it has no target where `maxrl_est.effective_weight` finds none. So is a rule under a design, by
        `maxrl_est.designs.sequential`, on 0/1 rewards: at the same cost in rollouts whatever n is
    n : group size or sizes
    groups : drawn for rows that can neither be enumerated nor have a closed form (on Gaussian problems)
    seed : of the sampled rows; a row is the same whichever others are asked for
    progress : told what is measured next

    Returns
    -------
    A `BiasVarianceTable`, with rows by problem, group size and estimator

    Raises
    ------
    TypeError, ValueError
        For arguments that are not as above, before any work.

    >>> table = bias_variance_table({"coin": Bernoulli(0.25)}, ["maxrl", "maxrl_cv", "rloo"], 4)
    >>> [(row.estimator, row.target, round(row.total_variance, 4)) for row in table.rows]
    [('maxrl', 'J_4', 0.1217), ('maxrl_cv', 'J_4', 0.0499), ('rloo', 'expected', 0.0176)]
    >>> from maxrl_est import designs
    >>> first = designs.sequential("maxrl", designs.until_successes(1, 4))
    >>> [row] = bias_variance_table({"coin": Bernoulli(0.25)}, [first], 4).rows
    >>> row.estimator, row.target, row.unbiased, round(row.total_variance, 4), row.rollouts
    ('maxrl, until_successes(1, 4)', 'J_4', True, 0.1217, 2.734375)
    """
    chosen, laws, sizes = entries_by_name(estimators), _laws(problems), _sizes(n)
    groups, seed = number_of("groups", groups, 2), seed_of("seed", seed)
    rows: list[TableRow] = []
    gradients = {(shown, size): is_gradient(row, size) for shown, row in chosen.items() for size in sizes}
    for name, problem in laws.items():
        for size in sizes:
            section, once = [], DrawnOnce(problem)
            for shown, row in chosen.items():
                if progress:
                    progress(f"{name}, N = {size}: {shown}")
                found = _row_or_reason(name, once, row, size, groups, seed)
                section.append(replace(found, estimator=shown, gradient=gradients[shown, size]))
            rows += _compared(section)
    return BiasVarianceTable(tuple(rows), {"seed": str(seed), "groups sampled": str(groups), **_made_with()})


def _laws(problems: Any) -> Mapping[str, Problem]:
    if problems is None:
        return PROBLEMS
    if not isinstance(problems, Mapping):
        raise TypeError(f"problems must be a dict of problems by their names, got {words(problems)}")
    if not problems:
        raise ValueError("problems must have at least one problem, got {}")
    for name in problems:
        if not isinstance(name, str):
            raise TypeError(f"problems must be named by strings, got the name {name!r}")
    return {name: law(problem, f"problems[{name!r}]") for name, problem in problems.items()}


def _sizes(n: Any) -> list[int]:
    if not several(n):
        return [whole("n", n)]
    sizes = [whole(f"n[{index}]", size) for index, size in enumerate(n)]
    if not sizes:
        raise ValueError(f"n must have at least one group size, got {words(n)}")
    different("n", sizes)
    return sizes


def _row_or_reason(name: str, once: DrawnOnce, row: Entry | str, n: int, groups: int, seed: int) -> TableRow:
    """The row, or one that says why the estimator has no estimate here."""
    if isinstance(row, str):
        row = ustat_optimal(once.problem, n)
    try:
        return _row(name, once, row, n, groups, seed)
    except (TypeError, ValueError) as error:
        if not isinstance(row, OwnRow):
            raise
        return TableRow(name, n, row.name, "none", "none", note=str(error))


def _row(name: str, once: DrawnOnce, row: Entry, n: int, groups: int, seed: int) -> TableRow:
    problem, target = once.problem, row.target(n)
    blank = TableRow(name, n, row.name, target.name if target else "none", "none")
    if reason := _refusal(problem, row, n):
        return replace(blank, note=reason)
    measured = moments(once, row, n, replicates=groups, seed=seed)
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
    found = replace(
        filled,
        bias=bias,
        relative_bias=bias / size if size else None,
        mse=total_variance + bias**2,
        bias_error=float(np.linalg.norm(measured.standard_error)),
        limit=None if isinstance(row, SequentialEstimator) else _limit(problem, target, n),
    )
    if not (found.unbiased and found.limit and total_variance):
        return found
    return replace(found, times_limit=total_variance / found.limit, efficiency=found.limit / total_variance)


def _limit(problem: Problem, target: Target, n: int) -> float | None:
    """The least variance of an unbiased estimate from n rollouts; None where none is known above 0."""
    if not isinstance(target, Objective):
        return None
    try:
        return float(variance_bound(problem, target, n).total_variance) or None
    except ValueError:  # of a higher order than n, or too large
        return None


def _refusal(problem: Problem, row: Entry, n: int) -> str:
    """Why a row has no estimate here; empty if it has one."""
    if row.positive_only and any(map(_may_be_zero, (prompt for _, prompt in problem.prompts))):
        return "needs l > 0"
    if isinstance(row, UnderDesign) and not all(_binary(prompt) for _, prompt in problem.prompts):
        return "needs rewards of 0 and 1"
    of_log_p = isinstance(row, SequentialEstimator) and isinstance(row.ascends, LogPassRate)
    if of_log_p and not all(prompt.pass_rate for _, prompt in problem.prompts):
        return "needs p > 0"
    if isinstance(row, NamedEstimator):
        try:
            row(np.full(n, 0.5))
        except ValueError as error:
            return str(error)
    return ""


def _may_be_zero(prompt: Prompt) -> bool:
    """Whether a likelihood of 0 can be drawn: it is listed, or rewards are 0/1."""
    if isinstance(prompt, Finite):
        return not prompt.likelihoods.all()
    return _binary(prompt)


def _binary(prompt: Prompt) -> bool:
    """Whether rewards are 0 and 1."""
    if isinstance(prompt, Finite):
        return bool(np.isin(prompt.likelihoods, (0, 1)).all())
    return bool(prompt.moments.p2 == prompt.moments.p)


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


def _made_with() -> dict[str, str]:
    return {"date": datetime.now(UTC).date().isoformat()} | versions("maxrl-est", "numpy", "numba")
