"""Whether the mean step is the gradient of anything: small round trips of the policy gain nothing."""

from __future__ import annotations

import numpy as np

from maxrl_est.checks._steps.lengths import divisor_of
from maxrl_est.checks._steps.subject import StepSubject
from maxrl_est.checks._steps.terms import rewarded, term_of, without_term
from maxrl_est.checks._subject import Failed, Warned
from maxrl_est.steps import ExactStep


def turning(subject: StepSubject) -> str:
    """The mean step is a gradient: what one logit does to the update of another is done back to it."""
    pairs = ("equal lengths", "lengths")
    equal, of_any = (_turns(rewarded(subject, laws)) for laws in pairs)
    if max(*equal, *of_any) <= subject.tolerance:
        return _of_the_whole(max(max(_turns(subject.mean(laws))) for laws in pairs), subject)
    found = {"within a prompt": max(equal[0], of_any[0]), "between prompts": max(equal[1], of_any[1])}
    if max(equal) > subject.tolerance:
        between = equal[1] >= equal[0]
        how = (
            "a prompt's update answers to the pass rate of the other prompt, and that one's not alike: they are "
            "normalised together"
            if between
            else "tokens of one response are not weighed alike"
        )
        raise Failed(f"{_said(max(equal))} at equal lengths: {how}", found=found)
    divisor = subject.once(without_term).once(divisor_of)
    message = f"{_said(max(of_any))} where lengths differ, and none at equal lengths: {divisor.cause}"
    if divisor.fades:
        return Warned(f"{message}; it fades in large batches")
    raise Failed(message, found=found)


def _of_the_whole(size: float, subject: StepSubject) -> str:
    """What is said where what goes with rewards does not turn: whether a term beside it does."""
    if size <= subject.tolerance:
        return "the mean step is the gradient of something at both pairs of prompts: nothing turns"
    return Warned(f"{_said(size)}; that is by a term beside the rewards alone: {subject.once(term_of)}")


def _said(size: float) -> str:
    return (
        "the mean step is no gradient of anything, so that training may go round for ever: the derivatives of two of "
        f"its numbers by each other's logit differ by {size:.3g} of its largest"
    )


def _turns(found: ExactStep) -> tuple[float, float]:
    """The largest difference of derivatives within a prompt and between them, over the largest of the mean."""
    matrix = abs(found.turning.astype(np.float64))
    size = max(float(abs(np.concatenate(found.mean).astype(np.float64)).max()), 1e-30)
    d = len(found.mean[0])
    return float(max(matrix[:d, :d].max(), matrix[d:, d:].max())) / size, float(matrix[:d, d:].max()) / size
