"""Moments of a gradient estimate by drawing groups, and a verdict on its bias with stated error rates.

The last resort of evidence: enumeration and closed forms decide without sampling wherever they reach. Groups are
drawn in numbered blocks, each from its own generator, and merged in the order of their numbers, so a seed gives the
same bits on any executor, and after an interruption.
"""

from __future__ import annotations

import platform
import reprlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import callable_or_none, executor_or_none, path_or_none, seed_of, versions
from maxrl_est._arguments.protocols import Estimator, FloatArray, Problem
from maxrl_est.confidence._questions import Bounds, Question, SamplingPlan, Verdict, question
from maxrl_est.confidence._values import number_of
from maxrl_est.estimators import SequentialEstimator, chosen
from maxrl_est.files.checkpoints import Checkpoint
from maxrl_est.files.formats import plain
from maxrl_est.measures._blocks import Blocks, RunningMoments
from maxrl_est.measures._columns import Columns
from maxrl_est.measures._sizes import size_for
from maxrl_est.problems._laws import sampled_law


@dataclass(frozen=True, slots=True)
class Result(Columns):
    """Moments of one group's gradient estimate g from ``replicates`` groups, d parameters.

    ``mean (d,)``, ``covariance (d, d)``, ``standard_error (d,)`` of the mean, ``total_variance_error`` of the trace of
    the covariance; ``rollouts`` is what was drawn in all. With a target: ``bias (d,)``; the ends of its ``interval
    (2, d)``, which holds for all coordinates at once and at any number of replicates, except with probability at most
    the error rate; and a verdict, which by betting is sharper than the interval.
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

    def title(self) -> list[str]:
        """What was drawn, and the verdict."""
        drawn = f"{self.replicates} groups, {self.rollouts} rollouts, seed {self.seed}"
        return [drawn, f"{self.verdict} ({self.plan.evidence})"] if self.plan else [drawn]

    def columns(self) -> dict[str, Any]:
        """Mean, variance and error of each coordinate; with a target its bias and the ends of the interval."""
        variance = np.diag(self.covariance).tolist()
        columns = {"coordinate": range(len(variance)), "mean": self.mean.tolist(), "variance": variance}
        columns["standard error"] = self.standard_error.tolist()
        if self.bias is None or self.interval is None:
            return columns
        low, high = self.interval.tolist()
        return columns | {"bias": self.bias.tolist(), "bias from": low, "bias to": high}


def monte_carlo(
    problem: Problem,
    estimator: str | Estimator | SequentialEstimator,
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

    Memory does not grow with replicates. Not where `exact_moments` or `closed_form_moments` reaches.

    Parameters
    ----------
    problem : a law, with ``sample(rng, groups, n)``: likelihoods (groups, n) and scores (groups, n, d)
    estimator : a name or a row; a function of likelihoods (..., N); or a sequential row, which draws as many rollouts
        as it needs
    n : rollouts in a group, at most 10^7; sequential rows do not use it, and it may be None for them
    replicates : number of groups, at least 2
    seed : an int of at least 0; block b is drawn from ``SeedSequence(seed, spawn_key=(b,))``
    target : what the mean of g should be (d,); None: no verdict
    bounds : (lower, upper) of g, numbers or (d,): the verdict is by `confidence.Betting`
    variance : a bound of the variance of g, a number or (d,): without bounds the verdict is by `confidence.Catoni`;
        with them it only sharpens the plan
    tolerance : the distance from the target to be certified, a number or (d,)
    error_rate : of a false alarm and of a wrong certificate, each
    executor : of ``concurrent.futures``; what is drawn must be picklable for processes. Changes no bit of the result
    checkpoint : file to which the run is saved every few seconds and on KeyboardInterrupt, and from which it resumes
    progress : told the plan before anything is drawn, then how far the run is

    Returns
    -------
    `Result`. Its verdict is BIASED: the mean of some coordinate is not the target; CERTIFIED: all means are within the
    tolerance of it; or INCONCLUSIVE: neither is shown, so draw more.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not as above, or an estimate is not finite or not within its bounds.
    FileError
        Where the checkpoint cannot be written, or is that of another run.

    >>> from maxrl_est import problems
    >>> coin = problems.Bernoulli(0.25)
    >>> asked = {"target": (1 - 0.75**4) / 0.25 * coin.grad_pass_rate, "bounds": (-2, 3), "tolerance": 0.1}
    >>> result = monte_carlo(coin, "maxrl_cv", 4, replicates=20_000, seed=0, **asked)
    >>> result.verdict
    'CERTIFIED'
    """
    blocks = _blocks(problem, estimator, n, replicates, seed)
    workers, file = executor_or_none("executor", executor), path_or_none("checkpoint", checkpoint)
    asked: dict[str, Any] = {"bounds": bounds, "variance": variance, "tolerance": tolerance}
    run = _Run(
        blocks,
        RunningMoments(),
        question(target, **asked, error_rate=error_rate, replicates=blocks.replicates),
        callable_or_none("progress", progress) or (lambda _: None),
    )
    if run.question:
        run.progress(str(run.question.plan))
    if file is None:
        run.finish(workers)
    else:
        given = {name: plain(_floats(value)) for name, value in {"target": target, **asked}.items()}
        configuration = blocks.configuration | given | {"error_rate": float(error_rate)} | _versions()
        run.finish_with(Checkpoint(file, configuration), workers)
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
        self.moments.start(checkpoint.configuration["parameters"])
        state = checkpoint.load()
        if state is not None:
            try:
                self._restore(state)
            except ValueError as error:
                raise checkpoint.damaged(str(error)) from error
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

    def _restore(self, state: dict[str, Any]) -> None:
        """Continue from a `_state` of whole blocks; ValueError for what is none."""
        sequence = self.question.sequence if self.question else None
        parts = {"moments": self.moments, "sequence": sequence}
        if state.keys() != parts.keys():
            raise ValueError(f"names must be moments, sequence, got {', '.join(state) or 'none'}")
        for name, part in parts.items():
            saved = state[name]
            if not (saved is None if part is None else isinstance(saved, dict)):
                raise ValueError(f"{name} must be {'none' if part is None else 'there'}, got {reprlib.repr(saved)}")
            if part is not None:
                part.restore(saved)
        count, size, last = self.moments.count, self.blocks.size, self.blocks.replicates
        if count > last or (count % size and count != last):
            raise ValueError(f"count must be of whole blocks of {size} and at most {last}, got {count}")
        if sequence and sequence.count != count:
            raise ValueError(f"counts must be one, got {count} and {sequence.count}")

    def _state(self) -> dict[str, Any]:
        sequence = self.question.sequence.state() if self.question else None
        return {"moments": self.moments.state(), "sequence": sequence}


def _blocks(
    problem: Problem, estimator: str | Estimator | SequentialEstimator, n: int | None, replicates: int, seed: int
) -> Blocks:
    row = chosen(estimator)
    groups = number_of("replicates", replicates, 2)
    return Blocks(sampled_law(problem), row, size_for(row, n), groups, seed_of("seed", seed))


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
    return {
        "python": platform.python_version(),
        **versions("maxrl-est", "numpy"),
        "generator": type(np.random.default_rng(0).bit_generator).__name__,
    }


def _floats(value: Any) -> Any:
    """Numbers or arrays of them, as they are used."""
    if isinstance(value, tuple | list):
        return [_floats(item) for item in value]
    return value if value is None else np.asarray(value, dtype=np.float64)
