"""What groups whose rewards are all equal do: nothing, a pull, or less for every other prompt."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.checks._steps.factors import common_factor, is_near
from maxrl_est.checks._steps.subject import LAWS, StepSubject, percent
from maxrl_est.checks._subject import Failed, Warned
from maxrl_est.steps import Batch
from maxrl_est.steps._answers import ROUNDING, agree

_PAIR = "equal lengths"


def unanimous_groups(subject: StepSubject) -> str:
    """Groups with equal rewards leave the weights of prompts as they are, whether they are dropped or pulled."""
    found = subject(_beside(subject, 0, 1))
    uncounted = _uncounted(subject)
    if subject.objective is not None and not _met(subject):
        lost = "" if found[2:].any() else _lost(subject)
        faults = [_renormalised(subject, uncounted)] * bool(uncounted) + [lost] * bool(lost)
        if faults:
            goal = f"{subject.objective.name}, which is declared, is not what is ascended"
            raise Failed("; ".join([*faults, goal]), found={"uncounted": ", ".join(uncounted), "lost": bool(lost)})
    if uncounted:
        return Warned(_renormalised(subject, uncounted))
    if found[2:].any():
        return _pulled(subject, found[2:])
    return "groups with equal rewards do nothing, and change nothing for the prompts beside them"


def _beside(subject: StepSubject, *others: float) -> Batch:
    """Four prompts: some with equal rewards, last, and before them such with one success each."""
    rows = np.eye(1, subject.n).repeat(4, axis=0)
    for row, reward in enumerate(others, 4 - len(others)):
        rows[row] = reward
    return subject.batch(rows)


def _uncounted(subject: StepSubject) -> list[str]:
    """Which groups with equal rewards are not counted in the divisor: beside one of four the rest count 4/3."""
    plain = subject(_beside(subject))
    kinds = {"all failed": 0, "all solved": 1}
    return [
        name
        for name, reward in kinds.items()
        if is_near(common_factor(subject(_beside(subject, reward))[:3], plain[:3]), 4 / 3)
    ]


def _pulled(subject: StepSubject, found: Array) -> str:
    """What part of each prompt's mean comes from groups with equal rewards."""
    low, high = (float(each.mean(where=each != 0)) if each.any() else 0.0 for each in found)
    said = f"all failed has the coefficient {low:.3g}, all solved {high:.3g}"
    singly = subject(subject.batch(np.ones((1, subject.n)))), subject(subject.batch(np.zeros((1, subject.n))))
    own = agree(singly[0][0], 4 * found[1]) and agree(singly[1][0], 4 * found[0])
    if not own or subject.siblings > 1:
        return f"groups with equal rewards are pulled too: beside two prompts with a success each, {said}"
    parts = []
    for law, mean in zip(LAWS[_PAIR], subject.mean(_PAIR).mean, strict=True):
        p, slope = float(law.pass_rate), law.grad_pass_rate.astype(np.float64)
        weight = 2 * float(mean.astype(np.float64) @ slope / (slope @ slope))
        pull = 4 * subject.n * (high * p ** (subject.n - 1) - low * (1 - p) ** (subject.n - 1))
        parts.append(f"{100 * pull / weight:.3g}%" if weight else "all")
    return (
        f"groups with equal rewards are pulled too, {said}: {parts[0]} of a hard prompt's mean update and {parts[1]} "
        "of an easy one's come from them"
    )


def _lost(subject: StepSubject) -> str:
    """Whether groups without a success, or without a failure, do nothing where their kind would: in words."""
    if subject.n < 3 or subject.siblings > 1:
        return ""
    rows = np.arange(subject.n) < np.arange(1, subject.n)[:, None]  # 1 to N - 1 successes
    found = np.array([subject(subject.batch(row[None].astype(float)))[0, :, 0] for row in rows])
    successes, failures = found[:, 0], found[:, -1]
    size = float(abs(found).max())
    if _constant(failures, size):
        return (
            f"groups without a success do nothing, though a failure has the coefficient {failures[0]:.3g} in every "
            "other group of that prompt: this takes (1-p)^(N-1) from the weight of a prompt, as where dropping them "
            "makes J_{N-1} of J_N"
        )
    if _constant(successes, size) or _constant(found.sum(axis=1), size):
        return (
            f"groups without a failure do nothing, though successes have {successes[-1]:.3g} in the group that has one "
            "failure: this takes p^(N-1) from the weight of a prompt, and so from easy ones"
        )
    return ""


def _constant(values: Array, size: float) -> bool:
    """Whether all are one number that is not 0, but for the rounding of numbers of some size."""
    return bool(abs(values[0]) > ROUNDING * size and np.ptp(values) <= ROUNDING * size)


def _met(subject: StepSubject) -> bool:
    """Whether the mean weighs a hard and an easy prompt as the declared objective does."""
    ratio: Any = subject.mean(_PAIR).ratios[1]
    return ratio is not None and abs(float(ratio) - 1) <= subject.tolerance


def _renormalised(subject: StepSubject, uncounted: Sequence[str]) -> str:
    """The sizes of the update of each prompt, where it is divided by the prompts that are kept."""
    shares = " and ".join(map(percent, subject.mean(_PAIR).shares))
    said = f"of two prompts, a hard and an easy one, {shares} of their gradients are kept"
    if subject.siblings == 1:
        hard, easy = (_kept(law.pass_rate, subject.n, uncounted) for law in LAWS[_PAIR])
        said = f"{said}, {percent(2 - easy)} and {percent(2 - hard)} times what a fixed divisor keeps"
    return (
        f"groups that are {' or '.join(uncounted)} are dropped from the number of prompts that is divided by, so the "
        f"fewer are kept the more each counts; {said}: prompts that are often kept are favoured"
    )


def _kept(p: Fraction, n: int, uncounted: Sequence[str]) -> Fraction:
    """The chance that a group of n is counted."""
    return 1 - ("all solved" in uncounted) * p**n - ("all failed" in uncounted) * (1 - p) ** n
