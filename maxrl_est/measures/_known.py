"""The known objectives that an effective weight is held against, and the closest of them.

Of exact rationals the coefficients in powers of q say at once which it is. Of floats they are lost, so that weights are
compared over p: all of a family at the nodes of one quadrature, then the closest of each by itself.
"""

from __future__ import annotations

from fractions import Fraction

from maxrl_est.measures._bernstein import powers_of
from maxrl_est.measures._families import ALL_OF, Families, mixture
from maxrl_est.measures._nearest import Nearest, Weight, compare, multiple, nothing
from maxrl_est.objectives import Objective


def nearest(weight: Weight, tolerance: float) -> Nearest:
    """The closest of J_T and pass@k up to a constant factor, or another objective if the weight is one's."""
    if none := nothing(weight):
        return none
    if weight.precision is None:
        found = _recognised(powers_of(weight.bernstein))
        if found is not None:
            scale, objective = found
            return Nearest(multiple(scale, objective.name), objective, scale, "exactly", 0.0)
    families, closest = Families(weight), None
    for more in (families.common, families.rare, families.pairs, families.triples):
        compared = [compare(weight, objective, tolerance, theirs) for objective, theirs in more()]
        best = min(compared, key=lambda near: near.distance, default=closest)
        if best is not None and (closest is None or best.known):
            closest = best
        if closest is not None and closest.known:
            break
    assert closest is not None  # there is J_1
    return closest


def _recognised(powers: tuple[Fraction, ...]) -> tuple[Fraction, Objective] | None:
    """A factor and the objective whose coefficients, times it, these are."""
    c = powers[: max(k for k, x in enumerate(powers) if x) + 1]
    order, first, last = len(c), c[0], c[-1]
    places = [k for k, x in enumerate(c) if x]
    if all(x == last for x in c):
        return last, Objective.maxrl(order)
    if len(places) == 1:
        return last / order, Objective.pass_at(order)
    if order <= ALL_OF and all(c[k] * k == -c[k - 1] * (order - k) for k in range(1, order)):
        return first / order, Objective.all_of(order)
    if order > 2 and c[1] * first > 0:
        q = c[1] / first
        if all(c[k + 1] * (k + 1) == c[k] * (q + k) for k in range(order - 1)):
            return first, Objective.tsallis(q, order)
    if len(places) <= min(3, len(powers) - 1) and all(c[k] > 0 for k in places):
        return Fraction(1), mixture({k + 1: c[k] / (k + 1) for k in places})
    return None
