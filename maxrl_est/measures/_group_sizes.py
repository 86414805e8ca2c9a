"""Few large groups or many small ones: how a budget of rollouts of a prompt is best cut into groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maxrl_est._arguments import at, different, listed, whole, words
from maxrl_est._arguments.protocols import Estimator, Problem
from maxrl_est.measures._columns import Columns
from maxrl_est.measures._evidence import moments
from maxrl_est.measures._sizes import MAX_GROUP


@dataclass(frozen=True, slots=True)
class GroupSizes(Columns):
    """For each size N (X,): the groups that a budget makes, and the noise of the mean over them.

    Noise is the total variance over the squared length of what is estimated, so that no size is preferred for a factor.
    """

    budget: int
    sizes: tuple[int, ...]
    groups: tuple[int, ...]
    noise: tuple[float, ...]

    @property
    def best(self) -> int:
        """The size of least noise; of equal ones the smallest."""
        return min(zip(self.noise, self.sizes, strict=True))[1]

    def title(self) -> list[str]:
        """The best size."""
        return [f"N = {self.best} has the least noise of {self.budget} rollouts"]

    def columns(self) -> dict[str, Any]:
        """A row for each size."""
        return {"N": self.sizes, "groups": self.groups, "noise": self.noise}


def best_group_size(problem: Problem, estimator: str | Estimator, budget: int, sizes: Sequence[int]) -> GroupSizes:
    """The N for which the mean over budget/N groups has the least variance, relative to its squared length.

    By exact moments or a closed form. Not a comparison of objectives: an estimator that ascends another one for each N,
    as MaxRL of order N does, has another signal too.

    Parameters
    ----------
    problem : a law
    estimator : a name, a row or a function of likelihoods (..., N)
    budget : rollouts in all
    sizes : the N to compare, up to the budget; rollouts that are left over are not drawn

    Returns
    -------
    `GroupSizes`: ``best``, and the noise of each

    Raises
    ------
    TypeError, ValueError
        Where an argument is not so, the estimator refuses groups of some size, or its moments would have to be drawn.

    >>> from maxrl_est import problems
    >>> print(best_group_size(problems.Bernoulli(0.1), "ustat_mean_loo(2)", 64, [2, 4, 8]))
    N = 8 has the least noise of 64 rollouts
    N  groups  noise
    -  ------  --------
    2  32      0.142361
    4  16      0.119771
    8  8       0.108428
    """
    budget = whole("budget", budget, 1, MAX_GROUP)
    given = [whole(at("sizes", [x]), n, 1, budget) for x, n in enumerate(listed("sizes", sizes, "ints"))]
    if not given:
        raise ValueError("sizes must have at least 1 size, got none")
    different("sizes", given)
    groups = tuple(budget // n for n in given)
    noise = tuple(_noise(problem, estimator, n) / count for n, count in zip(given, groups, strict=True))
    if min(noise) == math.inf:
        raise ValueError(f"problem must be one at which the mean of the estimate is not 0, got {words(problem)}")
    return GroupSizes(budget, tuple(given), groups, noise)


def _noise(problem: Problem, estimator: str | Estimator, n: int) -> float:
    """Of one group."""
    found = moments(problem, estimator, n, replicates=2)
    if found.method == "sampled":
        raise ValueError(
            f"problem must have exact moments for groups of {n}, got {words(problem)}, which has to be sampled"
        )
    mean = found.mean.astype(np.float64)
    signal = float(mean @ mean)
    return float(found.total_variance) / signal if signal else math.inf
