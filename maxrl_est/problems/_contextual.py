"""Several prompts, of which some are hard and some are easy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maxrl_est._arguments.protocols import Problem
from maxrl_est.problems._finite import Numbers
from maxrl_est.problems._laws import laws, parameters
from maxrl_est.problems._mapped import reparametrised
from maxrl_est.problems._shared import Shared


class Contextual(Shared):
    """Prompts as in `Shared`, each with parameters of its own, as those of a table of logits are.

    The parameter vector is that of the first problem, then that of the second, and so on: d is the sum of their d, and
    the score of a rollout is zero outside the block of its problem. Parameters and errors as there.

    >>> from fractions import Fraction
    >>> from maxrl_est.problems import Bernoulli
    >>> prompts = Contextual([Bernoulli(Fraction(1, 10)), Bernoulli(Fraction(1, 2))])
    >>> prompts.pass_rate
    Fraction(3, 10)
    >>> [str(x) for x in prompts.grad_pass_rate]
    ['9/200', '1/8']
    """

    def __init__(self, problems: Sequence[Problem], weights: Numbers | None = None) -> None:
        each = laws(problems)
        sizes = [parameters(problem) for problem in each]
        blocks = np.split(np.eye(sum(sizes), dtype=int), np.cumsum(sizes, dtype=int)[:-1])
        super().__init__([reparametrised(*pair) for pair in zip(each, blocks, strict=True)], weights)
