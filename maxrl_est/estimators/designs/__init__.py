"""Sampling that adapts: when to stop drawing rollouts of a prompt, as a function of its successes and failures so far.

For 0/1 rewards. A `Design` has every ending with its exact chance, so that what an advantage function ascends under it
is known as exactly as for groups of n: ``maxrl_est.effective_weight(rule, design=...)``. Averaging the scores of the
successes ascends J_N under every design that gives up on an unsolved prompt after N rollouts and not before; what RLOO,
GRPO and a baseline of 1 ascend changes with the design, but for the odd one (with the best of three RLOO and GRPO stay
as they are, times 2/3). ``maxrl_est.advantages(rewards, objective, design=...)`` is unbiased for the objective that is
asked for.
"""

from maxrl_est.estimators.designs._allocation import allocation
from maxrl_est.estimators.designs._design import Design, Ending
from maxrl_est.estimators.designs._rules import fixed, staged, stopping, until_mixed, until_successes
from maxrl_est.estimators.designs._sequential import Replayed, replayed, sequential

__all__ = [
    "Design",
    "Ending",
    "Replayed",
    "allocation",
    "fixed",
    "replayed",
    "sequential",
    "staged",
    "stopping",
    "until_mixed",
    "until_successes",
]
