"""How large the coefficients of a rule are on 0/1 rewards, at each pass rate: what one group may move a policy by."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Estimator
from maxrl_est.measures import _bernstein
from maxrl_est.measures._columns import Columns
from maxrl_est.measures._equivariant import MAX_COUNTED, equivariant_advantages, of_groups
from maxrl_est.measures._precision import Precision
from maxrl_est.measures._sizes import group_size
from maxrl_est.measures._two_values import counted_groups
from maxrl_est.objectives import probabilities


@dataclass(frozen=True, slots=True)
class CoefficientMass(Columns):
    """E sum_i |A_i| as a polynomial in p, of degree at most n: ``bernstein (n + 1,)`` are its Bernstein coefficients.

    They are K |a_K| + (n - K) |b_K|, of K successes; Fractions where ``precision`` is None, else those of its floats.
    """

    bernstein: tuple[Fraction, ...]
    precision: Precision | None
    n: int

    @property
    def exact(self) -> bool:
        """Whether the estimator computed with Fractions."""
        return self.precision is None

    def value(self, p: Any) -> Any:
        """The mass at numbers p (...) in [0, 1]; a Fraction for a Fraction."""
        p = probabilities(p)
        if isinstance(p, Fraction):
            return _bernstein.value(self.bernstein, p)
        values = _bernstein.basis(self.n + 1, p) @ np.array([float(x) for x in self.bernstein])
        return values if values.ndim else values.item()

    def title(self) -> list[str]:
        """What it is."""
        return [f"n = {self.n}: the mean of sum_i |A_i| on 0/1 rewards"]

    def columns(self) -> dict[str, Any]:
        """The mass at eleven pass rates."""
        rates = [k / 10 for k in range(11)]
        return {"p": rates, "mass": self.value(np.array(rates)).tolist()}


def coefficient_mass(estimator: str | Estimator, n: int) -> CoefficientMass:
    """The mean sum of the sizes of a group's coefficients, E sum_i |A_i|, on 0/1 rewards.

    Scores of size s make no update longer than s / n times that, so it says which prompts may move a policy most, and
    what a clip of coefficients would hit; what they move it by is a matter of scores and of `effective_weight`. That of
    shipped MaxRL is 2 n (pass@n - p), pass@n = 1 - (1-p)^n: most at p near log(n) / n, and none at 0 and 1.

    Parameters
    ----------
    estimator : a name, a row or a function of likelihoods (..., N), the same for any order of rollouts
    n : rollouts in a group, at most 2048

    Returns
    -------
    `CoefficientMass`: a polynomial in p, exact where the estimator computes with Fractions; ``value(p)``

    Raises
    ------
    TypeError, ValueError
        As `effective_weight` does.

    >>> p = Fraction(1, 4)
    >>> coefficient_mass("maxrl_shipped", 8).value(p) == 16 * (1 - (1 - p) ** 8 - p)
    True
    """
    n, function = group_size(n, MAX_COUNTED), of_groups(estimator)
    advantages, precision = equivariant_advantages(function, counted_groups(n, Fraction(0), Fraction(1)))
    sizes = [k * abs(Fraction(row[0])) + (n - k) * abs(Fraction(row[-1])) for k, row in enumerate(advantages)]
    return CoefficientMass(tuple(sizes), precision, n)
