"""Moments of a gradient estimate by drawing groups, and a verdict on its bias with stated error rates.

The last resort of evidence: enumeration and closed forms decide without sampling wherever they reach. Groups are
drawn in numbered blocks, each from its own generator, and merged in the order of their numbers, so a seed gives the
same bits on any executor, and after an interruption.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from importlib.metadata import version
from numbers import Integral
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from maxrl_est._blocks import Blocks, Moments
from maxrl_est._typing import Estimator, FloatArray, Problem
from maxrl_est.confidence import Betting, Catoni, detectable_bias
from maxrl_est.estimators import SequentialEstimator

Verdict = Literal["BIASED", "CERTIFIED", "INCONCLUSIVE"]
Evidence = Literal["betting", "catoni", "asymptotic"]

MISS_RATE = 1e-2  # with which a bias of the stated size may go unseen


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run can say about the bias, known before it is run.

    ``detectable_bias (d,)`` is found with probability ``1 - miss_rate`` where the variance of g is ``variance (d,)``:
    the declared one, or the largest that the bounds allow. Both are None without bounds or variance; ``evidence`` is
    then "asymptotic": the error rates hold for a normal mean only, which that of few or skewed values is not.
    """

    replicates: int
    evidence: Evidence
    false_alarm: float  # chance that any coordinate of an unbiased estimator is ever called BIASED
    wrong_certificate: float  # chance that one off by more than the tolerance is ever CERTIFIED
    tolerance: FloatArray | None
    variance: FloatArray | None
    detectable_bias: FloatArray | None
    miss_rate: float = MISS_RATE

    def __str__(self) -> str:
        text = f"{self.replicates} groups, evidence {self.evidence}: false alarm {self.false_alarm:g}"
        text += f", wrong certificate {self.wrong_certificate:g}" if self.tolerance is not None else ""
        if self.detectable_bias is None or self.variance is None:
            return f"{text}, both only if the mean were normal; no bias is sure to be found"
        return (
            f"{text}; at variance {_shown(self.variance)} it finds a bias of {_shown(self.detectable_bias)} "
            f"with probability {1 - self.miss_rate:g}"
        )


@dataclass(frozen=True, slots=True)
class Result:
    """Moments of one group's gradient estimate g from ``replicates`` groups, d parameters.

    ``mean (d,)``, ``covariance (d, d)``, ``standard_error (d,)`` of the mean, ``total_variance_error`` of the trace of
    the covariance. With a target: ``bias (d,)``, ends of its ``interval (2, d)`` that hold simultaneously, at any
    number of replicates, but with the error rate; and a verdict. ``rollouts`` is what was drawn in all.
    """

    replicates: int
    rollouts: int
    mean: FloatArray
    covariance: FloatArray
    standard_error: FloatArray
    total_variance_error: float
    bias: FloatArray | None
    interval: FloatArray | None
    verdict: Verdict | None
    plan: Plan | None
    seed: int
    versions: dict[str, str]

    @property
    def failed(self) -> bool:
        """Whether a bias is established: BIASED by evidence whose error rate is known."""
        return self.verdict == "BIASED" and self.plan is not None and self.plan.evidence != "asymptotic"

    def __str__(self) -> str:
        lines = [f"{self.replicates} groups, {self.rollouts} rollouts, seed {self.seed}"]
        lines.append(f"mean {_shown(self.mean)}, standard error {_shown(self.standard_error)}")
        if self.bias is not None and self.interval is not None and self.plan is not None:
            low, high = self.interval
            lines.append(f"bias {_shown(self.bias)}, between {_shown(low)} and {_shown(high)}")
            lines.append(f"{self.verdict} ({self.plan.evidence})")
        return "\n".join(lines)


def monte_carlo(
    problem: Problem,
    estimator: Estimator | SequentialEstimator,
    n: int | None,
    *,
    replicates: int,
    seed: int,
    target: npt.ArrayLike | None = None,
    bounds: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    variance: npt.ArrayLike | None = None,
    tolerance: npt.ArrayLike | None = None,
    error_rate: float = 1e-9,
    executor: Executor | None = None,
    checkpoint: str | Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Result:
    """Draw groups, and return the moments of their gradient estimates and a verdict on their bias.

    Parameters
    ----------
    problem : has ``sample(rng, groups, n)``: likelihoods (groups, n) and scores (groups, n, d)
    estimator : an advantage function (..., N) -> (..., N); or a SequentialEstimator, which draws as many rollouts as
        it wants and ignores n
    replicates : number of groups, at least 2
    seed : an int of at least 0; block b is drawn from ``SeedSequence(seed, spawn_key=(b,))``
    target : what the mean of g should be (d,); None: no verdict
    bounds : (lower, upper) of g, numbers or (d,): the verdict is by `confidence.Betting`
    variance : a bound of the variance of g, a number or (d,): without bounds the verdict is by `confidence.Catoni`;
        with them it only sharpens the plan
    tolerance : the distance from the target to be certified, a number or (d,)
    error_rate : of a false alarm and of a wrong certificate, each
    executor : of `concurrent.futures`; what is drawn must be picklable for processes. Changes no bit of the result
    checkpoint : file to which the run is saved every few seconds and on KeyboardInterrupt, and from which it resumes
    progress : told the plan before anything is drawn, then how far the run is

    BIASED: some coordinate's mean is not the target. CERTIFIED: all are within the tolerance. INCONCLUSIVE: neither is
    shown, draw more. Memory does not grow with replicates. Not where `exact_moments` or a closed form can be had.

    >>> from maxrl_est import estimators, problems
    >>> coin = problems.Bernoulli(0.25)
    >>> unbiased, target = estimators.get("maxrl_cv"), (1 - 0.75**4) / 0.25 * coin.grad_pass_rate
    >>> result = monte_carlo(coin, unbiased, 4, replicates=20_000, seed=0, target=target, bounds=(-2, 3), tolerance=0.1)
    >>> result.verdict
    'CERTIFIED'
    """
    blocks = _blocks(problem, estimator, n, replicates, seed)
    aim = _aim(target, bounds, variance, tolerance, error_rate, replicates)
    progress = progress or (lambda _: None)
    if aim:
        progress(str(aim.plan))
    moments = Moments()
    for gradients, rollouts in blocks.drawn(0, executor):
        moments.add(gradients, rollouts)
        if aim and aim.sequence:
            aim.sequence.update(gradients)
        progress(f"{moments.count} of {replicates} groups")
    return _result(moments, aim, seed)


@dataclass(frozen=True, slots=True)
class _Aim:
    """A target, and what watches the values for a verdict on it; no sequence where it is asymptotic."""

    target: FloatArray
    plan: Plan
    sequence: Betting | Catoni | None


def _blocks(
    problem: Problem, estimator: Estimator | SequentialEstimator, n: int | None, replicates: int, seed: int
) -> Blocks:
    if isinstance(estimator, SequentialEstimator):
        n = None
    elif isinstance(n, bool) or not isinstance(n, Integral) or n < 1:
        raise ValueError(f"n is {n!r}: a group has at least 1 rollout, an int")
    for name, value, least in (("replicates", replicates, 2), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise ValueError(f"{name} is {value!r}: it is an int of at least {least}")
    return Blocks(problem, estimator, n if n is None else int(n), int(replicates), int(seed))


def _aim(
    target: npt.ArrayLike | None,
    bounds: tuple[npt.ArrayLike, npt.ArrayLike] | None,
    variance: npt.ArrayLike | None,
    tolerance: npt.ArrayLike | None,
    error_rate: float,
    replicates: int,
) -> _Aim | None:
    if target is None:
        for name, value in (("bounds", bounds), ("variance", variance), ("tolerance", tolerance)):
            if value is not None:
                raise ValueError(f"{name} is given and target is not: there is nothing to judge")
        return None
    centre = np.asarray(target, dtype=np.float64)
    sequence: Betting | Catoni | None = None
    evidence: Evidence = "asymptotic"
    spread = width = detectable = None
    if bounds is not None:
        evidence = "betting"
        sequence = Betting(centre, *bounds, tolerance=tolerance, error_rate=error_rate, horizon=replicates)
        width = sequence.upper - sequence.lower
        largest = (sequence.upper - centre) * (centre - sequence.lower)  # of any law with this mean in these bounds
        spread = largest if variance is None else np.minimum(largest, variance)
    elif variance is not None:
        evidence = "catoni"
        sequence = Catoni(centre, variance, tolerance=tolerance, error_rate=error_rate, horizon=replicates)
        spread = sequence.variance
    if spread is not None:
        widths = [None] * centre.size if width is None else width
        detectable = np.array(
            [
                detectable_bias(replicates, v, w, error_rate, miss_rate=MISS_RATE, coordinates=centre.size)
                for v, w in zip(spread, widths, strict=True)
            ]
        )
    margin = None if tolerance is None else np.broadcast_to(np.asarray(tolerance, dtype=np.float64), centre.shape)
    return _Aim(centre, Plan(replicates, evidence, error_rate, error_rate, margin, spread, detectable), sequence)


def _result(moments: Moments, aim: _Aim | None, seed: int) -> Result:
    covariance = moments.covariance
    error = np.sqrt(np.diag(covariance) / moments.count)
    bias = interval = verdict = None
    if aim:
        bias = moments.mean - aim.target
        if aim.sequence:
            interval = np.array(aim.sequence.interval) - aim.target
            biased, certified = aim.sequence.biased, aim.sequence.certified
        else:
            half = _quantile(aim.plan.false_alarm, bias.size) * error
            interval = np.array([bias - half, bias + half])
            biased = bool((abs(bias) > half).any())
            margin = aim.plan.tolerance
            certified = margin is not None and bool((abs(bias) + half < margin).all())
        verdict = _verdict(biased, certified)
    return Result(
        replicates=moments.count,
        rollouts=moments.rollouts,
        mean=moments.mean,
        covariance=covariance,
        standard_error=error,
        total_variance_error=moments.total_variance_error,
        bias=bias,
        interval=interval,
        verdict=verdict,
        plan=aim.plan if aim else None,
        seed=seed,
        versions=_versions(),
    )


def _verdict(biased: bool, certified: bool) -> Verdict:
    if biased:
        return "BIASED"
    return "CERTIFIED" if certified else "INCONCLUSIVE"


def _quantile(error_rate: float, d: int) -> float:
    """Of a normal law: what d two-sided tests may exceed with that rate."""
    from scipy.special import ndtri

    return float(-ndtri(error_rate / (2 * d)))


def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("maxrl-est", "numpy")}
    return {
        "python": platform.python_version(),
        **packages,
        "generator": type(np.random.default_rng(0).bit_generator).__name__,
    }


def _shown(values: FloatArray) -> str:
    return "(" + ", ".join(f"{x:.4g}" for x in values) + ")"
