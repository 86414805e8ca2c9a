"""A task of several steps: the score of a rollout is summed over its steps, the pass rate is found backwards."""

from __future__ import annotations

from typing import Any

import numpy as np

from maxrl_est._arguments import short
from maxrl_est._arguments.protocols import Array
from maxrl_est.problems._finite import Finite, Numbers, numbers


class Chain(Finite):
    """At each of H steps the rollout advances with probability ``advance[h]``, else it stops there for good.

    A rollout that stops at step h has likelihood ``likelihoods[h]``, one that goes through ``likelihoods[H]``;
    with (0, .., 0, 1) all steps have to succeed. Each step has a logit of its own (d = H), so its score is
    1 - advance[h] where it advances and -advance[h] where it stops, and steps never reached add nothing.
    ``pass_rate`` and ``grad_pass_rate`` are by dynamic programming, in O(H). Give Fractions for exact answers.

    Parameters
    ----------
    advance : chances (H,) to advance, in [0, 1]
    likelihoods : those of a stop at each step and of the end, (H + 1,) in [0, 1]

    Raises
    ------
    TypeError, ValueError
        Where they are not so.

    >>> from fractions import Fraction as F
    >>> steps = Chain([F(1, 2), F(1, 3)], [F(0), F(1, 4), F(1)])
    >>> steps.pass_rate
    Fraction(1, 4)
    >>> [str(x) for x in steps.grad_pass_rate]
    ['1/8', '1/12']
    """

    def __init__(self, advance: Numbers, likelihoods: Numbers) -> None:
        pi, l = numbers("advance", advance), numbers("likelihoods", likelihoods)
        steps = len(pi)
        if l.shape != (steps + 1,):
            raise ValueError(f"likelihoods must have {steps + 1} numbers, one for each step and the end, got {len(l)}")
        reached = np.multiply.accumulate(np.append(1 + 0 * pi[:1], pi))  # (H + 1,), the last is the end
        passed = np.tril(np.ones((steps + 1, steps), dtype=int), -1)  # (H + 1, H), whether a stop is after a step
        stopped = np.eye(steps + 1, steps, dtype=int)
        self._hold(
            f"Chain({', '.join(map(short, pi))}: {', '.join(map(short, l))})",
            reached * np.append(1 - pi, 1 + 0 * pi[:1]),
            l,
            passed * (1 - pi) - stopped * pi,
        )
        self.advance, self._reached = pi, reached[:-1]

    @property
    def values(self) -> Array:
        """Expected likelihoods (H + 1,) of rollouts that have reached each step, and the end."""
        values = self.likelihoods.copy()
        for step in reversed(range(len(self.advance))):
            values[step] += self.advance[step] * (values[step + 1] - values[step])
        return values

    @property
    def pass_rate(self) -> Any:
        """p = E[l], a number: the value of the first step."""
        return self.values[0]

    @property
    def grad_pass_rate(self) -> Array:
        """grad p (H,): the chance to reach a step, times what advancing there gains over stopping."""
        gain = self.values[1:] - self.likelihoods[:-1]
        return np.asarray(self._reached * self.advance * (1 - self.advance) * gain)
