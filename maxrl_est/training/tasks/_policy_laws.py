"""What a policy is at a point of its training: a law of rollouts, which measures take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from maxrl_est._arguments import all_finite, words
from maxrl_est._typing import FloatArray, Problem
from maxrl_est.problems import Shared
from maxrl_est.training.policies import Policy


def parameters_of(policy: Policy, theta: npt.ArrayLike) -> FloatArray:
    """The parameters (d,) as float64; TypeError or ValueError unless they are d finite numbers."""
    given = np.asarray(theta)
    if given.dtype.kind not in "iuf":
        raise TypeError(f"theta must be numbers, got {given.dtype}")
    if given.shape != (policy.network.size,):
        raise ValueError(f"theta must have shape ({policy.network.size},) for this policy, got {given.shape}")
    all_finite("theta", given)
    return given.astype(np.float64)


def together(task: Any, policy: Policy, prompts: Sequence[Problem]) -> Shared:
    """The law of a task: each group of rollouts is of one of its prompts, all equally likely."""
    law = Shared(prompts, [1 / len(prompts)] * len(prompts))
    law.name = f"{words(task)} with {words(policy)}"  # of hundreds of prompts the list is not
    return law
