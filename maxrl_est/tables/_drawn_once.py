"""A law whose blocks of rollouts are drawn once for all the estimators that are measured on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import FloatArray, Problem, Prompt
from maxrl_est.problems._laws import sampled_law

KEPT = 1 << 28  # bytes of rollouts held at once; what is beyond is drawn again


class DrawnOnce:
    """The same law, which remembers what it drew from a generator in the same state.

    A generator whose rollouts are remembered is left where it was: not for estimators that draw more from it.

    >>> from maxrl_est.problems import Gaussian
    >>> gaussian = Gaussian(0, 1, 1, 0.5)
    >>> once = DrawnOnce(gaussian)
    >>> once.sample(np.random.default_rng(0), 1, 3)[1] is once.sample(np.random.default_rng(0), 1, 3)[1]
    True
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._drawn: dict[tuple[str, int, int], tuple[FloatArray, FloatArray]] = {}
        self._left = KEPT

    @property
    def prompts(self) -> tuple[tuple[Any, Prompt], ...]:
        """Those of the law."""
        return self.problem.prompts

    def sample(self, rng: np.random.Generator, groups: int, n: int) -> tuple[FloatArray, FloatArray]:
        """Likelihoods (groups, n), which may be written to, and scores (groups, n, d), which may not."""
        key = str(rng.bit_generator.state), groups, n
        if key not in self._drawn:
            likelihoods, scores = sampled_law(self.problem).sample(rng, groups, n)
            self._left -= likelihoods.nbytes + scores.nbytes
            if self._left < 0:
                return likelihoods, scores
            self._drawn[key] = np.array(likelihoods), np.array(scores)
            self._drawn[key][1].flags.writeable = False
        likelihoods, scores = self._drawn[key]
        return likelihoods.copy(), scores
