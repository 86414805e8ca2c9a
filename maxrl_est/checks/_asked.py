"""What is asked of the checks, made sure of once: the function, what it should ascend, and at which group sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from maxrl_est._arguments import different, flag, listed, name_of, one_of, positive, seed_of, whole, words
from maxrl_est._arguments.protocols import Array, Estimator
from maxrl_est.checks._subject import TOLERANCE, Subject
from maxrl_est.estimators import NamedEstimator, SequentialEstimator, chosen
from maxrl_est.estimators._functions.wrapped import as_it_stands
from maxrl_est.estimators.designs import Design
from maxrl_est.estimators.designs._design import design_of
from maxrl_est.measures._bernstein import bernstein_of
from maxrl_est.measures._columns import shown
from maxrl_est.measures._known import nearest
from maxrl_est.measures._nearest import Weight
from maxrl_est.measures._precision import DOUBLE, SHORTER
from maxrl_est.measures._two_values import two_values
from maxrl_est.objectives.targets import A_TARGET, LogMean, Target, on_binary_rewards

GROUP_SIZES = (1, 2, 3, 4, 8, 16, 64)
MAX_SIZE = 1024
_ASKED = 16  # rollouts, for which a row is asked what it states
FORMATS = {format.name: format for format in (DOUBLE, *SHORTER)}
Wanted: TypeAlias = Target | Callable[[int], Target | None] | None


def subject_of(
    estimator: str | Estimator,
    *,
    objective: Wanted = None,
    group_sizes: Sequence[int] = GROUP_SIZES,
    design: Design | None = None,
    binary_only: bool = False,
    positive_only: bool = False,
    values: tuple[Any, Any] = (0, 1),
    tolerance: float = TOLERANCE,
    scale: float | None = None,
    precision: str | None = None,
    same_as: str | Estimator | None = None,
    monte_carlo: int | None = None,
    seed: int = 0,
) -> Subject:
    """What is checked, from the arguments of `check_estimator`; TypeError or ValueError for bad ones."""
    function = _of_groups("estimator", estimator)
    only_positive = flag("positive_only", positive_only) or getattr(function, "positive_only", False)
    if objective is None and isinstance(function, NamedEstimator) and (only_positive or _has_no_usual_name(function)):
        objective = function.target  # logarithms have no 0/1 rewards to read it off
    least = max(2, _least_size(objective)) if isinstance(objective, Target) else 2
    if design is None:
        sizes = _sizes(group_sizes, least)
    else:
        usual = None if group_sizes is GROUP_SIZES else group_sizes
        alone = {"group_sizes": usual, "same_as": same_as, "monte_carlo": monte_carlo}
        for argument in (name for name, given in alone.items() if given is not None):
            raise ValueError(f"{argument} must not be given with a design, whose groups are those that are checked")
        sizes = [design_of(design).cap]
        if design.cap < least:
            wanted = "2 rollouts or more" if least == 2 else f"{least} rollouts or more for what is asked"
            raise ValueError(f"design must draw up to {wanted}, got {design}")
    stated = None if precision is None else FORMATS[one_of("precision", precision, FORMATS)]
    failure, success = two_values(values)
    encoded = (failure, success) != (Fraction(0), Fraction(1))
    other = None if same_as is None else _of_groups("same_as", same_as)
    return Subject(
        _Encoded(function, failure, success) if encoded else function,
        name_of(function),
        f"(lambda r: {_label(function)}({float(failure)} + {float(success - failure)} * r))"
        if encoded
        else _label(function),
        getattr(function, "how", ""),
        f"rewards {shown(failure)} and {shown(success)}" if encoded else "0/1 rewards",
        _targets(objective, sizes),
        tuple(sizes),
        design,
        flag("binary_only", binary_only) or encoded,
        only_positive,
        stated,
        max(positive("tolerance", tolerance), stated.rounding if stated else 0.0),
        None if scale is None else positive("scale", scale),
        _Encoded(other, failure, success) if encoded and other else other,
        None if monte_carlo is None else whole("monte_carlo", monte_carlo, 2),
        seed_of("seed", seed),
    )


def _sizes(group_sizes: Sequence[int], least: int) -> list[int]:
    """The group sizes, without those from 2 on that are below the least."""
    given = listed("group_sizes", group_sizes, f"ints in [1, {MAX_SIZE}]")
    sizes = [whole(f"group_sizes[{index}]", n, 1, MAX_SIZE) for index, n in enumerate(given)]
    different("group_sizes", sizes)
    sizes = [n for n in sizes if n == 1 or n >= least]
    if not any(n > 1 for n in sizes):
        raise ValueError(f"group_sizes must have a size of at least {least}, got {words(given)}")
    return sizes


def _of_groups(argument: str, estimator: Any) -> Estimator:
    """The function that is meant, refused if it draws for itself."""
    function: Estimator = as_it_stands(chosen(estimator, argument))
    if isinstance(function, SequentialEstimator):
        raise TypeError(
            f"{argument} must be a function of likelihoods (..., N), got {function.name!r}, which draws rollouts itself"
        )
    return function


@dataclass(frozen=True)
class _Encoded:
    """A function of two rewards as one of 0 and 1, in the types that are given: ints stay ints."""

    function: Any
    failure: Fraction
    success: Fraction

    @property
    def name(self) -> str:
        return name_of(self.function)

    def __call__(self, rewards: Array, /) -> Array:
        advantages: Array = self.function(self._of(rewards))
        return advantages

    @property
    def ragged(self) -> Callable[[Sequence[Array]], list[Array]] | None:
        """That of the function, where it takes groups of different sizes."""
        found = getattr(self.function, "ragged", None)
        return found and (lambda groups: found([self._of(group) for group in groups]))

    def _of(self, rewards: Array) -> Array:
        given = np.asarray(rewards)
        whole = self.failure.denominator == self.success.denominator == 1
        kind: Any = Fraction if given.dtype == object else int if whole and given.dtype.kind in "biu" else float
        return np.asarray(kind(self.failure) + kind(self.success - self.failure) * given)


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


def _has_no_usual_name(row: NamedEstimator) -> bool:
    """Whether what a row states is an objective that no effective weight is called by, such as a median's."""
    stated = on_binary_rewards(row.target(_ASKED))
    if stated is None or stated.order > _ASKED:
        return False
    return not nearest(Weight(bernstein_of(stated.rational_coefficients, _ASKED), None), TOLERANCE).known


def _label(function: Any) -> str:
    """How the function is written: so that a line with it can be run where the function is at hand."""
    if isinstance(function, NamedEstimator):
        return f"maxrl_est.estimators.get({function.name!r})" if function.notes else function.name
    name = str(getattr(function, "__qualname__", type(function).__name__)).rpartition("<locals>.")[2]
    return "f" if name == "<lambda>" else name
