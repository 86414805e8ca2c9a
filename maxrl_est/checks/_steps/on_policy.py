"""What the mean step ascends where no length, ratio or reference plays a part."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction as F
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.checks._steps.probes import from_probabilities, from_token_to_token
from maxrl_est.checks._steps.subject import StepSubject, in_degrees, percent
from maxrl_est.checks._steps.terms import beside_rewards, rewarded
from maxrl_est.checks._subject import Failed, Warned
from maxrl_est.measures import effective_weight
from maxrl_est.measures._nearest import Nearest
from maxrl_est.steps import Batch, ExactStep
from maxrl_est.steps._answers import agree

_USUAL = 8  # rollouts, enough to tell objectives from each other: of 3, a deviation is the same for 1 success and for 2


def on_policy(subject: StepSubject) -> str:
    """At equal lengths the mean step is along each prompt's gradient, and weighs prompts as the objective does."""
    found = rewarded(subject, "equal lengths")
    shares = [share or 0 for share in found.shares]
    said = {"shares": [float(share) for share in shares], "degrees": [round(angle, 6) for angle in found.angles]}
    if min(shares) <= 0:
        does = "descends" if any(shares) else "is 0"
        raise Failed(
            f"at equal lengths the mean step {does}: it keeps {_listed(shares)} of the gradients of a hard and an easy "
            f"prompt, which it should ascend; {subject.once(ascends)}",
            found=said,
        )
    if max(found.angles) > np.degrees(subject.tolerance):
        raise Failed(_off(subject, found), found=said)
    beside = beside_rewards(subject, "equal lengths")
    if subject.objective is None:
        near, size = subject.once(named)
        message = f"ascends {near} at N = {size}, on 0/1 rewards{beside}"
        if not near.known:
            return Warned(f"{message}; declare objective= if that is meant")
        return Warned(message) if beside else message
    apart = abs(float(shares[1]) / float(shares[0]) - 1)
    if apart > subject.tolerance:
        raise Failed(
            f"should ascend {subject.objective.name} but keeps {_listed(shares)} of its gradients at a hard and an "
            f"easy prompt, which should be alike; on 0/1 rewards it ascends {subject.once(ascends)}",
            found=said,
        )
    factor = "" if abs(float(shares[0]) - 1) <= subject.tolerance else f"{_times(shares[0])} x "
    kept = f"ascends {factor}{subject.objective.name}, hard and easy prompts alike"
    return Warned(kept + beside) if beside else kept


def ascends(subject: StepSubject) -> Nearest:
    """The known objective that is nearest, from 0/1 rewards of a prompt alone, with one token each."""
    return _nearest(subject, subject.n)


def named(subject: StepSubject) -> tuple[Nearest, int]:
    """The same with 8 rollouts, or with N where the step takes no others or mixes up so many; and how many."""
    if subject.siblings == 1 and subject.n < _USUAL and _takes(subject, _USUAL):
        return _nearest(subject, _USUAL), _USUAL
    return subject.once(ascends), subject.n


def _nearest(subject: StepSubject, n: int) -> Nearest:
    def advantage(rewards: Array) -> Array:
        groups = rewards.reshape(-1, n).astype(np.float64)
        each = [subject(Batch.of(group[None]))[0, :, 0] * n for group in groups]
        return np.asarray(np.stack(each).reshape(rewards.shape), dtype=np.float64)

    return effective_weight(advantage, n).nearest(tolerance=subject.tolerance)


def _takes(subject: StepSubject, n: int) -> bool:
    """Whether each group of n, other than is checked, has coefficients that go with its rollouts wherever they are."""
    try:
        for successes in range(n + 1):
            group = (np.arange(n) < successes) * 1.0
            plain = subject(Batch.of(group[None]))
            for order in (np.arange(n)[::-1], np.roll(np.arange(n), 3)):
                if not agree(subject(Batch.of(group[None, order])), plain[:, order]):
                    return False
    except (Exception, SystemExit):  # of a step for so many rollouts and no more, whatever it raises
        return False
    return True


def _off(subject: StepSubject, found: ExactStep) -> str:
    """How the mean leaves the gradients, token by token."""
    angles = in_degrees(*found.angles)
    tokens = [
        _listed([g / t for g, t in zip(mean, truth, strict=True)])
        for mean, truth in zip(found.mean, found.truth, strict=True)
    ]
    cause = ": siblings share the first token" if subject.siblings > 1 else ""
    if from_probabilities(subject):
        cause = ": coefficients go with the probabilities of tokens"
    if from_token_to_token(subject):
        cause = ": coefficients differ from token to token of a response"
    return (
        f"at equal lengths the mean step is {angles} degrees off the gradients of a hard and an easy prompt: of the "
        f"first token and of the second it keeps {tokens[0]} in the hard one and {tokens[1]} in the easy one{cause}"
    )


def _times(share: Any) -> str:
    """A factor: a short Fraction as it is."""
    return str(share) if isinstance(share, F) and len(str(share)) <= 5 else f"{float(share):.4g}"


def _listed(shares: Sequence[Any]) -> str:
    return " and ".join(map(percent, shares))
