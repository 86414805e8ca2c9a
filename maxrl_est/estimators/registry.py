"""The rows of the table by name."""

from __future__ import annotations

import difflib
import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy.typing as npt

from maxrl_est._typing import Array
from maxrl_est.estimates.groups import groups_of
from maxrl_est.estimators.sequential import SEQUENTIAL, SequentialEstimator
from maxrl_est.targets import Target

Affine: TypeAlias = tuple[tuple[Fraction, ...], tuple[Fraction, ...]]


def not_affine(n: int, **own: int) -> None:
    """Coefficients of a row that has none."""


@dataclass(frozen=True, slots=True)
class NamedEstimator:
    """A row of the table: an advantage function with its name, target and source. Call it on likelihoods."""

    name: str
    function: Callable[..., Array]
    target: Callable[[int], Target | None]  # for groups of n; None where what it ascends has no name
    reference: str
    binary_only: bool = False  # meant for 0/1 rewards
    positive_only: bool = False  # takes logarithms of likelihoods
    # (c, d), up to N coefficients each, if A_i = sum_k (c_k l_i - d_k) E_k(q of the others); None where it is not so
    affine: Callable[[int], Affine | None] = not_affine

    def __call__(self, likelihoods: npt.ArrayLike, /) -> Array:
        """Advantages (..., N) of likelihoods (..., N)."""
        groups = groups_of(likelihoods)
        found: Array = groups.back(self.function(groups.values))
        return found

    @property
    def notes(self) -> str:
        """What it estimates, how, and its conventions."""
        return inspect.getdoc(getattr(self.function, "func", self.function)) or ""


@dataclass(frozen=True, slots=True)
class _Row:
    """A registered function; ``parameter`` is the one that its name may carry, as in ``passk(4)``."""

    function: Callable[..., Array]
    target: Callable[..., Target | None]
    affine: Callable[..., Affine | None]
    reference: str
    binary_only: bool
    positive_only: bool
    parameter: str | None


_TABLE: dict[str, _Row] = {}


def register(
    target: Callable[..., Target | None],
    reference: str,
    *,
    affine: Callable[..., Affine | None] = not_affine,
    binary_only: bool = False,
    positive_only: bool = False,
    parameter: str | None = None,
) -> Callable[[Callable[..., Array]], Callable[..., Array]]:
    """Add a function to the table under its own name.

    ``target`` and ``affine`` take the group size and, where the row has a ``parameter``, that too by its name.
    """

    def add(function: Callable[..., Array]) -> Callable[..., Array]:
        row = _Row(function, target, affine, reference, binary_only, positive_only, parameter)
        _TABLE[function.__name__] = row
        return function

    return add


def names() -> tuple[str, ...]:
    """Names of all advantage functions, in the order of the table.

    >>> names()[:3]
    ('reinforce', 'rloo', 'mean_centred')
    """
    return tuple(_TABLE)


def sequential_names() -> tuple[str, ...]:
    """Names of the estimators that decide as they go how many rollouts to draw.

    >>> sequential_names()
    ('inverse_sampling', 'sumo')
    """
    return tuple(SEQUENTIAL)


def chosen(estimator: Any) -> Any:
    """The row that a name stands for; a row, or any function of likelihoods, as it is.

    >>> chosen("rloo").name
    'rloo'
    """
    if isinstance(estimator, str):
        return get(estimator)
    if not callable(estimator):
        raise TypeError(f"estimator must be a name, a row or a function of likelihoods (..., N), got {estimator!r}")
    return estimator


def get(name: str) -> Any:
    """The row of that name: a `NamedEstimator`, or a `SequentialEstimator` for one of `sequential_names`.

    Rows with a parameter take it in parentheses: the order of the ``ustat`` family, k of the ``passk`` and ``maxk``
    families, the number of acceptances of ``inverse_sampling``.

    >>> get("rloo")([1.0, 0.0, 0.5])
    array([ 0.75, -0.75,  0.  ])
    >>> get("ustat_one(2)")([1.0, 0.0])
    array([ 1., -1.])
    """
    if not isinstance(name, str):
        raise TypeError(f"name is {name!r}: it is a str, one of {', '.join(_TABLE)}")
    match = re.fullmatch(r"(\w+)\((\d+)\)", name)
    plain = match[1] if match else name
    known = (*_TABLE, *SEQUENTIAL)
    row = _TABLE.get(plain) or SEQUENTIAL.get(plain)
    if row is None or (match and row.parameter is None):
        close = difflib.get_close_matches(plain, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
        raise ValueError(f"name is {name!r}: no such estimator; {hint}")
    own: dict[str, int] = {}
    if match and row.parameter:
        own[row.parameter] = int(match[2])
        if own[row.parameter] < 1:
            raise ValueError(f"name is {name!r}: {row.parameter} is an integer >= 1")
    if isinstance(row, SequentialEstimator):
        return row.having(name, own)
    return NamedEstimator(
        name,
        functools.partial(row.function, **own) if own else row.function,
        functools.partial(row.target, **own),
        row.reference,
        row.binary_only,
        row.positive_only,
        functools.partial(row.affine, **own),
    )
