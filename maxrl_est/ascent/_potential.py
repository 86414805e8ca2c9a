"""The objective, rebuilt: the number that every group adds to it, found by walking from group to group.

An update is a gradient if and only if A(x; w) = n h(x, w) + b(w): a number h that all members of a group share, and a
baseline of the others. So a rollout of value x in place of one of value r, the others as they are, changes h by
(A(x; w) - A(r; w)) / n; from the group of r alone, where h is 0, every group is reached, by whatever way (claim
rebuilt). Then F(mu) - F(all at r) is the mean of h over groups drawn from mu.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.ascent._levels import Levels
from maxrl_est.ascent._multisets import joined, multisets, places


def potential(levels: Levels, reference: int) -> Array:
    """h of each group (G,), 0 for the group of the reference alone."""
    k, n = len(levels.values), levels.n
    groups, joins = multisets(n, k), joined(n - 1, k)
    h = np.full(len(groups), 0.0 if levels.precision else Fraction(0))
    others = np.arange(k) != reference
    away = groups[:, others].sum(axis=1)
    for moved in range(1, n + 1):
        rows = np.flatnonzero(away == moved)
        value = np.argmax((groups[rows] > 0) & others, axis=1)
        rest = places(groups[rows] - np.eye(k, dtype=np.int64)[value])
        step = levels.beside[rest, value] - levels.beside[rest, reference]
        h[rows] = h[joins[rest, reference]] + step / n
    h.flags.writeable = False
    return h


def work(levels: Levels, x: int, y: int) -> Any:
    """The integral of the mean update along the straight line from "all at x" to "all at y".

    With m of the others at y on the way, of chance C(n-1, m) t^m (1-t)^(n-1-m) at t, whose integral is 1/n for each m.
    """
    on_edge = np.zeros((levels.n, len(levels.values)), dtype=np.int64)
    on_edge[:, y] = np.arange(levels.n)
    on_edge[:, x] += levels.n - 1 - np.arange(levels.n)
    rows = places(on_edge)
    return (levels.beside[rows, y] - levels.beside[rows, x]).sum() / levels.n
