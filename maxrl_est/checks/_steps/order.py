"""Whether the place of a rollout or of a prompt in the batch counts, and whose reward a rollout answers to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.checks._steps.factors import apart
from maxrl_est.checks._steps.subject import StepSubject
from maxrl_est.checks._subject import Failed, Skipped
from maxrl_est.steps import Batch
from maxrl_est.steps._answers import ROUNDING, agree

APART = "of several prompts"  # rows of the batches where alone an order counts that is not as usual


def in_order(subject: StepSubject) -> bool:
    """Whether, where each row is a prompt, the places of rollouts and prompts do not count."""
    try:
        subject.once(order_of_rows)
        subject.once(order_of_prompts)
    except Failed as failure:
        return bool(failure.found["rows"] == APART)
    return True


def order_of_rows(subject: StepSubject) -> str:
    """Exchanging the rollouts of a prompt, or branches of siblings, exchanges their coefficients."""
    batch = _varied(subject)
    for b in range(batch.rewards.shape[0]):
        alone = batch.map(lambda array, b=b: array[b : b + 1])  # type: ignore[misc]
        plain = subject(alone)
        for order in _orders(subject.n, subject.siblings):
            _same(
                subject(alone.map(lambda array, order=order: array[:, order])),  # type: ignore[misc]
                plain[:, order],
                f"in the order {order.tolist()} rollouts of one prompt, with rewards {batch.rewards[b].tolist()}, have "
                "coefficients that differ by {} relative to the largest",
                lambda: _misplaced(subject) or "the place of a rollout in its group counts",
            )
    what = "branches of siblings" if subject.siblings > 1 else "rollouts of a prompt"
    return f"exchanging {what} exchanges their coefficients"


def order_of_prompts(subject: StepSubject) -> str:
    """Exchanging prompts exchanges their coefficients, and a rollout answers to the rewards of its own prompt."""
    try:
        subject.once(order_of_rows)
    except Failed:
        raise Skipped("the rollouts of a prompt that is alone are mixed up already") from None
    batch = _varied(subject)
    plain = subject(batch)
    for places in _places(batch, subject.siblings):
        rows, columns = np.divmod(places, subject.n)
        moved = _taken(batch, rows, columns)
        for given, cause in (
            (replace(moved, groups=batch.groups), "the place of a prompt in the batch counts"),
            (moved, "rollouts are sorted by the numbers of their groups, and coefficients not put back"),
        ):
            _same(
                subject(given),
                plain[rows, columns],
                "exchanging prompts, or rollouts of one of them, changes coefficients by {} relative to the largest",
                lambda cause=cause: _mixed_up(subject) or cause,  # type: ignore[misc]
            )
    if not subject.reads(lambda batch: replace(batch, groups=batch.groups // 2)):
        return "exchanging prompts exchanges their coefficients; each row is taken for a prompt, whatever its groups"
    places = np.arange(plain.shape[0] * subject.n).reshape(plain.shape[1::-1]).T
    rows, columns = np.divmod(places, subject.n)
    rows, columns = rows.reshape(-1, subject.n), columns.reshape(-1, subject.n)
    _same(
        subject(_taken(batch, rows, columns)),
        plain[rows, columns],
        "where rollouts of several prompts lie between each other coefficients change by {} relative to the largest",
        lambda: "rollouts are taken by their place and not by their groups, although these are read",
        APART,
    )
    return "exchanging prompts, and laying their rollouts between each other, exchanges their coefficients"


def _taken(batch: Batch, rows: Array, columns: Array) -> Batch:
    return batch.map(lambda array: array[rows, columns])


def _same(found: Array, expected: Array, said: str, cause: Callable[[], str], rows: str = "prompts") -> None:
    if not agree(found, expected):
        off = apart(found, expected)
        raise Failed(f"{said.format(f'{off:.2g}')}: {cause()}", found={"off": off, "rows": rows})


def _varied(subject: StepSubject) -> Batch:
    """The mixed batch where every token has ratios of its own, near 1."""
    batch = subject.mixed
    numbers = np.arange(batch.mask.size).reshape(batch.mask.shape)
    first = np.exp(0.02 * ((numbers * 7) % 11 - 5))
    second = np.exp(0.02 * ((numbers * 5) % 13 - 6))
    if subject.siblings > 1:  # siblings share their first token
        shared = subject.siblings * (np.arange(subject.n) // subject.siblings)
        first[..., 0], second[..., 0] = first[:, shared, 0], second[:, shared, 0]
    return replace(batch, ratios=np.where(batch.mask, first, 1.0), reference_ratios=np.where(batch.mask, second, 1.0))


def _orders(n: int, siblings: int) -> Iterator[Array]:
    """A few orders of n rollouts in which siblings stay beside each other."""
    blocks = np.arange(n).reshape(-1, siblings)
    yield blocks[::-1].ravel()
    yield np.roll(blocks, 1, axis=0).ravel()
    yield blocks[np.lexsort((np.arange(len(blocks)), np.arange(len(blocks)) % 2))].ravel()


def _places(batch: Batch, siblings: int) -> Iterator[Array]:
    """Which rollout, counted through the batch, comes where (B, N): prompts exchanged, or rollouts of one of them."""
    prompts, n = batch.rewards.shape
    places = np.arange(prompts * n).reshape(prompts, n)
    yield places[::-1]
    yield np.roll(places, 1, axis=0)
    for b in range(prompts):
        for order in _orders(n, siblings):
            yield np.where(np.arange(prompts)[:, None] == b, places[:, order], places)


def _misplaced(subject: StepSubject) -> str:
    """Which rollout of a prompt answers to which reward, in words, where that is not as it should be."""
    answers = _answers(subject, 1)
    for i, row in enumerate(answers):
        highest = int(row.argmax())
        if row[highest] > 0 >= row[i]:
            return f"the coefficient of rollout {i} rises with the reward of rollout {highest} and not with its own"
    for i, row in enumerate(answers):
        heard = [j for j in np.flatnonzero(row) if j != i]
        missed = [j for j in np.flatnonzero(row == 0) if j != i]
        if heard and missed:
            return (
                f"the coefficient of rollout {i} answers to the reward of rollout {heard[0]} and not to that of "
                f"rollout {missed[0]}"
            )
    return ""


def _answers(subject: StepSubject, prompts: int) -> Array:
    """By how much each rollout's coefficients rise with each one's reward (B N, B N), no two rewards being alike."""
    count = prompts * subject.n
    rewards = (1 + np.arange(count) * _coprime(count) % count) / (count + 1)
    plain = subject(subject.batch(rewards.reshape(prompts, -1)))
    rows = []
    for j in range(count):
        changed = rewards + 0.3 / count * (np.arange(count) == j)
        rows.append((subject(subject.batch(changed.reshape(prompts, -1))) - plain).sum(axis=2).ravel())
    found = np.array(rows).T
    return np.where(abs(found) > ROUNDING * abs(plain).max(), found, 0.0)


def _coprime(count: int) -> int:
    """A step through so many places that comes to each and mixes them well."""
    return next(k for k in range(max(2, 2 * count // 5), 2 * count + 3) if np.gcd(k, count) == 1)


def _mixed_up(subject: StepSubject) -> str:
    """Which rollouts answer to rewards of another prompt and not to those of their own, in words."""
    prompts, n = subject.mixed.rewards.shape
    answers = _answers(subject, prompts) != 0
    own = np.arange(prompts * n) // n
    stride = np.arange(prompts * n) % prompts
    if (answers == (stride[:, None] == stride)).all():
        return (
            f"groups are taken by stride, every {prompts}th rollout for one prompt, so rows of different prompts are "
            "mixed up"
        )
    for f in range(prompts * n):
        foreign = np.flatnonzero(answers[f] & (own != own[f]))
        missed = np.flatnonzero(~answers[f] & (own == own[f]))
        if len(foreign) and len(missed):
            (b, i), (c, j), (_, k) = (divmod(int(x), n) for x in (f, foreign[0], missed[0]))
            return (
                f"rollout {i} of prompt {b} answers to the reward of rollout {j} of prompt {c} and not to that of "
                f"rollout {k} of its own prompt: rows of different prompts are mixed up"
            )
    return ""
