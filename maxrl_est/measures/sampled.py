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
from typing import Any

import numpy as np
import numpy.typing as npt

from maxrl_est._typing import Estimator, FloatArray, Problem
from maxrl_est.confidence.questions import Bounds, Question, SamplingPlan, Verdict, question, shown
from maxrl_est.estimators import SequentialEstimator
from maxrl_est.files.checkpoints import Checkpoint
from maxrl_est.measures.blocks import Blocks, RunningMoments


@dataclass(frozen=True, slots=True)
class Result:
    """Moments of one group's gradient estimate g from ``replicates`` groups, d parameters.

    ``mean (d,)``, ``covariance (d, d)``, ``standard_error (d,)`` of the mean, ``total_variance_error`` of the trace of
    the covariance. With a target: ``bias (d,)``, ends of its ``interval (2, d)`` that hold simultaneously, at any
    number of replicates, but with the error rate; and a verdict, which by betting is sharper than the interval.
    ``rollouts`` is what was drawn in all.
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
    plan: SamplingPlan | None
    seed: int
    versions: dict[str, str]

    @property
    def failed(self) -> bool:
        """Whether a bias is established: BIASED by evidence whose error rate is known."""
        return self.verdict == "BIASED" and self.plan is not None and self.plan.evidence != "asymptotic"

    def __str__(self) -> str:
        lines = [f"{self.replicates} groups, {self.rollouts} rollouts, seed {self.seed}"]
        lines.append(f"mean {shown(self.mean)}, standard error {shown(self.standard_error)}")
        if self.bias is not None and self.interval is not None and self.plan is not None:
            low, high = self.interval
            lines.append(f"bias {shown(self.bias)}, between {shown(low)} and {shown(high)}")
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
    bounds: Bounds | None = None,
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
    asked: dict[str, Any] = {"bounds": bounds, "variance": variance, "tolerance": tolerance}
    run = _Run(
        blocks,
        RunningMoments(),
        question(target, **asked, error_rate=error_rate, replicates=replicates),
        progress or (lambda _: None),
    )
    if run.question:
        run.progress(str(run.question.plan))
    if checkpoint is None:
        run.finish(executor)
    else:
        given = {name: _plain(value) for name, value in {"target": target, **asked}.items()}
        configuration = blocks.configuration | given | {"error_rate": error_rate} | _versions()
        run.finish_with(Checkpoint(checkpoint, configuration), executor)
    return _result(run.moments, run.question, blocks.seed)


@dataclass(frozen=True, slots=True)
class _Run:
    """All that changes while groups are drawn is in ``moments`` and in the sequence of the question."""

    blocks: Blocks
    moments: RunningMoments
    question: Question | None
    progress: Callable[[str], None]

    def finish(self, executor: Executor | None, done: Callable[[], None] = lambda: None) -> None:
        """Draw the blocks that are missing; ``done`` is called after each."""
        first = -(-self.moments.count // self.blocks.size)
        for gradients, rollouts in self.blocks.drawn(first, executor):
            if self.question:
                self.question.update(gradients)
            self.moments.add(gradients, rollouts)
            done()
            self.progress(f"{self.moments.count} of {self.blocks.replicates} groups")

    def finish_with(self, checkpoint: Checkpoint, executor: Executor | None) -> None:
        """The same from what is saved; saved every few seconds, and however it ends."""
        state = checkpoint.load()
        if state:
            self.moments.restore(state["moments"])
            if self.question:
                self.question.sequence.restore(state["sequence"])
        state = self._state()
        checkpoint.save(state)  # tells before the work that the file cannot be written

        def done() -> None:
            nonlocal state  # that of whole blocks: an interruption may come in the middle of one
            state = self._state()
            if checkpoint.due:
                checkpoint.save(state)

        try:
            self.finish(executor, done)
        finally:
            checkpoint.save(state)

    def _state(self) -> dict[str, Any]:
        sequence = self.question.sequence.state() if self.question else None
        return {"moments": self.moments.state(), "sequence": sequence}


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


def _result(moments: RunningMoments, question: Question | None, seed: int) -> Result:
    covariance = moments.covariance
    return Result(
        replicates=moments.count,
        rollouts=moments.rollouts,
        mean=moments.mean,
        covariance=covariance,
        standard_error=np.sqrt(np.diag(covariance) / moments.count),
        total_variance_error=moments.total_variance_error,
        bias=moments.mean - question.target if question else None,
        interval=question.interval if question else None,
        verdict=question.verdict if question else None,
        plan=question.plan if question else None,
        seed=seed,
        versions=_versions(),
    )


def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("maxrl-est", "numpy")}
    return {
        "python": platform.python_version(),
        **packages,
        "generator": type(np.random.default_rng(0).bit_generator).__name__,
    }


def _plain(value: Any) -> Any:
    """Numbers or arrays of them, as JSON has them."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value if value is None else np.asarray(value, dtype=np.float64).tolist()
