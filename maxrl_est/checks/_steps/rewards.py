"""What rewards other than 0 and 1 do to the mean step."""

from __future__ import annotations

from fractions import Fraction as F
from typing import Any

import numpy as np

from maxrl_est.checks._steps.factors import apart
from maxrl_est.checks._steps.subject import StepSubject, in_degrees
from maxrl_est.checks._steps.terms import rewarded, without_term
from maxrl_est.checks._subject import Failed, Skipped, Warned
from maxrl_est.objectives import Objective
from maxrl_est.problems import TokenBits
from maxrl_est.steps import Batch

_PAIR = "one token"
GRADED = (
    TokenBits([F(1, 2), F(1, 3)], [[F(0), F(1, 8)], [F(1, 4), F(1)]]),
    TokenBits([F(1, 3), F(1, 2)], [[F(1, 8), F(1)], [F(1), F(3, 4)]]),
)
_CLOSE = 5e-3  # relative: more than an eps of 1e-4 beside a deviation does


def reward_encoding(subject: StepSubject) -> str:
    """With rewards -1 and 1 for 0 and 1 the mean of each prompt keeps its sign, and prompts their shares."""
    batch = subject.mixed
    refused = _refusal(subject, batch.rewards * 2 - 1)
    if refused:
        return f"rewards of -1 are refused: {refused}"
    rest = subject.once(without_term)
    plain, found = rest.mean(_PAIR), rest.mean(_PAIR, rewards=_signed)
    pairs = zip(found.mean, plain.mean, strict=True)
    factors = [(g @ t) / (t @ t) if t.any() else None for g, t in pairs]
    if None in factors:
        raise Skipped("the mean of a prompt is 0 with rewards 0 and 1")
    hard, easy = (round(float(factor), 9) for factor in factors if factor is not None)
    times = f"rewards -1 and 1 multiply the mean update of a hard prompt by {hard:.3g} and of an easy one by {easy:.3g}"
    if min(hard, easy) <= 0:
        cause = (
            "it unlearns what is right, as where it divides by the mean reward, which is a pass rate for 0 and 1 alone"
            if min(hard, easy) < 0
            else "nothing is learnt of it, as where a filter or a threshold asks for rewards of 0 and 1"
        )
        message = f"{times}: {cause}"
        if _of_pass_rate(subject):
            return Warned(message)
        raise Failed(message, found={"factors": [round(hard, 6), round(easy, 6)]})
    if abs(hard / easy - 1) > subject.tolerance:
        return Warned(f"{times}: the weight of hard prompts against easy ones goes with how rewards are written")
    return f"{times}: the same for all"


def shaped_rewards(subject: StepSubject) -> str:
    """With graded rewards the mean of each prompt has the direction of the gradient of its expected reward."""
    refused = _refusal(subject, np.where(subject.mixed.rewards == 1, 1, 0.25))
    if refused:
        raise Skipped(f"graded rewards are refused: {refused}")
    before = max(rewarded(subject, "equal lengths").angles)
    if before > np.degrees(subject.tolerance):
        raise Skipped(
            f"with rewards 0 and 1 the mean is {in_degrees(before)} degrees off already, of responses of one length"
        )
    means = [subject.once(without_term).mean(f"graded {i}", prompts=[law]) for i, law in enumerate(GRADED)]
    angles = [mean.angle for mean in means]
    if max(angles) <= np.degrees(subject.tolerance):
        return "with rewards between 0 and 1 too the mean has the direction of the gradient of the expected reward"
    off = in_degrees(*angles)
    turns = "" if all(mean.is_gradient for mean in means) else ", and the gradient of nothing"
    message = (
        f"with rewards between 0 and 1 (a bonus for short answers, say) the mean step is {off} degrees off the "
        f"gradients of the expected rewards of two prompts{turns}: {_why(subject)}"
    )
    if _of_pass_rate(subject):
        return Warned(f"{message}; on rewards 0 and 1 alone this does not matter")
    raise Failed(message, found={"degrees": [round(angle, 6) for angle in angles]})


def _signed(likelihood: Any, length: int) -> Any:
    return 2 * likelihood - 1


def _refusal(subject: StepSubject, rewards: Any) -> str:
    """What the step raises for such rewards, in words; empty where it takes them."""
    batch: Batch = subject.batch(rewards)
    try:
        subject.step(batch)
    except Exception as error:  # of the step, whatever it raises
        return f"{type(error).__name__}: {error}"
    return ""


def _of_pass_rate(subject: StepSubject) -> bool:
    """Whether a function of the pass rate is declared, so that rewards are 0 and 1."""
    return subject.objective not in (None, Objective.expected())


def _why(subject: StepSubject) -> str:
    """What a step makes of a group of graded rewards, by changing one thing at a time."""
    n = subject.n
    rewards = 2.0 ** np.arange(n) / 2 ** (n + 1)  # all different, below 1/2, and none close to their mean
    plain = subject(subject.batch(rewards[None]))

    def same(changed: Any) -> bool:
        return apart(subject(subject.batch(changed[None])), plain) <= _CLOSE

    low = np.eye(1, n)[0] / 8
    if not subject(subject.batch(low[None])).any():
        return "groups without a success do nothing although their rewards differ, as where a filter reads them"
    nudged = rewards + np.eye(1, n)[0] * rewards / 2
    if same(nudged):
        return "rewards are read as right or wrong, or by order, or advantages by sign, and their size is lost"
    if same(rewards / 2) and same(rewards + 0.25):
        return (
            "it divides by a deviation of the group's rewards, or by what else is as large as they are apart, so a "
            "small difference counts as much as a large one"
        )
    if same(rewards / 2):
        return "it divides by the group's mean reward, which is no constant of the prompt"
    return "coefficients do not go with rewards in proportion"
