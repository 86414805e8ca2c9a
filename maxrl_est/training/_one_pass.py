"""A network that runs forward once in a step, though the step asks for its outputs and then for their derivatives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray
from maxrl_est.training._networks import MLP
from maxrl_est.training.policies import GaussianPolicy, Policy, SoftmaxPolicy


def in_one_pass(policy: Policy) -> Policy:
    """The policy for one step: same bits, and an `MLP` runs once.

    Classes of others come back as they are: what they override is theirs, and a table has no pass to save.
    """
    if type(policy) in (SoftmaxPolicy, GaussianPolicy) and type(policy.network) is MLP:
        return replace(policy, network=_OnePass(policy.network.sizes))
    return policy


@dataclass(frozen=True, slots=True)
class _OnePass(MLP):
    """An `MLP` that keeps its last activations, with copies of the parameters and inputs that they belong to."""

    _last: list[tuple[FloatArray, list[FloatArray]]] = field(default_factory=list, repr=False, compare=False)

    def _activations(self, theta: FloatArray, inputs: Array) -> list[FloatArray]:
        for of, values in self._last:
            if np.array_equal(of, theta) and np.array_equal(values[0], inputs):
                break
        else:
            values = MLP._activations(self, theta, np.array(inputs))
            self._last[:] = [(np.array(theta), values)]
        return [*values[:-1], values[-1].copy()]  # outputs are the caller's own
