"""Whether a rollout's own reward is in its baseline, and bends what its reward is worth."""

from __future__ import annotations

import itertools

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.checks._steps.on_policy import ascends, named
from maxrl_est.checks._steps.subject import StepSubject
from maxrl_est.checks._subject import Failed, Skipped, Warned
from maxrl_est.steps import Batch

_GRID = np.array([0, 0.25, 0.5, 0.75, 1])
_COARSE = 5e-3  # relative: half precision rounds by less, a baseline does more
_OTHERS = 12  # sets of the other rewards, at most


def own_reward(subject: StepSubject) -> str:
    """Beside any others, a reward that is twice as high is worth twice as much more: no baseline moves with it."""
    sets = list(itertools.combinations_with_replacement((0.0, 0.5, 1.0), subject.n - 1))
    few = [sets[i] for i in np.unique(np.linspace(0, len(sets) - 1, _OTHERS).astype(int))]
    found = np.array([[_own(subject, own, others) for own in _GRID] for others in few])
    size = float(abs(found).max())
    if size == 0:
        raise Skipped("no reward changes any coefficient")
    bend = abs(np.diff(found, 2, axis=1)).max(axis=1)
    if subject.tolerance * size < bend.max() <= _COARSE * size and _few_digits(found):
        return Warned(
            f"a coefficient moves in proportion to its own reward but for {bend.max() / size:.1g} of the largest, "
            "which is rounding: coefficients have no more digits than half precision has"
        )
    if bend.max() > subject.tolerance * size:
        return _bent(subject, few[int(bend.argmax())], found[int(bend.argmax())])
    slopes = (found[:, -1] - found[:, 0]) * subject.n
    if np.ptp(slopes) <= subject.tolerance * size and abs(slopes[0] - (1 - 1 / subject.n)) <= subject.tolerance:
        return (
            f"the reward less the mean of its group, its own included: {subject.n - 1}/{subject.n} of the reward less "
            "the mean of the others, a constant factor"
        )
    return "a coefficient moves in proportion to its own reward, whatever the others are"


def _own(subject: StepSubject, own: float, others: tuple[float, ...]) -> float:
    return float(subject(Batch.of([[own, *others]]))[0, 0, 0])


def _few_digits(numbers: FloatArray) -> bool:
    """Whether all are numbers of bfloat16 or float16: 11 binary digits, which a number of more rarely has."""
    digits = np.frexp(numbers)[0] * 2.0**11
    return bool((digits == np.round(digits)).all())


def _bent(subject: StepSubject, others: tuple[float, ...], worth: FloatArray) -> str:
    """A fault where the own reward moves the baseline; to be known where it moves the scale alone."""
    halved = np.array([_own(subject, own / 2, tuple(other / 2 for other in others)) for own in _GRID])
    of_rewards = abs(halved - worth / 2).max() <= subject.tolerance * abs(worth).max()
    values = ", ".join(f"{value * subject.n + 0.0:.3g}" for value in worth)
    beside = ", ".join(f"{other:g}" for other in others)
    what = (
        "the baseline moves with the rollout's own reward, as a median or a maximum of the group does, or advantages "
        "above 0 and below are weighed differently"
        if of_rewards
        else "its own reward is in what rewards are divided by, or crosses a threshold"
    )
    message = (
        f"beside rewards of {beside} an own reward of 0, 1/4, 1/2, 3/4, 1 is worth {values}, which does not rise in "
        f"proportion: {what}"
    )
    near = subject.once(ascends)
    declared = subject.objective is not None and _weighs_so(subject)
    if declared or (near.known and near.objective is not None and not of_rewards):
        usual, n = (near, subject.n) if subject.objective else subject.once(named)
        where = f", where it ascends {usual} at N = {n}" if usual.known else ""
        return Warned(f"{message}; on rewards 0 and 1 it makes no difference{where}")
    raise Failed(message, found={"others": list(others), "worth": [round(value * subject.n, 6) for value in worth]})


def _weighs_so(subject: StepSubject) -> bool:
    """Whether on 0/1 rewards the weight is that of the declared objective."""
    shares = subject.mean("equal lengths").shares
    return bool(shares[0]) and abs(float(shares[1]) / float(shares[0]) - 1) <= subject.tolerance
