"""What an estimator is meant to estimate the gradient of, where that is no `Objective` of the pass rate.

Targets of rows of the table are an `Objective` (gradient ``w(p) grad p``) or one of these. The gradient of any of
them at a problem is `maxrl_est.target_gradient`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

from maxrl_est._arguments import whole, words
from maxrl_est.objectives._numbers import exact_number
from maxrl_est.objectives._objective import Objective

__all__ = ["LogMean", "LogPassRate", "MeanLessVariance", "OverLevels", "Target"]

_OBJECTIVE = "an Objective, such as maxrl_est.Objective.expected()"


@dataclass(frozen=True, slots=True)
class OverLevels:
    """``Int_0^1 J(P(l > tau)) dtau``: an objective J of the chance to exceed a level, averaged over all levels.

    For 0/1 rewards it is J itself. J = pass@k makes it E max of k likelihoods less 1; J = J_N is the objective of
    TailRL (arXiv 2609.02987). Not for an objective of the pass rate of graded likelihoods: that is the `Objective`.

    Parameters
    ----------
    objective : J

    Raises
    ------
    TypeError
        Where it is no `Objective`.

    >>> OverLevels(Objective.pass_at(2)).name
    'levels of pass@2'
    """

    objective: Objective

    def __post_init__(self) -> None:
        if not isinstance(self.objective, Objective):
            raise TypeError(f"objective must be {_OBJECTIVE}, got {words(self.objective)}")

    @property
    def name(self) -> str:
        """How tables call it."""
        return f"levels of {self.objective.name}"


@dataclass(frozen=True, slots=True)
class MeanLessVariance:
    """``E l - c Var l``: expected likelihood, less a price of its spread.

    For 0/1 rewards it is p - c p (1 - p), and there no reward tells it from the mean less c/2 of the mean difference
    E|l - l'|; on graded ones it is neither a function of the pass rate nor one of levels. Not for c above 1, which
    pushes down a prompt that is nearly always failed. Source: H. Markowitz, J. Finance 7 (1952) 77.

    Parameters
    ----------
    c : a finite number, 1/2 by default

    Raises
    ------
    TypeError, ValueError
        For what is none.

    >>> MeanLessVariance().name
    'E l - 1/2 Var l'
    """

    c: Fraction = Fraction(1, 2)

    def __post_init__(self) -> None:
        object.__setattr__(self, "c", exact_number("c", self.c))

    @property
    def name(self) -> str:
        """How tables call it."""
        return f"E l - {self.c} Var l"


@dataclass(frozen=True, slots=True)
class LogMean:
    """``E log mean(l_1..l_n)`` for l > 0: the lower bound of log p of importance-weighted autoencoders.

    Not a function of the pass rate: it depends on the whole law of l, and rises to log p with n.
    Source: arXiv 1509.00519.

    Parameters
    ----------
    n : likelihoods in the mean, at least 1

    Raises
    ------
    TypeError, ValueError
        For a number that is none.

    >>> LogMean(8).name
    'E log mean of 8'
    """

    n: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", whole("n", self.n))

    @property
    def name(self) -> str:
        """How tables call it."""
        return f"E log mean of {self.n}"


@dataclass(frozen=True, slots=True)
class LogPassRate:
    """``log p`` itself: maximum likelihood, which no fixed number of rollouts estimates without bias.

    >>> LogPassRate().name
    'log p'
    """

    @property
    def name(self) -> str:
        """How tables call it."""
        return "log p"


Target: TypeAlias = Objective | OverLevels | MeanLessVariance | LogMean | LogPassRate
"""What the gradient is of; rows have None where what they ascend has no name."""


A_TARGET = f"{_OBJECTIVE}, or another target"


def checked_target(name: str, value: Any) -> Target:
    """The target, refused with its rule if it is none."""
    if not isinstance(value, Target):
        raise TypeError(f"{name} must be {A_TARGET}, got {words(value)}")
    return value


def on_binary_rewards(target: Target | None) -> Objective | None:
    """The objective of the pass rate that a target is where rewards are 0/1, if it is one."""
    match target:
        case OverLevels(objective):
            return objective
        case MeanLessVariance(c):
            return Objective.from_coefficients([1 + c, -2 * c], f"p - {c} pq")
    return target if isinstance(target, Objective) else None
