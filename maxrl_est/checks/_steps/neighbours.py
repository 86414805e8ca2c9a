"""Whether what a prompt learns depends on the prompts that share its batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.checks._steps.factors import common_factor, is_near
from maxrl_est.checks._steps.subject import LAWS, StepSubject, percent
from maxrl_est.checks._subject import Failed, Warned
from maxrl_est.steps._answers import agree
from maxrl_est.steps._exact import degrees

_PAIR = "equal lengths"


def other_prompts(subject: StepSubject) -> str:
    """A prompt's mean does not depend on the prompts beside it, or only by a factor that all of them share."""
    table = _table(subject)
    if all(agree(found, row[0]) for row in table for found in row):
        return "a prompt's coefficients do not depend on the rewards of the prompts beside it"
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
    raise Failed(f"{said}, {turned:.3g} degrees apart: {cause}", found={"factor": factor, "degrees": turned})


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
