"""A rollout of several steps, each a decision of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from maxrl_est._typing import Array
from maxrl_est.problems.finite import Finite, Numbers, numbers


class Chain(Finite):
    """H steps in a row: step h succeeds with probability ``advance[h]``, and the first failure ends the rollout.

    A rollout that fails at step h has likelihood ``likelihoods[h]``; one that gets through has ``likelihoods[H]``. So
    ``likelihoods (H + 1,)`` of 0, ..., 0, 1 make a sparse reward. Each step has a logit of its own, d = H, and the
    score is the sum of those of the steps taken: 1 - advance[h] for a success, -advance[h] for the failure. Give
    Fractions for exact answers.

    >>> from fractions import Fraction as F
    >>> two = Chain([F(1, 2), F(1, 3)], [F(0), F(0), F(1)])
    >>> two.pass_rate, [str(x) for x in two.grad_pass_rate]
    (Fraction(1, 6), ['1/12', '1/9'])
    """

    def __init__(self, advance: Numbers, likelihoods: Numbers) -> None:
        pi, l = numbers("advance", advance), numbers("likelihoods", likelihoods)
        steps = len(pi)
        if len(l) != steps + 1:
            raise ValueError(
                f"likelihoods has shape {l.shape}: one for each of the {steps} steps to fail at, and 1 more"
            )
        self.advance = pi
        reached = np.cumprod(np.append(pi[:1] * 0 + 1, pi))  # the chance to come to step h, and through
        stopped = np.append(reached[:-1] * (1 - pi), reached[-1:])
        taken = np.tri(steps + 1, steps, -1, dtype=int)  # steps that succeeded, for each end
        failed = np.eye(steps + 1, steps, dtype=int)
        ends = ", ".join(map(str, l))
        super().__init__(f"Chain({', '.join(map(str, pi))}; {ends})", stopped, l, taken * (1 - pi) - failed * pi)

    @property
    def values(self) -> Array:
        """The expected likelihood ``(H + 1,)`` from each step on, by dynamic programming from the end."""
        value = self.likelihoods[-1]
        values = [value]
        for advance, failure in zip(self.advance[::-1], self.likelihoods[-2::-1], strict=True):
            value = advance * value + (1 - advance) * failure
            values.append(value)
        return np.array(values[::-1])

    @property
    def pass_rate(self) -> Any:
        """p = E[l], the value of the first step."""
        return self.values[0]

    @property
    def grad_pass_rate(self) -> Array:
        """grad p ``(d,)`` by the policy-gradient theorem: chance to come to a step times what its success gains."""
        gain = self.values[1:] - self.likelihoods[:-1]
        reached = np.cumprod(np.append(self.advance[:1] * 0 + 1, self.advance[:-1]))
        return np.asarray(reached * self.advance * (1 - self.advance) * gain)
