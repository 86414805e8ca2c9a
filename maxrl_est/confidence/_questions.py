"""What a Monte Carlo run is asked to judge, and what it will be able to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import rate, words
from maxrl_est._arguments.arrays import unpacked
from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.confidence._betting import Betting
from maxrl_est.confidence._catoni import Catoni
from maxrl_est.confidence._normal import Normal
from maxrl_est.confidence._planning import detectable_bias
from maxrl_est.confidence._values import above_zero, coordinates, ends, number_of

Verdict = Literal["BIASED", "CERTIFIED", "INCONCLUSIVE"]
Basis = Literal["betting", "catoni", "asymptotic"]
Bounds: TypeAlias = tuple[npt.ArrayLike, npt.ArrayLike]

MISS_RATE = 1e-2  # with which a bias of the stated size may go unseen


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """What a run can say about the bias, known before it is run.

    ``detectable_bias (d,)`` is found with probability ``1 - miss_rate`` where the variance of g is ``variance (d,)``:
    the declared one, or the largest that the bounds allow. Both are None without bounds or variance; ``evidence`` is
    then "asymptotic": the error rates hold for a normal mean only, which that of few or skewed values is not.
    """

    replicates: int
    evidence: Basis
    false_alarm: float  # chance that any coordinate of an unbiased estimator is ever called BIASED
    wrong_certificate: float  # chance that one off by more than the tolerance is ever CERTIFIED
    tolerance: FloatArray | None
    variance: FloatArray | None
    detectable_bias: FloatArray | None
    miss_rate: float = MISS_RATE

    def __str__(self) -> str:
        text = f"{self.replicates} groups, evidence {self.evidence}: false alarm {self.false_alarm:g}"
        if self.tolerance is not None:
            text += f", wrong certificate of a bias below {_short(self.tolerance)} {self.wrong_certificate:g}"
        if self.detectable_bias is None or self.variance is None:
            return f"{text}, if the mean were normal; no bias is sure to be found"
        return (
            f"{text}; at variance {_short(self.variance)} it finds a bias of {_short(self.detectable_bias)} "
            f"with probability {1 - self.miss_rate:g}"
        )


@dataclass(frozen=True, slots=True)
class Question:
    """Whether the mean of the gradient estimates is ``target``; with the sequence that watches them."""

    plan: SamplingPlan
    sequence: Betting | Catoni | Normal

    @property
    def target(self) -> FloatArray:
        """The claimed mean (d,)."""
        return self.sequence.target

    @property
    def verdict(self) -> Verdict:
        """From all values so far."""
        if self.sequence.biased:
            return "BIASED"
        return "CERTIFIED" if self.sequence.certified else "INCONCLUSIVE"

    @property
    def interval(self) -> FloatArray:
        """Ends (2, d) for mean - target."""
        return np.array(self.sequence.interval) - self.target

    def update(self, gradients: FloatArray) -> None:
        """Take the next gradient estimates (B, d)."""
        if gradients.shape[1] != self.target.size:
            raise ValueError(
                f"target must have the shape of the gradient, ({gradients.shape[1]},), got {self.target.shape}"
            )
        self.sequence.update(gradients)


def question(
    target: npt.ArrayLike | None,
    *,
    bounds: Bounds | None,
    variance: npt.ArrayLike | None,
    tolerance: npt.ArrayLike | None,
    error_rate: float,
    replicates: int,
) -> Question | None:
    """The question that a run asks of its gradient estimates, with the sequence that what is known of them allows.

    Parameters
    ----------
    target : the claimed mean (d,); None: there is no question, and None is returned
    bounds : (lower, upper) of single estimates, numbers or (d,): by `Betting`
    variance : a bound of their variance, a number or (d,): by `Catoni` where there are no bounds
    tolerance : the distance from the target to be certified, a number or (d,)
    error_rate : the largest probability of a false alarm, and of a wrong certificate
    replicates : the number of estimates that is planned

    Returns
    -------
    A `Question`, to be given the estimates as they come; None where there is no target

    Raises
    ------
    TypeError, ValueError
        Where an argument is not so; and where there is something to judge by, and no target.

    >>> asked = question([0.5], bounds=(0, 1), variance=None, tolerance=0.1, error_rate=1e-6, replicates=4000)
    >>> asked.update(np.random.default_rng(0).integers(0, 2, (4000, 1)).astype(float))
    >>> asked.verdict
    'CERTIFIED'
    """
    error_rate, replicates = rate("error_rate", error_rate), number_of("replicates", replicates)
    if target is None:
        for name, value in (("bounds", bounds), ("variance", variance), ("tolerance", tolerance)):
            if value is not None:
                raise ValueError(f"target must be given where {name} is, got None: there is nothing to judge")
        return None
    common: dict[str, Any] = {"tolerance": tolerance, "error_rate": error_rate}
    if bounds is not None:
        d = coordinates("target", target).size
        bets = Betting(target, *ends(_two(bounds), d, ("bounds[0]", "bounds[1]")), **common, horizon=replicates)
        largest = (bets.upper - bets.target) * (bets.target - bets.lower)  # of any law with this mean in these bounds
        spread = largest if variance is None else np.minimum(largest, above_zero("variance", variance, d))
        return Question(_plan("betting", bets, replicates, spread, (bets.upper - bets.lower).tolist()), bets)
    if variance is not None:
        catoni = Catoni(target, variance, **common, horizon=replicates)
        return Question(_plan("catoni", catoni, replicates, catoni.variance, [None] * catoni.target.size), catoni)
    normal = Normal(target, **common)
    return Question(
        SamplingPlan(replicates, "asymptotic", error_rate, error_rate, normal.tolerance, None, None), normal
    )


def _two(bounds: Any) -> Sequence[npt.ArrayLike]:
    """Lower and upper bounds as they are given, where they are two."""
    pair: Any = unpacked("bounds", bounds)
    if not isinstance(pair, tuple | list):
        raise TypeError(f"bounds must be (lower, upper), got {words(bounds)}")
    if len(pair) != 2:
        raise ValueError(f"bounds must be (lower, upper), got {words(bounds)}")
    return pair


def _plan(
    evidence: Basis,
    sequence: Betting | Catoni,
    replicates: int,
    variance: FloatArray,
    widths: Sequence[float | None],
) -> SamplingPlan:
    risk, d = sequence.error_rate, sequence.target.size
    detectable = [
        detectable_bias(replicates, v, width, risk, miss_rate=MISS_RATE, coordinates=d)
        for v, width in zip(variance, widths, strict=True)
    ]
    return SamplingPlan(replicates, evidence, risk, risk, sequence.tolerance, variance, np.array(detectable))


def _short(values: FloatArray) -> str:
    """Four digits of each."""
    return "(" + ", ".join(f"{x:.4g}" for x in values) + ")"
