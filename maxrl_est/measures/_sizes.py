"""How many rollouts a group may have, the same for all measures."""

from __future__ import annotations

from typing import Any

from maxrl_est._arguments import at_most, whole
from maxrl_est.estimators import SequentialEstimator
from maxrl_est.estimators.designs import Design, fixed
from maxrl_est.estimators.designs._design import design_of

MAX_GROUP = 10_000_000  # rollouts: a few arrays of this length fit in memory, and take minutes at most


def group_size(n: Any, most: int = MAX_GROUP) -> int:
    """Rollouts in a group, at least 1 and at most what can be computed.

    >>> group_size(10**30)
    Traceback (most recent call last):
    ValueError: n must be at most 10000000, got 1000000000000000000000000000000
    """
    return at_most("n", whole("n", n), most)


def size_for(estimator: Any, n: Any) -> int | None:
    """The same for groups of an estimator; None for a row that draws for itself, whose n is checked if it is given."""
    if not isinstance(estimator, SequentialEstimator):
        return group_size(n)
    if n is not None:
        group_size(n)
    return None


def size_or_design(n: Any, design: Any, most: int) -> Design:
    """The design that is given, or n rollouts: just one of the two.

    >>> size_or_design(None, None, 8)
    Traceback (most recent call last):
    TypeError: n or design must be given, and not both, got n = None and design = None
    """
    if (n is None) == (design is None):
        raise TypeError(f"n or design must be given, and not both, got n = {n!r} and design = {design}")
    return fixed(group_size(n, most)) if design is None else design_of(design)
