"""What a row of the table is, and how a function becomes one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any, TypeAlias

import numpy.typing as npt

from maxrl_est._arguments.protocols import Array
from maxrl_est.estimates.groups import groups_of
from maxrl_est.objectives.targets import Target

Affine: TypeAlias = tuple[tuple[Fraction, ...], tuple[Fraction, ...]]


def not_affine(n: int, **own: int) -> None:
    """Coefficients of a row that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What a reader has to know of a row, in words.

    >>> print(Notes(estimates="grad p", how="score function", unbiased="always", cost="O(N)", source="Williams 1992"))
    estimates: grad p
    how: score function
    unbiased: always
    cost: O(N)
    source: Williams 1992
    """

    estimates: str  # the gradient of what
    how: str
    unbiased: str  # when it is, and which groups it refuses
    cost: str  # of a group
    source: str

    def __str__(self) -> str:
        return "\n".join(f"{field.name}: {getattr(self, field.name)}" for field in fields(self))


@dataclass(frozen=True, slots=True)
class NamedEstimator:
    """A row of the table: an advantage function and what is known of it. Call it on likelihoods.

    Parameters
    ----------
    name : what reports and tables call it
    function : takes checked likelihoods (B, N), float64 or Fractions, and returns advantages (B, N)
    target : takes the group size and returns what the row is meant to ascend; None where that has no name
    notes : what readers have to know; None for a function of one's own
    binary_only : whether it is meant for 0/1 rewards
    positive_only : whether it takes logarithms, so that a likelihood of 0 is refused
    any_reward : whether it takes any finite rewards, and not only numbers in [0, 1]
    affine : takes the group size and returns (c, d), up to N coefficients each, if
        ``A_i = sum_k (c_k l_i - d_k) E_k`` with E_k of the other rollouts; None where it is not so

    >>> row = NamedEstimator("plain", lambda l: l, lambda n: None)
    >>> row([1, 0])
    array([1., 0.])
    """

    name: str
    function: Callable[..., Array]
    target: Callable[[int], Target | None]
    notes: Notes | None = None
    binary_only: bool = False
    positive_only: bool = False
    affine: Callable[[int], Affine | None] = not_affine
    any_reward: bool = False

    def __call__(self, likelihoods: npt.ArrayLike, /) -> Array:
        """Advantages (..., N) of likelihoods (..., N), or of any finite rewards if the row takes them, in a new array.

        TypeError or ValueError, as by `maxrl_est.loo_weights`, for what are no likelihoods; and where the row needs
        more rollouts, takes logarithms of 0, or has no exact value on Fractions.
        """
        groups = groups_of(likelihoods, any_reward=self.any_reward)
        if self.positive_only:
            groups.need_positive()
        found: Array = groups.back(self.function(groups.values))
        return found


@dataclass(frozen=True, slots=True)
class Row:
    """A function of the table before its name is read: ``parameter`` is what that may set, as in ``passk(4)``."""

    function: Callable[..., Array]
    target: Callable[..., Target | None]
    notes: Notes
    affine: Callable[..., Affine | None]
    binary_only: bool
    positive_only: bool
    any_reward: bool
    parameter: str | None

    def having(self, name: str, own: Mapping[str, int]) -> NamedEstimator:
        """The row with its parameter set, or left as it is."""

        def bound(function: Callable[..., Any]) -> Callable[..., Any]:
            return functools.partial(function, **own) if own else function

        return NamedEstimator(
            name,
            bound(self.function),
            bound(self.target),
            self.notes,
            self.binary_only,
            self.positive_only,
            bound(self.affine),
            self.any_reward,
        )


_ROWS: dict[Callable[..., Array], Row] = {}


def row(
    target: Callable[..., Target | None],
    notes: Notes,
    *,
    affine: Callable[..., Affine | None] = not_affine,
    binary_only: bool = False,
    positive_only: bool = False,
    any_reward: bool = False,
    parameter: str | None = None,
) -> Callable[[Callable[..., Array]], Callable[..., Array]]:
    """Say of a function what a row of the table has to say; `_registry` lists the rows.

    ``target`` and ``affine`` take the group size and, where the row has a ``parameter``, that too by its name.
    """

    def describe(function: Callable[..., Array]) -> Callable[..., Array]:
        _ROWS[function] = Row(function, target, notes, affine, binary_only, positive_only, any_reward, parameter)
        return function

    return describe


def row_of(function: Callable[..., Array]) -> Row:
    """What `row` said of a function."""
    return _ROWS[function]
