"""The known objectives that an effective weight is held against, and the closest of them.

Of exact rationals the coefficients in powers of q say at once which it is. Of floats they are lost, so that weights are
compared over p: all of a family at the nodes of one quadrature, then the closest ones by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from maxrl_est._typing import FloatArray
from maxrl_est.measures._bernstein import nodes, powers_of
from maxrl_est.measures._nearest import Nearest, Weight, compare, multiple
from maxrl_est.objectives import Objective


def nearest(weight: Weight, tolerance: float) -> Nearest:
    """The closest known objective up to a constant factor."""
    if not any(weight.bernstein):
        return Nearest("0 (no learning)", None, 0, "to rounding" if weight.precision else "exactly", 0.0)
    if weight.precision is None:
        found = _recognised(powers_of(weight.bernstein))
        if found is not None:
            scale, objective = found
            return Nearest(multiple(scale, objective.name), objective, scale, "exactly", 0.0)
    return min(
        (compare(weight, objective, tolerance) for objective in _closest(weight)), key=lambda near: near.distance
    )


def _recognised(powers: tuple[Fraction, ...]) -> tuple[Fraction, Objective] | None:
    """A factor and the objective whose coefficients, times it, these are."""
    c = powers[: max(k for k, x in enumerate(powers) if x) + 1]
    order, last = len(c), c[-1]
    if all(x == last for x in c):
        return last, Objective.maxrl(order)
    if not any(c[:-1]):
        return last / order, Objective.pass_at(order)
    return None


def _closest(weight: Weight) -> Iterator[Objective]:
    """The closest of J_1..J_n and of pass@2..pass@n."""
    p, share = nodes(weight.n)
    root = np.sqrt(share)
    ours = root * weight.at(p)
    powers = root[:, None] * (1 - p)[:, None] ** np.arange(weight.n)
    for family, make in ((np.cumsum(powers, axis=1), Objective.maxrl), (powers, Objective.pass_at)):
        yield make(int(_angles(ours, family).argmax()) + 1)


def _angles(ours: FloatArray, family: FloatArray) -> FloatArray:
    """The squared cosine between one vector and each column."""
    return np.asarray((ours @ family) ** 2 / (family**2).sum(axis=0))
