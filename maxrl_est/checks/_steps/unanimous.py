"""What groups whose rewards are all equal do: nothing, a pull, or less for every other prompt."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.checks._steps.factors import common_factor, is_near
from maxrl_est.checks._steps.subject import LAWS, StepSubject, percent
from maxrl_est.checks._subject import Failed, Warned
from maxrl_est.objectives import Objective
from maxrl_est.steps import Batch
from maxrl_est.steps._answers import ROUNDING, agree

_PAIR = "equal lengths"


def unanimous_groups(subject: StepSubject) -> str:
    """Groups with equal rewards leave the weights of prompts as they are, whether they are dropped or pulled."""
    found = subject(_beside(subject, 0, 1))
    uncounted = _uncounted(subject)
    if subject.objective is not None and not _meets(subject, subject.objective, [0, 0]):
        if uncounted:
            fault = _renormalised(subject, uncounted)
        else:
            fault = "" if found[2:].any() else _lost(subject, subject.objective)
        if fault:
            goal = f"{subject.objective.name}, which is declared, is not what is ascended"
            raise Failed(f"{fault}; {goal}", found={"uncounted": ", ".join(uncounted), "shares": _shares(subject)})
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
    alone = (subject(subject.batch(np.full((1, subject.n), reward)))[0] for reward in (0.0, 1.0))
    own = all(agree(one, 4 * beside) for one, beside in zip(alone, found, strict=True))
    if not own or subject.siblings > 1:
        return f"groups with equal rewards are pulled too: beside two prompts with a success each, {said}"
    pulls = zip(_added(subject, 4 * low, 4 * high), _weights(subject), strict=True)
    hard, easy = (f"{100 * pull / weight:.3g}%" if weight else "all" for pull, weight in pulls)
    return (
        f"groups with equal rewards are pulled too, {said}: {hard} of a hard prompt's mean update and {easy} of an "
        "easy one's come from them"
    )


def _weights(subject: StepSubject) -> list[float]:
    """The effective weight of each prompt: what its gradient is multiplied by."""
    found = []
    for law, mean in zip(LAWS[_PAIR], subject.mean(_PAIR).mean, strict=True):
        slope = law.grad_pass_rate.astype(np.float64)
        found.append(2 * float(mean.astype(np.float64) @ slope / (slope @ slope)))
    return found


def _added(subject: StepSubject, low: float, high: float) -> list[float]:
    """What these coefficients of rollouts that all failed, or were all solved, add to the weight of each prompt."""
    rates, n = [float(law.pass_rate) for law in LAWS[_PAIR]], subject.n
    return [n * (high * p ** (n - 1) - low * (1 - p) ** (n - 1)) for p in rates]


def _lost(subject: StepSubject, objective: Objective) -> str:
    """What groups without a success, or without a failure, would have done to meet the objective: in words."""
    if subject.n < 3 or subject.siblings > 1:
        return ""
    rows = np.arange(subject.n) < np.arange(1, subject.n)[:, None]  # 1 to N - 1 successes
    found = np.array([subject(subject.batch(row[None].astype(float)))[0, :, 0] for row in rows])
    failure, success, total = found[0, -1], found[-1, 0], found[0].sum()
    size = float(abs(found).max())
    if _constant(found[:, -1], size) and _meets(subject, objective, _added(subject, failure, 0)):
        return (
            f"groups without a success do nothing, though a failure has the coefficient {failure:.3g} in every other "
            "group of that prompt: this takes (1-p)^(N-1) from the weight of a prompt, as where dropping them makes "
            "J_{N-1} of J_N"
        )
    for usual in [success] * _constant(found[:, 0], size) + [total / subject.n] * _constant(found.sum(axis=1), size):
        if _meets(subject, objective, _added(subject, 0, usual)):
            return (
                f"groups without a failure do nothing, though successes have {success:.3g} where one fails: this takes "
                "p^(N-1) from the weight of a prompt, and so from easy ones"
            )
    return ""


def _meets(subject: StepSubject, objective: Objective, added: Sequence[float]) -> bool:
    """Whether the weights of prompts, with something added, are those of the objective up to one factor."""
    weights = np.array(_weights(subject)) + added
    ratios = weights / [float(objective.weight(law.pass_rate)) for law in LAWS[_PAIR]]
    return bool(abs(ratios[0] - ratios[1]) <= subject.tolerance * abs(ratios).max())


def _constant(values: Array, size: float) -> bool:
    """Whether all are one number that is not 0, but for the rounding of numbers of some size."""
    return bool(abs(values[0]) > ROUNDING * size and np.ptp(values) <= ROUNDING * size)


def _shares(subject: StepSubject) -> list[float]:
    return [round(float(share), 6) for share in subject.mean(_PAIR).shares]


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
