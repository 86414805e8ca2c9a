"""What every step has to return, whatever it trains: a number for each token, the same whenever it is asked."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.checks._steps.factors import apart
from maxrl_est.checks._steps.subject import StepSubject
from maxrl_est.checks._subject import Failed
from maxrl_est.steps import Batch
from maxrl_est.steps._answers import agree


def coefficients(subject: StepSubject) -> str:
    """A finite number for each token, twice the same for the same batch, which is not written to."""
    batch = subject.mixed
    given = batch.map(np.copy)
    first = _asked(subject, given)
    for name in _changed(given, batch):
        raise Failed(f"wrote to the {name} of its batch, which others read after it", found={"wrote": name})
    _asked(subject, batch.map(lambda array: array[::-1].copy()))
    again = max((_asked(subject, batch), _asked(subject, batch)), key=lambda found: apart(found, first))
    if not agree(again, first):
        raise Failed(
            f"asked twice of the same batch it returns two answers, {apart(again, first):.2g} apart relative to the "
            "largest coefficient: it draws random numbers or remembers earlier batches, so no mean can be exact",
            found={"answers": "two"},
        )
    return "a finite number for each token, twice the same, and the batch is not written to"


def _asked(subject: StepSubject, batch: Batch) -> Array:
    """Coefficients, or a Failed that says what came instead."""
    try:
        return subject(batch)
    except (Exception, SystemExit) as error:  # of the step, whatever it raises
        said = str(error) if str(error).startswith("step must") else f"the step raises {type(error).__name__}: {error}"
        asked = f"of {batch.rewards.shape[0]} prompts, {subject.n} rollouts each"
        raise Failed(f"{asked}: {said}{_no_step(subject, batch)}", found={"returned": "no coefficients"}) from error


def _no_step(subject: StepSubject, batch: Batch) -> str:
    """A hint where it is no step but an advantage function, or a loss of log-probabilities and a batch."""
    function: Callable[[Any], Any] = subject.step
    if _takes_two(function):
        return "; a step takes a batch alone: of a loss(log_probs, batch) as_step of an adapter makes one"
    try:
        found = np.shape(function(batch.rewards.copy()))
    except (Exception, SystemExit):
        return ""
    if found != batch.rewards.shape:
        return ""
    return "; of an array of rewards it returns advantages, so it is a function for check_estimator and no step"


def _takes_two(function: Callable[..., Any]) -> bool:
    """Whether it can be called with two arguments and not with one."""
    try:
        signature = inspect.signature(function)
        signature.bind(0, 0)
    except (TypeError, ValueError):
        return False
    try:
        signature.bind(0)
    except TypeError:
        return True
    return False


def _changed(batch: Batch, before: Batch) -> list[str]:
    names = ("rewards", "mask", "ratios", "reference_ratios", "probabilities", "groups", "branches")
    return [name for name in names if not np.array_equal(getattr(batch, name), getattr(before, name))]
