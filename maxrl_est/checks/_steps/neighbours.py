"""Whether what a prompt learns depends on the prompts that share its batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.checks._steps.factors import common_factor, is_near
from maxrl_est.checks._steps.rewards import GRADED
from maxrl_est.checks._steps.subject import LAWS, StepSubject, in_degrees, percent
from maxrl_est.checks._subject import Failed, Warned
from maxrl_est.objectives import Objective
from maxrl_est.problems import TokenBits
from maxrl_est.steps._answers import agree
from maxrl_est.steps._exact import degrees

_PAIR = "equal lengths"


def other_prompts(subject: StepSubject) -> str:
    """A prompt's mean does not depend on the prompts beside it, or only by a factor that all of them share."""
    table = _table(subject)
    if all(agree(found, row[0]) for row in table for found in row):
        return _beside_graded(subject)
    hard = LAWS[_PAIR][0]
    easy_beside, hard_beside = subject.mean(_PAIR), subject.mean("two hard", prompts=(hard, hard))
    first, second = easy_beside.mean[0], hard_beside.mean[0]
    turned = round(degrees(second, first), 6)
    factor = float((second @ first) / (first @ first)) if first.any() else 1.0
    alike = turned <= np.degrees(subject.tolerance)
    if alike and abs(factor - 1) <= subject.tolerance:
        return "a prompt's coefficients depend on the prompts beside it, but its mean update does not"
    shares = (
        f"{percent(easy_beside.shares[0])} of its gradient beside an easy one and {percent(hard_beside.shares[0])} "
    )
    said = f"a hard prompt keeps {shares}beside another hard one"
    if alike and _separable(table):
        return Warned(
            f"{said}: the batch multiplies all its prompts by one number, a learning rate that goes with what is drawn"
        )
    cause = (
        "the direction of its update goes with them"
        if not alike
        else "rewards are normalised over the batch, so that a prompt's weight goes with its neighbours"
    )
    raise Failed(f"{said}, {in_degrees(turned)} degrees apart: {cause}", found={"factor": factor, "degrees": turned})


def _beside_graded(subject: StepSubject) -> str:
    """The same with rewards between 0 and 1, where 0/1 rewards have shown nothing: of 3 those differ all alike."""
    free = "a prompt's coefficients do not depend on the rewards of the prompts beside it"
    n = subject.n
    own = np.linspace(0.2, 0.5, n)
    try:
        found = [subject(subject.batch(np.stack([own, other])))[0] for other in (own, own / 8, 2 * own)]
        if all(agree(each, found[0]) for each in found):
            return free
        alone, beside = (_graded(subject, prompts) for prompts in (GRADED[:1], GRADED))
    except (Exception, SystemExit):  # of a step that takes no such rewards, which another check says
        return free
    turned = degrees(beside, alone)
    if turned <= np.degrees(subject.tolerance):
        return (
            "a prompt's coefficients depend on the prompts beside it where rewards are graded, but not the direction "
            "of its mean update"
        )
    message = (
        f"with rewards between 0 and 1 the mean update of a prompt beside another is {in_degrees(turned)} degrees from "
        "that of the prompt alone: it goes with the rewards of the other, as where prompts are chosen, or rewards "
        "scaled, by the spread of rewards over the batch"
    )
    if subject.objective not in (None, Objective.expected()):
        return Warned(f"{message}; on rewards 0 and 1 alone this was not seen at N = {n}")
    raise Failed(message, found={"degrees": round(turned, 6)})


def _graded(subject: StepSubject, prompts: Sequence[TokenBits]) -> Array:
    """The mean update of the first of some prompts with graded rewards."""
    return subject.mean(f"{len(prompts)} graded", prompts=prompts).mean[0]


def _table(subject: StepSubject) -> list[list[Array]]:
    """Coefficients of a prompt with some successes and failures, beside each of some other prompts."""
    n = subject.n
    groups = [np.eye(1, n)[0], 1 - np.eye(1, n)[0][::-1], np.zeros(n), np.ones(n)]
    return [[subject(subject.batch(np.stack([own, other])))[0] for other in groups] for own in groups[:2]]


def _separable(table: Sequence[Sequence[Array]]) -> bool:
    """Whether neighbours multiply the coefficients of every group by one number, the same for all groups."""
    for beside in zip(*table, strict=True):
        factors = [common_factor(found, row[0]) for found, row in zip(beside, table, strict=True)]
        if factors[0] is None or not all(is_near(factor, factors[0]) for factor in factors):
            return False
    return True
