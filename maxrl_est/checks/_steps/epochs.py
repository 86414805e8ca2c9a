"""What further steps on the same batch do."""

from __future__ import annotations

import numpy as np

from maxrl_est.checks._steps.ratio import powers_of
from maxrl_est.checks._steps.subject import LAWS, StepSubject, in_degrees, percent
from maxrl_est.checks._subject import Failed, Skipped
from maxrl_est.steps import reuse

_MOVE = 0.1  # of a logit, in the mean of a step


def several_epochs(subject: StepSubject) -> str:
    """Further steps on a batch weigh its rollouts by ratios, since the policy has moved on, and still ascend."""
    if subject.epochs == 1:
        raise Skipped("one step is taken on each batch; epochs= asks for more")
    if subject.once(powers_of).kind == "none":
        raise Failed(
            f"reads no ratios, so that each of {subject.epochs} steps on a batch does what the first did, as if its "
            "rollouts were of the policy that is there by then",
            found={"epochs": subject.epochs},
        )
    size = float(abs(np.concatenate(subject.mean("lengths").mean).astype(np.float64)).max())
    if size == 0:
        raise Skipped("on policy the mean step is 0")
    prompts = LAWS["lengths"]
    found = reuse(
        subject.step,
        prompts,
        subject.n,
        epochs=subject.epochs,
        learning_rate=_MOVE / size,
        objective=subject.objective,
    )
    first = subject.mean("lengths").shares
    kept = [float(share) / float(alone) if alone else 0.0 for share, alone in zip(found.shares, first, strict=True)]
    angles = in_degrees(*found.angles)
    message = (
        f"{subject.epochs} steps on one batch, each of {_MOVE} of a logit, lead {angles} degrees off the gradients of "
        f"a hard and an easy prompt and keep {' and '.join(map(percent, kept))} of as many first steps"
    )
    if min(kept) <= 0:
        raise Failed(f"{message}: they turn round", found={"kept": kept})
    return f"{message}; part of it is that a batch is asked twice, which falls as 1/N"
