"""Whether the length of a response bends the update."""

from __future__ import annotations

import numpy as np

from maxrl_est.checks._steps.subject import StepSubject, percent
from maxrl_est.checks._subject import Failed


def lengths(subject: StepSubject) -> str:
    """The mean step on responses whose length and reward depend on each other has the direction of the gradient."""
    found = subject.mean("lengths")
    angles, kept = found.angles, " and ".join(map(percent, found.shares))
    if max(angles) > np.degrees(subject.tolerance):
        off = " and ".join(f"{angle:.3g}" for angle in angles)
        raise Failed(
            f"where right answers have a length of their own the mean step is {off} degrees off the gradients of a "
            f"hard and an easy prompt, and keeps {kept} of them: coefficients depend on the length of the response",
            found={"degrees": [round(angle, 6) for angle in angles]},
        )
    return f"of any lengths {kept} of the gradients of a hard and an easy prompt, and nothing beside them"
