"""Several prompts, of which some are hard and some are easy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._typing import Array, FloatArray, Problem, Prompt, RolloutMoments
from maxrl_est.problems.finite import Finite, Numbers, numbers


class Contextual:
    """Each group of rollouts belongs to one of the problems, drawn with probability ``weights`` (default: equal).

    Every problem keeps parameters of its own: the parameter vector is theirs one after the other, so d is the
    sum of their d, and the score of a rollout is zero outside the block of its prompt. An objective of several
    prompts is the mean of theirs, with gradient ``sum_x weight_x w(p_x) grad p_x``: not w(p) grad p at the mean
    pass rate. Exact where problems and weights are of Fractions; then the default weights are too.

    >>> from maxrl_est.problems import Bernoulli
    >>> prompts = Contextual([Bernoulli(Fraction(1, 10)), Bernoulli(Fraction(1, 2))])
    >>> prompts.pass_rate
    Fraction(3, 10)
    >>> [str(x) for x in prompts.grad_pass_rate]
    ['9/200', '1/8']
    """

    def __init__(self, problems: Sequence[Problem], weights: Numbers | None = None) -> None:
        problems = list(problems)
        if not problems:
            raise ValueError("problems is empty: a prompt is drawn from at least 1 of them")
        if weights is None:
            weights = [Fraction(1, len(problems))] * len(problems)
        chances = numbers("weights", weights)
        if len(chances) != len(problems):
            raise ValueError(f"weights has shape {chances.shape}: one for each of the {len(problems)} problems")
        total = chances.sum()
        if abs(total - 1) > (0 if chances.dtype == object else 1e-12):
            raise ValueError(f"weights sum to {total}: they sum to 1")
        sizes = [len(problem.prompts[0][1].grad_pass_rate) for problem in problems]
        starts, d = np.cumsum([0, *sizes[:-1]]).tolist(), sum(sizes)
        self.prompts: tuple[tuple[Any, Prompt], ...] = tuple(
            (chance * inner, _placed(prompt, start, d))
            for chance, problem, start in zip(chances, problems, starts, strict=True)
            for inner, prompt in problem.prompts
        )
        self.name = f"Contextual({', '.join(f'{w}: {x}' for w, x in zip(chances, problems, strict=True))})"

    def __repr__(self) -> str:
        return self.name

    @property
    def pass_rate(self) -> Any:
        """The mean of the prompts' pass rates, a number."""
        return sum(weight * prompt.pass_rate for weight, prompt in self.prompts)

    @property
    def grad_pass_rate(self) -> Array:
        """The gradient (d,) of the mean pass rate."""
        return np.asarray(sum(weight * prompt.grad_pass_rate for weight, prompt in self.prompts))

    def sample(self, rng: np.random.Generator, groups: int, n: int) -> tuple[FloatArray, FloatArray]:
        """A prompt's rollouts for each group: likelihoods (groups, n) and scores (groups, n, d), in float64."""
        chances = np.array([float(weight) for weight, _ in self.prompts])
        drawn = rng.choice(len(chances), size=groups, p=chances)
        likelihoods, scores = np.empty((groups, n)), np.empty((groups, n, len(self.grad_pass_rate)))
        for index, (_, prompt) in enumerate(self.prompts):
            chosen = np.flatnonzero(drawn == index)
            likelihoods[chosen], scores[chosen] = prompt.sample(rng, len(chosen), n)
        return likelihoods, scores


def _placed(prompt: Prompt, start: int, d: int) -> Prompt:
    """The prompt with its parameters from ``start`` on in a vector of d."""
    if isinstance(prompt, Finite):
        scores = _pad(prompt.scores, start, d)
        return Finite(prompt.name, prompt.probabilities, prompt.likelihoods, scores)
    return _Placed(prompt, start, d)


def _pad(values: Array, start: int, d: int, axes: int = 1) -> Array:
    """Values in place on each of the last ``axes`` axes of length d, zeros elsewhere."""
    padded = np.zeros((*values.shape[: values.ndim - axes], *[d] * axes), dtype=values.dtype)
    where: tuple[Any, ...] = (..., *(slice(start, start + size) for size in values.shape[values.ndim - axes :]))
    padded[where] = values
    return padded


class _Placed:
    """A prompt that is no finite sum, with zeros where other prompts have their parameters."""

    def __init__(self, prompt: Prompt, start: int, d: int) -> None:
        self._prompt, self._start, self._d = prompt, start, d

    def __repr__(self) -> str:
        return repr(self._prompt)

    @property
    def pass_rate(self) -> Any:
        return self._prompt.pass_rate

    @property
    def grad_pass_rate(self) -> Array:
        return _pad(self._prompt.grad_pass_rate, self._start, self._d)

    @property
    def moments(self) -> RolloutMoments:
        moments = self._prompt.moments
        vectors = {name: _pad(getattr(moments, name), self._start, self._d) for name in ("lS", "l2S")}
        matrices = {name: _pad(getattr(moments, name), self._start, self._d, 2) for name in ("SS", "lSS", "l2SS")}
        return replace(moments, **vectors, **matrices)

    def gradient_over_levels(self, objective: Any) -> Array:
        return _pad(self._prompt.gradient_over_levels(objective), self._start, self._d)

    def sample(self, rng: np.random.Generator, groups: int, n: int) -> tuple[FloatArray, FloatArray]:
        likelihoods, scores = self._prompt.sample(rng, groups, n)
        return likelihoods, _pad(scores, self._start, self._d)
