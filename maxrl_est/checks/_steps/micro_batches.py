"""Whether a step in several micro-batches is the step of the whole batch, and whether it grows with the batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from maxrl_est.checks._steps.factors import common_factor, is_near
from maxrl_est.checks._steps.subject import StepSubject, in_degrees, percent
from maxrl_est.checks._subject import Failed, Warned
from maxrl_est.steps import Batch
from maxrl_est.steps._answers import agree
from maxrl_est.steps._exact import degrees

_PROMPTS = 4
_PARTS = (2, 4)
_SUM = 1.3  # a sum grows to 2, or to 4/3 where one of 2 rollouts is left out; a deviation's N - 1 matters less
_STATISTICS = "statistics of rewards over prompts (a mean, deviation or count) are taken in each micro-batch"
_KEPT = (
    "the prompts that are kept, those whose rewards differ, are counted in each micro-batch (or process) and not in "
    "the whole batch"
)
_TOKENS = "the token mean is taken per micro-batch: each divides by its own number of tokens"
_LONGEST = "each micro-batch divides by its own longest response"
_LENGTHS = "lengths are averaged in each micro-batch, or their longest is taken, and not over the whole batch"
_OTHER = "something that belongs to the whole batch is taken from each micro-batch"


def micro_batches(subject: StepSubject) -> str:
    """Splitting the step into micro-batches of whole prompts changes nothing, and a larger batch is no larger step."""
    even = _even(subject)
    factors = {parts: common_factor(subject(even, parts), subject(even)) for parts in _PARTS}
    rescaled = None not in factors.values() and not all(is_near(factor, 1) for factor in factors.values())
    causes = [_OTHER] if None in factors.values() else [] if rescaled else _causes(subject)
    if (rescaled or causes) and _same_means(subject):
        return "micro-batches change coefficients, as a baseline of each does, and not what they are in the mean"
    if rescaled:
        raise _rescaled(subject, factors)
    if causes:
        raise _other(subject, "; ".join(causes))
    for what, larger in (("prompts", _more_prompts(even)), ("rollouts of each", _wider(even))):
        growth = _growth(subject, larger)
        if growth is not None and growth > _SUM:
            return Warned(
                f"micro-batches change nothing, but twice the {what} make {growth:.4g} times the update: it is a sum, "
                "divided by a constant if by anything, so the learning rate goes with their number"
            )
    shrinks = _growth(subject, _more_prompts(even))
    if shrinks is not None and shrinks < 1 / _SUM:
        return Warned(
            f"micro-batches change nothing, but twice the prompts make {shrinks:.4g} times the update: it is divided "
            "by their number, or that of their tokens, more than once, so the learning rate goes with it"
        )
    return "in 2 and 4 micro-batches the step is that of the whole batch, and a larger batch is no larger a step"


def _same_means(subject: StepSubject) -> bool:
    """Whether the mean update of each prompt is the same in micro-batches of one prompt each."""
    return all(
        agree(split, whole)
        for laws in ("equal lengths", "lengths", "one token")
        for split, whole in zip(subject.mean(laws, parts=2).mean, subject.mean(laws).mean, strict=True)
    )


def _even(subject: StepSubject) -> Batch:
    """Four prompts alike: equal lengths, and of each one success."""
    return subject.batch(np.eye(1, subject.n).repeat(_PROMPTS, axis=0))


def _rescaled(subject: StepSubject, factors: dict[int, float | None]) -> Failed:
    """Micro-batches multiply all coefficients by a number: why."""
    adds = getattr(subject.step, "adds", False)
    half, twice = is_near(factors[2], 0.5), is_near(factors[2], 2)
    if half and not adds and is_near(_growth(subject, _more_prompts(_even(subject))), 2):
        cause = "it is a sum over prompts and not a mean, so the update grows with what one micro-batch holds"
    elif half:
        cause = "it divides by the number of micro-batches a second time"
    elif is_near(_growth(subject, _more_prompts(_even(subject))), 0.5) and not adds:
        cause = (
            "it divides twice by the number of its prompts or tokens, which in a micro-batch are fewer, so the update "
            "grows with the number of micro-batches"
        )
    elif twice and adds:
        cause = "means of micro-batches are added up and not averaged, so the update grows with their number"
    elif twice:
        cause = "it multiplies by the number of micro-batches, which nothing divides by"
    else:
        cause = "their number counts"
    shown = " and ".join(f"{parts} multiply it by {factor:.4g}" for parts, factor in factors.items())
    found = {f"in {parts}": factor for parts, factor in factors.items()}
    return Failed(f"micro-batches change the size of the update, {shown}: {cause}", found=found)


def _causes(subject: StepSubject) -> list[str]:
    """What a step takes from each micro-batch instead of from the whole, by changing one thing at a time."""
    n = subject.n
    rewards = np.eye(1, n).repeat(_PROMPTS, axis=0)
    easier, first, second = rewards.copy(), rewards.copy(), rewards.copy()
    easier[2:] = 1 - rewards[2:, ::-1] if n > 2 else [[1, 0.5]]
    first[2:], second[2], second[3] = 0, 0, 1
    by_length = subject.batch(rewards, np.array([1, 2, 3, 4])[:, None].repeat(n, axis=1))
    causes = []
    if _changes(subject, by_length):
        causes.append(_of_lengths(subject, by_length))
    if _changes(subject, subject.batch(easier)):
        causes.append(_STATISTICS)
    elif any(changed := [_changes(subject, subject.batch(unanimous)) for unanimous in (first, second)]):
        batches = [subject.batch(rows) for rows, differs in zip((first, second), changed, strict=True) if differs]
        causes.append(_KEPT if all(_counted(subject, batch) for batch in batches) else _STATISTICS)
    if not causes and _changes(subject, subject.mixed):
        causes.append(_OTHER)
    return causes


def _counted(subject: StepSubject, batch: Batch) -> bool:
    """Whether the first two of four prompts, with others dropped, count as two in a micro-batch of their own."""
    split, whole = subject(batch, 2)[:2], subject(batch)[:2]
    factor = common_factor(split, whole)
    return is_near(factor, 2 / 4) or is_near(factor, 3 / 4)


def _changes(subject: StepSubject, batch: Batch) -> bool:
    return any(not agree(subject(batch, parts), subject(batch)) for parts in _PARTS)


def _of_lengths(subject: StepSubject, batch: Batch) -> str:
    """How lengths count, read off what each of four micro-batches multiplies its coefficients by."""
    pairs = zip(subject(batch, _PROMPTS), subject(batch), strict=True)
    factors = np.array([common_factor(found, plain) or 0.0 for found, plain in pairs])
    tokens, longest = batch.lengths.sum(axis=1), batch.lengths.max(axis=1)
    if np.allclose(factors, tokens.mean() / tokens, rtol=1e-6):
        return _TOKENS
    return _LONGEST if np.allclose(factors, longest.max() / longest, rtol=1e-6) else _LENGTHS


def _other(subject: StepSubject, cause: str) -> Failed:
    """What one micro-batch for each prompt does to the mean update, exactly, and why."""
    whole, split = subject.mean("lengths"), subject.mean("lengths", parts=2)
    apart = round(degrees(np.concatenate(split.mean), np.concatenate(whole.mean)), 6)
    one, two = (" and ".join(map(percent, each.shares)) for each in (whole, split))
    found: dict[str, Any] = {
        "shares": [round(float(share), 6) for share in split.shares],
        "in one": [round(float(share), 6) for share in whole.shares],
    }
    return Failed(
        f"in 2 micro-batches the mean update is {in_degrees(apart)} degrees from that of one batch, and keeps {two} of "
        f"the gradients of a hard and an easy prompt instead of {one}: {cause}",
        found=found,
    )


def _growth(subject: StepSubject, larger: Batch) -> float | None:
    """The update of a larger batch, of copies, over that of the batch; None where they are no multiples."""
    batch = _even(subject)
    rows, columns = batch.rewards.shape
    if not subject(batch).any():
        return None
    try:
        found = subject(larger)[:rows, :columns]
    except Exception:  # of a step for so many rollouts and no more, whatever it raises
        return None
    factor = common_factor(found, subject(batch))
    return None if factor is None else factor * larger.mask.size / batch.mask.size


def _more_prompts(batch: Batch) -> Batch:
    """The batch, and its prompts once more under other numbers."""
    both = batch.map(lambda array: np.concatenate([array, array]))
    both.groups[len(batch.groups) :] += len(batch.groups)
    return both


def _wider(batch: Batch) -> Batch:
    """The batch with each of its rollouts twice."""
    both = batch.map(lambda array: np.concatenate([array, array], axis=1))
    both.branches[:, batch.branches.shape[1] :] += batch.branches.max() + 1
    return both
