"""Whether the length of a response bends the update, and by which divisor."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from maxrl_est.checks._steps.probes import answer, chosen, from_probabilities, from_token_to_token, mixed, same
from maxrl_est.checks._steps.subject import StepSubject, in_degrees, percent
from maxrl_est.checks._steps.terms import beside_rewards, rewarded, without_term
from maxrl_est.checks._subject import Failed, Warned


class Divisor(NamedTuple):
    """What coefficients are divided by, in words, and whether its pull is gone in large batches."""

    cause: str
    fades: bool = False


def lengths(subject: StepSubject) -> str:
    """The mean step on responses whose length and reward depend on each other has the direction of the gradient."""
    found = rewarded(subject, "lengths")
    down = (rewarded(subject, "equal lengths").share or 1) < 0  # which is another fault
    angles = [180 - angle if down and angle else angle for angle in found.angles]
    kept = " and ".join(percent(share or 0) for share in found.shares)
    if max(angles) <= np.degrees(subject.tolerance):
        message = f"of any lengths {kept} of the gradients of a hard and an easy prompt"
        beside = beside_rewards(subject, "lengths")
        return Warned(message + beside) if beside else f"{message}, and nothing beside them"
    off, divisor = in_degrees(*angles), subject.once(without_term).once(divisor_of)
    message = (
        f"where right answers have a length of their own the mean step is {off} degrees off the gradients of a hard "
        f"and an easy prompt, and keeps {kept} of them: {divisor.cause}"
    )
    if divisor.fades:
        return Warned(
            f"{message}; that is a ratio of sums, with 2 prompts of {subject.n} here, and right in large ones"
        )
    raise Failed(message, found={"degrees": [round(angle, 6) for angle in angles]})


def divisor_of(subject: StepSubject) -> Divisor:
    """What changes when one response gets longer: its own coefficient, those of its prompt, those of the batch."""
    if from_token_to_token(subject):
        return Divisor("coefficients differ from token to token of a response")
    before = np.full((2, subject.n), 2)
    plain = answer(subject, mixed(subject, before))[..., 0]
    place = chosen(plain[..., None])
    if place is None:
        return Divisor("coefficients depend on the length of the response")

    def factors_of(length: int) -> tuple[float, float, float]:
        after = before.copy()
        after[place] = length
        found = answer(subject, mixed(subject, after))[..., 0]
        factors = np.divide(found, plain, where=plain != 0, out=np.full(plain.shape, np.nan))
        own = float(factors[place])
        factors[place] = np.nan
        return own, _of(factors[place[0]]), _of(factors[1 - place[0]])

    def divided(*divisors: Callable[[int], float]) -> bool:
        """Whether own, rest and beside are divided by what they would be at that length, for two lengths."""
        return all(
            same(factor, divisor(2) / divisor(length))
            for length in (4, 8)
            for factor, divisor in zip(factors_of(length), divisors, strict=True)
        )

    def tokens(prompts: int) -> Callable[[int], float]:
        return lambda length: 2.0 * prompts * subject.n - 2 + length

    def constant(length: int) -> float:
        return 1.0

    own, rest, beside = factors_of(4)
    if divided(float, constant, constant):
        return Divisor("each coefficient is divided by its own length, as by a mean over the tokens of each response")
    if divided(tokens(2), tokens(2), tokens(2)):
        return Divisor("coefficients are divided by the tokens of the batch, a token mean", fades=True)
    if divided(tokens(1), tokens(1), constant):
        return Divisor("coefficients are divided by the tokens of each prompt, which favours prompts of short answers")
    if divided(float, float, float) or divided(float, float, constant):
        where = "the batch" if same(beside, 0.5) else "its prompt"
        return Divisor(
            f"coefficients are divided by the length of the longest response of {where}, and not by a constant"
        )
    if same(own, 0) and same(rest, 1) and same(beside, 1):
        return Divisor("responses from some length on are left out, and stay in the baseline of the others")
    if all(same(factor, 1) for factor in (own, rest, beside)):
        return Divisor(_no_length(subject))
    return Divisor(
        f"a response of twice the length has its coefficients times {own:.3g}, the others of its prompt times "
        f"{rest:.3g}, those of another prompt times {beside:.3g}"
    )


def _no_length(subject: StepSubject) -> str:
    """Why means are bent by lengths, where none changes a coefficient in groups with failures and successes."""
    if from_probabilities(subject):
        return "coefficients go with the probabilities of tokens, beside their rewards"
    apart = 1 + np.arange(2 * subject.n).reshape(2, subject.n) % 3
    rewards = np.array([0.0, 1.0])[:, None].repeat(subject.n, axis=1)
    found = answer(subject, subject.batch(rewards, apart))[..., 0]
    if np.ptp(found, axis=1).max() > subject.tolerance * abs(found).max():
        return "in groups whose rewards are all equal, and there alone, a coefficient goes with the length"
    return "no length changes a coefficient, so that the cause is another"


def _of(factors: np.ndarray) -> float:
    """The factor of several rollouts: 1 where none has a coefficient, NaN where they differ."""
    known = factors[~np.isnan(factors)]
    if not known.size:
        return 1.0
    return float(known[0]) if np.ptp(known) < 1e-3 else float("nan")
