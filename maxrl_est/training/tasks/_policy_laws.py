"""What a policy is at a point of its training: a law of rollouts, which measures take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maxrl_est._arguments import stable_repr
from maxrl_est._arguments.protocols import Problem
from maxrl_est.problems import Shared
from maxrl_est.training.policies import Policy


def together(task: Any, policy: Policy, prompts: Sequence[Problem]) -> Shared:
    """The law of a task: each group of rollouts is of one of its prompts, all equally likely."""
    law = Shared(prompts, [1 / len(prompts)] * len(prompts))
    law.name = f"{stable_repr(task)} with {stable_repr(policy)}"  # of hundreds of prompts the list is not
    return law
