"""What the mean step ascends where no length, ratio or reference plays a part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.checks._steps.probes import from_token_to_token
from maxrl_est.checks._steps.subject import StepSubject, percent
from maxrl_est.checks._subject import Failed, Warned
from maxrl_est.measures import effective_weight
from maxrl_est.measures._nearest import Nearest
from maxrl_est.steps import Batch, ExactStep


def on_policy(subject: StepSubject) -> str:
    """At equal lengths the mean step is along each prompt's gradient, and weighs prompts as the objective does."""
    found = subject.mean("equal lengths")
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
    near = subject.once(ascends)
    if subject.objective is None:
        message = f"on 0/1 rewards and equal lengths {near}"
        return message if near.known else Warned(f"{message}: declare objective= if that is meant")
    apart = abs(float(shares[1]) / float(shares[0]) - 1)
    if apart > subject.tolerance:
        raise Failed(
            f"should ascend {subject.objective.name} but keeps {_listed(shares)} of its gradients at a hard and an "
            f"easy prompt, which should be alike; on 0/1 rewards it ascends {near}",
            found=said,
        )
    factor = "" if abs(float(shares[0]) - 1) <= subject.tolerance else f"{percent(shares[0])} of "
    return f"at equal lengths {factor}the gradients of {subject.objective.name}, alike for a hard and an easy prompt"


def ascends(subject: StepSubject) -> Nearest:
    """The known objective that is nearest, from 0/1 rewards of a prompt alone, with one token each."""
    n = subject.n

    def advantage(rewards: Array) -> Array:
        groups = rewards.reshape(-1, n).astype(np.float64)
        each = [subject(Batch.of(group[None]))[0, :, 0] * n for group in groups]
        return np.asarray(np.stack(each).reshape(rewards.shape), dtype=np.float64)

    return effective_weight(advantage, n).nearest(tolerance=subject.tolerance)


def _off(subject: StepSubject, found: ExactStep) -> str:
    """How the mean leaves the gradients, token by token."""
    angles = " and ".join(f"{angle:.3g}" for angle in found.angles)
    tokens = [
        _listed([g / t for g, t in zip(mean, truth, strict=True)])
        for mean, truth in zip(found.mean, found.truth, strict=True)
    ]
    cause = ": siblings share the first token" if subject.siblings > 1 else ""
    if from_token_to_token(subject):
        cause = ": coefficients differ from token to token of a response"
    return (
        f"at equal lengths the mean step is {angles} degrees off the gradients of a hard and an easy prompt: of the "
        f"first token and of the second it keeps {tokens[0]} in the hard one and {tokens[1]} in the easy one{cause}"
    )


def _listed(shares: Sequence[Any]) -> str:
    return " and ".join(map(percent, shares))
