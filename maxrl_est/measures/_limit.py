"""What an effective weight comes to as groups grow, where that is no polynomial: 1/sqrt(p (1 - p)) for GRPO."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from maxrl_est.measures._bernstein import nodes
from maxrl_est.measures._nearest import Weight, multiple

LEAST = 32  # rollouts, from which limits are told apart
_INSIDE = (0.1, 0.9)  # pass rates that are compared: near 0 and 1 every polynomial leaves its limit
_POWERS = ((0.0, ""), (0.5, "sqrt({})"), (1.0, "{}"))  # in which p and 1 - p are divided by


@dataclass(frozen=True, slots=True)
class Limit:
    """A function of p that W comes to: ``distance`` is the root mean square of the difference, relative to W.

    It is over p in [0.1, 0.9] and for the group size that was asked about, and falls like one over that.
    """

    name: str
    scale: Fraction | float
    distance: float

    def __str__(self) -> str:
        return f"as n grows: {self.name} (off by {self.distance:.1g} for p from 0.1 to 0.9)"


def limit(weight: Weight) -> Limit | None:
    """The closest of 1 / (p^a (1-p)^b), a and b of 0, 1/2 and 1, if it is within 1/n; None where n is below 32."""
    if weight.n < LEAST:
        return None
    p, share = nodes(weight.n)
    p = _INSIDE[0] + (_INSIDE[1] - _INSIDE[0]) * p
    ours = weight.at(p)
    norm = share @ ours**2
    closest = None
    for (a, first), (b, second) in itertools.product(_POWERS, repeat=2):
        theirs = p**-a * (1 - p) ** -b
        scale = float((share * ours) @ theirs / (share @ theirs**2))
        distance = float(np.sqrt(share @ (ours - scale * theirs) ** 2 / norm)) if norm else 1.0
        if (a or b) and distance <= min(1 / weight.n, closest.distance if closest else 1.0):
            simple = Fraction(scale).limit_denominator(2)
            kept = simple if abs(scale - simple) <= 2 / weight.n * abs(scale) else scale
            closest = Limit(multiple(kept, _written(first, second, a == b)), kept, distance)
    return closest


def _written(first: str, second: str, alike: bool) -> str:
    """1 over the product of both powers."""
    if alike:
        return f"1/{first.format('p (1 - p)')}" if "sqrt" in first else "1/(p (1 - p))"
    below = " ".join(
        power.format(base) if "sqrt" in power or base == "p" else f"({base})"
        for power, base in ((first, "p"), (second, "1 - p"))
        if power
    )
    return f"1/({below})" if first and second else f"1/{below}"
