"""Several prompts of different difficulty, each with parameters of its own."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._typing import Array, FloatArray
from maxrl_est.problems.finite import Finite, Numbers, numbers


class Contextual:
    """Prompts drawn with probabilities ``weights`` (equal by default), a group of rollouts for each draw.

    The policy is tabular: the parameters of the prompts stand one after another, d is the sum of theirs, and the
    score of a rollout is zero outside the block of its prompt. The smallest problem on which objectives differ in
    direction and not only in length: each prompt's gradient has weight w(p) of its own. Give Fractions throughout
    for exact answers. Not for one prompt, which is a problem by itself.

    >>> from maxrl_est.problems.bernoulli import Bernoulli
    >>> easy_and_hard = Contextual([Bernoulli(0.5), Bernoulli(0.1)])
    >>> float(easy_and_hard.pass_rate), easy_and_hard.grad_pass_rate.round(3).tolist()
    (0.3, [0.125, 0.045])
    """

    def __init__(self, problems: Sequence[Finite], weights: Numbers | None = None) -> None:
        if len(problems) < 2:
            raise ValueError(f"problems has {len(problems)} entries: there are at least 2 prompts")
        for index, problem in enumerate(problems):
            if not isinstance(problem, Finite):
                raise TypeError(f"problems[{index}] is {problem!r:.60}: a prompt has finitely many outcomes")
        count = len(problems)
        shares = numbers("weights", [Fraction(1, count)] * count if weights is None else weights)
        if shares.shape != (count,):
            raise ValueError(f"weights has shape {shares.shape}: one for each of the {count} problems")
        if abs(shares.sum() - 1) > (0 if shares.dtype == object else 1e-12):
            raise ValueError(f"weights sum to {shares.sum()}: they sum to 1")
        if any(problem.probabilities.dtype != object for problem in problems):
            shares = shares.astype(np.float64)
        sizes = [problem.scores.shape[1] for problem in problems]
        ends = np.cumsum(sizes)
        self.name = f"Contextual({', '.join(map(str, problems))})"
        self.prompts: tuple[tuple[Any, Finite], ...] = tuple(
            (share, _in_block(problem, int(end) - size, int(ends[-1])))
            for share, problem, size, end in zip(shares, problems, sizes, ends, strict=True)
        )

    def __repr__(self) -> str:
        return self.name

    @property
    def pass_rate(self) -> Any:
        """Mean pass rate of the prompts."""
        return sum(weight * prompt.pass_rate for weight, prompt in self.prompts)

    @property
    def grad_pass_rate(self) -> Array:
        """Gradient ``(d,)`` of the mean pass rate."""
        return np.asarray(sum(weight * prompt.grad_pass_rate for weight, prompt in self.prompts))

    def sample(self, rng: np.random.Generator, groups: int, n: int) -> tuple[FloatArray, FloatArray]:
        """A prompt for each group, then its rollouts: likelihoods (groups, n) and scores (groups, n, d)."""
        weights = np.array([float(weight) for weight, _ in self.prompts])
        drawn = rng.choice(len(weights), size=groups, p=weights / weights.sum())
        likelihoods = np.empty((groups, n))
        scores = np.empty((groups, n, self.prompts[0][1].scores.shape[1]))
        for index, (_, prompt) in enumerate(self.prompts):
            mine = np.flatnonzero(drawn == index)
            likelihoods[mine], scores[mine] = prompt.sample(rng, mine.size, n)
        return likelihoods, scores


def _in_block(problem: Finite, start: int, d: int) -> Finite:
    """The same prompt with its parameters at ``start`` among d."""
    scores = problem.scores
    padded = np.zeros((len(scores), d), dtype=scores.dtype)
    padded[:, start : start + scores.shape[1]] = scores
    return Finite(problem.name, problem.probabilities, problem.likelihoods, padded)
