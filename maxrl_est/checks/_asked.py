"""What is asked of the checks, made sure of once: the function, what it should ascend, and at which group sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from maxrl_est._arguments import different, flag, listed, whole, words
from maxrl_est._typing import Estimator
from maxrl_est.checks._subject import Subject, on_binary_rewards
from maxrl_est.estimators import NamedEstimator, SequentialEstimator, chosen
from maxrl_est.targets import A_TARGET, LogMean, Target

GROUP_SIZES = (1, 2, 3, 4, 8)
MAX_SIZE = 64
Wanted: TypeAlias = Target | Callable[[int], Target | None] | None


def subject_of(
    estimator: str | Estimator,
    *,
    objective: Wanted = None,
    group_sizes: Sequence[int] = GROUP_SIZES,
    binary_only: bool = False,
    positive_only: bool = False,
    monte_carlo: int | None = None,
    seed: int = 0,
) -> Subject:
    """What is checked, from the arguments of `check_estimator`; TypeError or ValueError for bad ones."""
    function = chosen(estimator)
    if isinstance(function, SequentialEstimator):
        raise TypeError(
            f"estimator must be a function of likelihoods (..., N), got {function.name!r}, which draws rollouts itself"
        )
    given = listed("group_sizes", group_sizes, f"ints in [1, {MAX_SIZE}]")
    sizes = [whole(f"group_sizes[{index}]", n, 1, MAX_SIZE) for index, n in enumerate(given)]
    different("group_sizes", sizes)
    least = max(2, _least_size(objective)) if isinstance(objective, Target) else 2
    sizes = [n for n in sizes if n == 1 or n >= least]
    if not any(n > 1 for n in sizes):
        raise ValueError(f"group_sizes must have a size of at least {least}, got {given}")
    return Subject(
        function,
        _label(function),
        _targets(objective, sizes),
        tuple(sizes),
        flag("binary_only", binary_only),
        flag("positive_only", positive_only) or getattr(function, "positive_only", False),
        None if monte_carlo is None else whole("monte_carlo", monte_carlo, 2),
        whole("seed", seed, 0),
    )


def _targets(objective: Any, sizes: Sequence[int]) -> dict[int, Target | None] | None:
    """The target at each group size above 1, None where there is none; None if nothing is declared at all."""
    if objective is None:
        return None
    if isinstance(objective, Target):
        return dict.fromkeys(sizes, objective)
    if not callable(objective):
        raise TypeError(f"objective must be {A_TARGET}, or a function of the group size, got {words(objective)}")
    targets = {n: objective(n) for n in sizes if n > 1}
    for n, target in targets.items():
        if not isinstance(target, Target | None):
            raise TypeError(f"objective({n}) must be {A_TARGET}, or None, got {words(target)}")
    return targets


def _least_size(target: Target) -> int:
    """Rollouts that an unbiased estimate of its gradient takes."""
    objective = on_binary_rewards(target)
    return objective.order if objective else target.n if isinstance(target, LogMean) else 1


def _label(function: Any) -> str:
    """How the function is written: so that a line with it can be run where the function is at hand."""
    if isinstance(function, NamedEstimator):
        return f"maxrl_est.estimators.get({function.name!r})"
    return str(getattr(function, "__qualname__", repr(function)))
