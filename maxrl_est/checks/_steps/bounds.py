"""From which ratio on a coefficient stays as it is or vanishes: the bounds of clipping and truncation, by probing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from maxrl_est.checks._steps.probes import SMALL, answer, mixed
from maxrl_est.checks._steps.ratio import powers_of
from maxrl_est.checks._steps.subject import StepSubject

_LOGS = (2e-4, 4e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1, 1.4, 2, 2.5, 3)
_HALVINGS = 10
_OFF = 2e-3  # relative
_SIGNS = ("positive", "negative")


@dataclass(frozen=True, slots=True)
class Bound:
    """A ratio beyond which a coefficient is no multiple of it any more."""

    ratio: float
    beyond: Literal["stays", "vanishes", "bends"]

    def __str__(self) -> str:
        close = max(3, 2 - math.floor(math.log10(abs(self.ratio - 1))))  # digits, so that 1.0004 is not 1
        return f"{self.beyond} {'below' if self.ratio < 1 else 'above'} {self.ratio:.{close}g}"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds above and below 1, of coefficients above 0 and below."""

    above: tuple[Bound | None, Bound | None]  # low, high
    below: tuple[Bound | None, Bound | None]

    @property
    def any(self) -> bool:
        """Whether there is one at all."""
        return any(self.above + self.below)

    @property
    def low(self) -> float:
        """The lowest bound below 1; 1 where there is none."""
        return min((bound.ratio for bound in (self.above[0], self.below[0]) if bound), default=1.0)

    @property
    def high(self) -> float:
        """The highest bound above 1; 1 where there is none."""
        return max((bound.ratio for bound in (self.above[1], self.below[1]) if bound), default=1.0)

    @property
    def narrow(self) -> float:
        """The least logarithm at which any bites."""
        return min((abs(math.log(bound.ratio)) for bound in self.above + self.below if bound), default=math.inf)

    def __str__(self) -> str:
        pairs = [" and ".join(map(str, filter(None, pair))) for pair in (self.above, self.below)]
        if pairs[0] == pairs[1]:
            return f"a coefficient {pairs[0]}"
        said = [f"of {name} advantages a coefficient {text}" for name, text in zip(_SIGNS, pairs, strict=True) if text]
        return "; ".join(said)


def bounds_of(subject: StepSubject) -> Bounds:
    """The bounds, found by moving the ratio of one rollout of one token between 1/20 and 20."""
    if subject.once(powers_of).kind == "none":
        return Bounds((None, None), (None, None))
    good, bad = ((_bound(subject, rows, -1), _bound(subject, rows, 1)) for rows in ((0, 0), (1, subject.n - 1)))
    return Bounds(good, bad)


def _bound(subject: StepSubject, place: tuple[int, int], sign: int) -> Bound | None:
    def coefficient(log: float) -> float:
        logs = np.zeros((2, subject.n, 1))
        logs[place] = sign * log
        return float(answer(subject, mixed(subject, 1, log_ratios=logs))[(*place, 0)])

    first, second = coefficient(SMALL), coefficient(SMALL / 2)
    if first == 0 or second == 0:
        return None
    power = round(2 * math.log(abs(first / second)) / SMALL * sign) / 1.0

    def free(log: float) -> bool:
        expected = first * math.exp(sign * power * (log - SMALL))
        return abs(coefficient(log) - expected) <= _OFF * abs(expected)

    inside = SMALL
    for outside in _LOGS:
        if not free(outside):
            break
        inside = outside
    else:
        return None
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if free(middle) else (inside, middle)
    at, far = coefficient(outside * 1.01), coefficient(_LOGS[-1])
    beyond: Literal["stays", "vanishes", "bends"] = "bends"
    if far == 0 and abs(at) < 0.5 * abs(first):
        beyond = "vanishes"
    elif abs(far - at) <= 0.02 * abs(at):
        beyond = "stays"
    return Bound(math.exp(sign * (inside + outside) / 2), beyond)
