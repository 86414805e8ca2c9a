"""Which objective an advantage function ascends on rewards of two values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._arguments import at_most, finite, listed, positive
from maxrl_est._arguments.protocols import Estimator
from maxrl_est.estimators.designs import Design
from maxrl_est.measures import _bernstein
from maxrl_est.measures._columns import Columns, shown
from maxrl_est.measures._equivariant import MAX_COUNTED, of_groups
from maxrl_est.measures._known import nearest
from maxrl_est.measures._limit import Limit, limit
from maxrl_est.measures._nearest import TOLERANCE, Nearest, Weight, compare, nothing
from maxrl_est.measures._precision import Precision
from maxrl_est.measures._sizes import size_or_design
from maxrl_est.measures._stopped import bernstein_under
from maxrl_est.measures._two_values import negative_intervals, pushed_down, two_values
from maxrl_est.objectives import Objective, need_objective, probabilities

_SHOWN_RATES = [0.01, 0.1, 0.5]  # at which costs are shown


@dataclass(frozen=True, slots=True)
class EffectiveWeight(Columns):
    """W(p) with E[g] = W(p) grad p for rewards of two values, p the chance of the higher: of degree below n.

    ``bernstein (n,)`` are its coefficients in the basis C(n-1, m) p^m (1-p)^(n-1-m), exact rationals where the
    estimator computes with Fractions; elsewhere ``precision`` is the format of floats that it computes in. ``values``
    are the two rewards, 0 and 1 if nothing else was asked for. ``design`` is that of groups whose size rollouts decide,
    of n at most, and None where all have n.
    """

    bernstein: tuple[Fraction, ...]
    precision: Precision | None
    n: int
    values: tuple[Any, Any] = (0, 1)
    design: Design | None = None

    @property
    def exact(self) -> bool:
        """Whether the estimator computed with Fractions."""
        return self.precision is None

    @property
    def rounding(self) -> float:
        """The relative error to expect: 0 for exact rationals."""
        return self.precision.rounding if self.precision else 0.0

    @property
    def coefficients(self) -> tuple[Fraction, ...]:
        """The coefficients (n,) of W in powers of 1 - p, comparable with those of an `Objective`."""
        return _bernstein.powers_of(self.bernstein)

    @property
    def negative(self) -> list[tuple[float, float]]:
        """The intervals of p in which W is below 0, more than rounding explains: there rewards are pushed down."""
        return negative_intervals(self.bernstein, self.rounding)

    def title(self) -> list[str]:
        """The polynomial, the objective that it is the weight of, and where it is negative."""
        polynomial = f"W(p) = {_polynomial(self.coefficients)}" if self.exact else "W(p), in floats"
        near, goal = self.nearest(), self.limit()
        more = [] if near.known or goal is None else [str(goal)]
        return [self._rewards(), polynomial, str(near), *more, *pushed_down(self.negative), *self._cost()]

    def _cost(self) -> list[str]:
        """What a group of a design costs at a few pass rates."""
        if self.design is None:
            return []
        costs = ", ".join(f"{cost:.3g}" for cost in self.design.rollouts(_SHOWN_RATES))
        return [f"{costs} rollouts on average at p = {', '.join(map(str, _SHOWN_RATES))}"]

    def _rewards(self) -> str:
        low, high = (shown(x) for x in self.values)
        rewards = "0/1 rewards" if self.values == (0, 1) else f"rewards {low} and {high}, p the chance of {high}"
        groups = f"n = {self.n}" if self.design is None else str(self.design)
        return f"{groups}: E[g] = W(p) grad p for {rewards}"

    def __str__(self) -> str:
        return "\n".join(self.title()) if self.exact else Columns.__str__(self)

    def columns(self) -> dict[str, Any]:
        """W at eleven pass rates: of floats, powers of 1 - p would amplify the roundings."""
        rates = [k / 10 for k in range(11)]
        return {"p": rates, "W(p)": self.value(np.array(rates)).tolist()}

    def value(self, p: Any) -> Any:
        """W(p) for numbers p (...) in [0, 1]; a Fraction for a Fraction."""
        p = probabilities(p)
        if isinstance(p, Fraction):
            return _bernstein.value(self.bernstein, p)
        values = self._weight.at(p)
        return values if values.ndim else values.item()

    @property
    def _weight(self) -> Weight:
        return Weight(self.bernstein, self.precision)

    def equals(self, objective: Objective, scale: Fraction | float = 1) -> bool:
        """Whether W = scale w: exactly, or to rounding where the estimator computed in floats."""
        goal, number = need_objective(objective), finite("scale", scale)
        return self._weight.equals(goal, scale if isinstance(scale, Fraction | int) else number)

    def compare(self, objective: Objective, *, tolerance: float = TOLERANCE) -> Nearest:
        """The multiple of this objective's weight that is closest to W, and how close it is.

        Parameters
        ----------
        objective : of an order up to 2048
        tolerance : the distance, relative to W, up to which they are called the same

        >>> print(effective_weight("rloo", 4).compare(Objective.maxrl(2)))
        no known objective; nearest 0.6429 x J_2 (off by 0.19)
        """
        goal, tolerance = _comparable(objective), positive("tolerance", tolerance)
        return nothing(self._weight) or compare(self._weight, goal, tolerance)

    def nearest(self, *, tolerance: float = TOLERANCE) -> Nearest:
        """The closest known objective up to a constant factor.

        Known are MaxRL and pass@k of all orders, and where W is one of these, pass^k, Tsallis' logarithms and mixtures
        of two or three pass@k with positive shares.

        Parameters
        ----------
        tolerance : the distance, relative to W, up to which they are called the same

        >>> print(effective_weight("mean_centred", 8).nearest())
        exactly 7/8 x J_1
        >>> print(effective_weight(lambda l: (l - l.mean(-1, keepdims=True)) / (1 + 1e-6), 8).nearest())
        0.875 x J_1 to rounding
        """
        return nearest(self._weight, positive("tolerance", tolerance))

    def limit(self) -> Limit | None:
        """What W comes to as n grows, of the form 1 / (p^a (1-p)^b); None where it does not, or n is below 32.

        A comparison at this n and no proof: ask at two sizes and see the distance fall. None for a design too.

        >>> print(effective_weight("grpo", 64).limit())
        as n grows: 1/sqrt(p (1 - p)) (off by 0.004 for p from 0.1 to 0.9)
        """
        return limit(self._weight) if self.design is None else None


def effective_weight(
    estimator: str | Estimator, n: int | None = None, *, values: Sequence[Any] = (0, 1), design: Design | None = None
) -> EffectiveWeight:
    """Which multiple of grad p an advantage function ascends for rewards of two values and groups of n rollouts.

    With K successes, a_K the advantage of each and b_K that of each failure, E[g] = W(p) grad p with
    ``W(p) = sum_m C(n-1, m) p^m (1-p)^(n-1-m) (a_{m+1} - b_m)``. No sampling and no choice of p: it is decided by
    n + 1 groups. Says nothing about rewards between the two; for those use `exact_moments`. From advantages to what
    they ascend for 0/1 rewards, as in arXiv 2510.23049 and arXiv 2510.13651.

    Where a design decides how many rollouts are drawn, N of them with s successes and f failures in n(s, f) orders,
    g is their mean over those that were drawn, and ``W(p) = sum n(s, f) p^s (1-p)^f (s a/p - f b/(1-p)) / N``: few
    rules ascend there what they ascend in groups of n.

    Parameters
    ----------
    estimator : a name, a row or a function of likelihoods (..., N), the same for any order of rollouts
    n : rollouts in a group, at most 2048
    values : the reward of a failure and the higher one of a success, such as (-1, 1) where a trainer rewards so
    design : one of `maxrl_est.designs`, in place of n

    Returns
    -------
    `EffectiveWeight`: W as a polynomial, exact where the estimator computes with Fractions; ``nearest()`` names the
    objective whose weight it is, and ``compare(objective)`` holds it against one.

    Raises
    ------
    TypeError, ValueError
        Where not just one of n, an int in [1, 2048], and a design is given, the name is unknown, values are not two
        numbers in ascending order, or the estimator refuses them, depends on the order of rollouts or on other groups.

    >>> print(effective_weight("maxrl_shipped", 4))
    n = 4: E[g] = W(p) grad p for 0/1 rewards
    W(p) = 1 + q + q^2, q = 1 - p
    exactly J_3
    >>> print(effective_weight(lambda r: r - r.mean(-1, keepdims=True), 4, values=(-1, 1)))
    n = 4: E[g] = W(p) grad p for rewards -1 and 1, p the chance of 1
    W(p) = 3/2
    exactly 3/2 x J_1
    >>> from maxrl_est import designs
    >>> print(effective_weight("rloo", design=designs.staged(4, 12)))
    staged(4, 12): E[g] = W(p) grad p for 0/1 rewards
    W(p) = 1 + (1/5) q^3 + (11/20) q^4, q = 1 - p
    exactly 11/100 pass@5 + 1/20 pass@4 + J_1
    15.5, 11.9, 4.75 rollouts on average at p = 0.01, 0.1, 0.5
    """
    drawn, estimator = size_or_design(n, design, MAX_COUNTED), of_groups(estimator)
    given = listed("values", values, "two numbers, low and high")
    low, high = two_values(given)
    bernstein, precision = bernstein_under(drawn, estimator, low, high)
    return EffectiveWeight(bernstein, precision, drawn.cap, tuple(given), design)


def _comparable(objective: Any) -> Objective:
    """The objective, of an order for which there are enough nodes."""
    at_most("the order of objective", need_objective(objective).order, MAX_COUNTED)
    return need_objective(objective)


def _polynomial(coefficients: tuple[Fraction, ...]) -> str:
    """Terms in powers of q = 1 - p; of more than nine the first and the last few."""
    terms = [_term(k, value) for k, value in enumerate(coefficients) if value]
    if len(terms) > 9:
        terms[5:-2] = ["+ ..."]
    text = " ".join(terms).removeprefix("+ ") or "0"
    return f"{text}, q = 1 - p" if "q" in text else text


def _term(k: int, value: Fraction) -> str:
    power = "" if k == 0 else "q" if k == 1 else f"q^{k}"
    size = shown(abs(value))
    factor = "" if power and size == "1" else f"({size}) " if power and "/" in size else f"{size} " if power else size
    return f"{'-' if value < 0 else '+'} {factor}{power}"
