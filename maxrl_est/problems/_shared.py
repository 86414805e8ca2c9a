"""Several prompts that one policy answers: all of them in the same parameters."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array, FloatArray, Problem, Prompt
from maxrl_est.problems._finite import Numbers, check_draw, check_sum, numbers
from maxrl_est.problems._laws import laws, parameters


class Shared:
    """Each group of rollouts belongs to one of the problems, drawn at random; all have the same d parameters.

    An objective of several prompts is the mean of theirs, with gradient ``sum_x weight_x w(p_x) grad p_x``: not
    w(p) grad p at the mean pass rate. Exact where problems and weights are of Fractions; then the default weights are
    too. For prompts whose parameters have nothing in common, see `Contextual`.

    Parameters
    ----------
    problems : at least one, each with d parameters; `reparametrised` gives them the same ones
    weights : the probabilities of the problems, one for each; None: equal

    Raises
    ------
    TypeError, ValueError
        Where there is no law, where they differ in d, or where the weights are no probabilities of them.

    >>> from maxrl_est.problems import Bernoulli, reparametrised
    >>> logits = np.array([[[1, 0]], [[1, 1]]])  # of the first prompt theta_0, of the second theta_0 + theta_1
    >>> coins = [reparametrised(Bernoulli(Fraction(1, k)), by) for k, by in zip((4, 2), logits, strict=True)]
    >>> shared = Shared(coins)
    >>> shared.pass_rate, [str(x) for x in shared.grad_pass_rate]
    (Fraction(3, 8), ['7/32', '1/8'])
    """

    def __init__(self, problems: Sequence[Problem], weights: Numbers | None = None) -> None:
        each = laws(problems)
        shares, sizes = _shares(len(each), weights), [parameters(problem) for problem in each]
        for index, size in enumerate(sizes):
            if size != sizes[0]:
                raise ValueError(f"problems[{index}] must have the {sizes[0]} parameters of problems[0], got {size}")
        self.prompts: tuple[tuple[Any, Prompt], ...] = tuple(
            (share * inner, prompt)
            for share, problem in zip(shares, each, strict=True)
            for inner, prompt in problem.prompts
        )
        shown = (f"{share}: {problem}" for share, problem in zip(shares, each, strict=True))
        self.name = f"{type(self).__name__}({', '.join(shown)})"

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
        check_draw(rng, groups, n)
        shares = np.array([float(weight) for weight, _ in self.prompts])
        drawn = rng.choice(len(shares), size=groups, p=shares)
        likelihoods, scores = np.empty((groups, n)), np.empty((groups, n, parameters(self)))
        for index, (_, prompt) in enumerate(self.prompts):
            chosen = np.flatnonzero(drawn == index)
            likelihoods[chosen], scores[chosen] = prompt.sample(rng, len(chosen), n)
        return likelihoods, scores


def _shares(count: int, weights: Numbers | None) -> Array:
    """The probabilities of so many problems, equal where no weights are given."""
    shares = numbers("weights", [Fraction(1, count)] * count if weights is None else weights)
    if len(shares) != count:
        raise ValueError(f"weights must have one number for each of the {count} problems, got {len(shares)}")
    check_sum("weights", shares)
    return shares
