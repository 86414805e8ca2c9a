"""What the mean step is where the rollouts are another policy's than the one that is updated."""

from __future__ import annotations

from fractions import Fraction as F
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.checks._steps.bounds import bounds_of
from maxrl_est.checks._steps.means import gradient, mean_update, moved, without_ratios
from maxrl_est.checks._steps.ratio import NO_RATIO, powers_of
from maxrl_est.checks._steps.subject import LAWS, StepSubject, in_degrees
from maxrl_est.checks._steps.terms import without_term
from maxrl_est.checks._subject import Failed, Skipped, Warned
from maxrl_est.problems import TokenBits
from maxrl_est.steps._exact import degrees

_CLOSE = 0.1  # ratios are at most so far from 1, or half as far as the closest bound


def stale_ratio(subject: StepSubject) -> str:
    """Of rollouts of a policy that is a little another, the mean step is the gradient at the one that is updated."""
    powers = subject.once(powers_of)
    if powers.kind == "none":
        raise Skipped(NO_RATIO)
    left, right, turned = _errors(subject.once(without_term))
    found = {"left": left, "degrees": round(turned, 6)}
    how = f"of rollouts of a policy whose ratios are up to {_step_size(subject):.2g} from 1"
    if left <= max(subject.tolerance, 1e-6):
        return f"{how} the mean step is the gradient at the policy that is updated"
    cause = {
        "token": "ratios of tokens miss those of the prefix, and of what comes after",
        "prefix": "ratios up to a token miss those of what comes after it",
        "geometric mean": "a mean of the ratios of a response, such as the geometric mean, is the ratio of no policy",
    }.get(powers.kind, "they are weighed by no ratio of whole responses")
    if turned <= 1e-3 * right:
        return Warned(
            f"{how} the mean step has the direction of each prompt's gradient, and a weight of the policy that drew: "
            f"prompts are weighed by stale pass rates, {100 * left:.3g}% of what ignoring the ratio is off"
        )
    off = f"{in_degrees(turned)} degrees off ({in_degrees(right)} if the ratio is ignored)"
    message = f"{how} the mean step is {off}: {cause}"
    if left >= 1 - 1e-6:
        raise Failed(f"{message}; that is {left:.3g} times as far off as if the ratio were ignored", found=found)
    return Warned(f"{message}; {100 * left:.3g}% of what ignoring it is off is left")


def _step_size(subject: StepSubject) -> float:
    return min(_CLOSE, subject.once(bounds_of).narrow / 2 / 2)


def _errors(subject: StepSubject) -> tuple[float, float, float]:
    """Over each token of both prompts moved: the error over that without ratios, degrees without, and degrees."""
    size = F(_step_size(subject)).limit_denominator(10**6)
    errors: list[Array] = []
    ignored: list[Array] = []
    turned, right = 0.0, 0.0
    for law in LAWS["equal lengths"]:
        assert isinstance(law, TokenBits)
        truth = gradient(subject, law)
        here = mean_update(subject, law)
        share = (here @ truth) / (truth @ truth)
        if share == 0:
            raise Skipped("on policy the mean step is 0")
        for token in range(2):
            sampler = moved(law, lambda chance: chance / (1 + size), token)
            for step, kept in ((subject.step, errors), (without_ratios(subject.step), ignored)):
                mean = mean_update(subject, law, step=step, sampler=sampler)
                kept.append(mean / share - truth)
                angle = degrees(mean, truth)
                if kept is errors:
                    turned = max(turned, angle)
                else:
                    right = max(right, angle)
    return _size(errors) / max(_size(ignored), 1e-30), right, turned


def _size(errors: list[Any]) -> float:
    flat: FloatArray = np.concatenate(errors).astype(np.float64)
    return float(np.linalg.norm(flat))
