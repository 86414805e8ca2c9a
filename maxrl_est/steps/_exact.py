"""The mean of a whole training step, over every batch that small token policies can draw."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maxrl_est._arguments import callable_or_none, short, whole, words
from maxrl_est._arguments.protocols import Array
from maxrl_est.measures._columns import Columns, shown
from maxrl_est.objectives import Objective, exact_number
from maxrl_est.problems import Tokens
from maxrl_est.steps._answers import ROUNDING, Asked, asked
from maxrl_est.steps._batch import Batch, Step
from maxrl_est.steps._draws import Draws, beside, draws_of, token_laws
from maxrl_est.steps._orders import symmetric
from maxrl_est.steps._turning import turning_of
from maxrl_est.steps._updates import updates

_CANCELLED = 2e-15  # of the sum of sizes, as much as sums of floats round
_NOISE = 1e-7  # of the size of an update: what float32 and differences leave of turnings that are 0
_TRIED = 64  # batches on which it is seen whether the order of rollouts counts


@dataclass(frozen=True, slots=True)
class ExactStep(Columns):
    """The mean of a step, and of each prompt how it lies to the gradient that it should be.

    Parameters of all prompts lie side by side, D in all. Exact rationals where ``rounding`` is 0, but for ``turning``
    off policy, with references or of a step that looks at probabilities, which is then a difference of floats.
    """

    mean: tuple[Array, ...]  # of each prompt (d,)
    truth: tuple[Array, ...]  # of each prompt (d,): its gradient over the number of prompts
    covariance: Array  # (D, D) of one step
    turning: Array  # (D, D): derivative of the mean's entry j by parameter i, less that of i by j
    rounding: float
    n: int
    names: tuple[str, ...]

    @property
    def shares(self) -> tuple[Any, ...]:
        """Of each prompt the part of its gradient that the mean has: 1 is all, and the rest is not along it.

        None for a prompt without a gradient, at which any mean is wrong but 0.
        """
        pairs = zip(self.mean, self.truth, strict=True)
        return tuple(along(g, t) for g, t in pairs)

    @property
    def share(self) -> Any:
        """The part of the whole gradient that the whole mean has."""
        mean, truth = np.concatenate(self.mean), np.concatenate(self.truth)
        return along(mean, truth)

    @property
    def angles(self) -> tuple[float, ...]:
        """Degrees between each prompt's mean and its gradient; 90 where either is 0 and the other is not."""
        return tuple(degrees(g, t) for g, t in zip(self.mean, self.truth, strict=True))

    @property
    def angle(self) -> float:
        """Degrees between the whole mean and the whole gradient."""
        return degrees(np.concatenate(self.mean), np.concatenate(self.truth))

    @property
    def ratios(self) -> tuple[Any, ...]:
        """Shares of prompts over that of the first: all 1 where the step weighs prompts as it should."""
        first = self.shares[0]
        return tuple(share / first if first and share is not None else None for share in self.shares)

    @property
    def is_gradient(self) -> bool:
        """Whether the mean is the gradient of any function of the policies, near here: nothing turns."""
        if self.turning.dtype == object:
            return not (self.turning != 0).any()
        mean = np.concatenate(self.mean).astype(np.float64)
        size = np.sqrt((np.diag(self.covariance).astype(np.float64) + mean**2).max())  # of updates, where means are 0
        return bool(abs(self.turning).max(initial=0.0) <= ROUNDING * abs(mean).max() + _NOISE * size)

    def title(self) -> list[str]:
        """What is kept of the gradient, and whether there is an objective."""
        kind = "in rationals" if self.rounding == 0 else "in floats"
        kept = "no gradient to keep" if self.share is None else f"{shown(self.share)} of the gradient kept"
        return [
            f"mean step of {len(self.mean)} prompts, {self.n} rollouts each, {kind}: {kept}",
            f"{self.angle:.3g} degrees off, and {'a' if self.is_gradient else 'no'} gradient at this policy",
        ]

    def columns(self) -> dict[str, Any]:
        """A row for each prompt."""
        return {
            "prompt": self.names,
            "share": self.shares,
            "degrees off": [f"{angle:.3g}" for angle in self.angles],
            "over the first": self.ratios,
        }


def exact_step(
    step: Step,
    prompts: Tokens | Sequence[Tokens],
    n: int,
    *,
    objective: Objective | None = None,
    samplers: Sequence[Tokens] | None = None,
    references: Sequence[Tokens] | None = None,
    rewards: Callable[[Any, int], Any] | None = None,
    parts: int = 1,
    siblings: int = 1,
) -> ExactStep:
    """The mean and covariance of a training step over every batch, and whether the mean is a gradient.

    The update that a step stands for is the sum of its coefficients times the scores of tokens. It should be the mean
    over prompts of the gradients of their objective. Not for long responses or large groups: batches are enumerated.

    Parameters
    ----------
    step : a function of a `Batch`, of shapes (..., B, N, L), that returns coefficients (..., B, N, L); one that mixes
        the batches on leading axes is given them one by one. Exact where it computes with Fractions. Every
        order of rollouts is enumerated where the order counts, which is seen by asking each batch in another one; of a
        step that takes one batch at a time, as those of frameworks, about 200 of them
    prompts : laws of tokens, such as `maxrl_est.problems.TokenChain`: the policies that are updated
    n : rollouts of each prompt; batches may have 20 million tokens in all
    objective : whose gradient it should be, of the pass rate; None: of the expected reward
    samplers : the policies that rollouts are drawn from; None: the prompts'
    references : the policies that a KL term holds on to; None: the prompts', where such terms are 0
    rewards : reward of a likelihood and a length; None: the likelihood. With an objective the truth is of likelihoods
    parts : micro-batches of whole prompts that the step is computed in; see `Batch.parts`
    siblings : rollouts that share their first token, a divisor of n

    Returns
    -------
    `ExactStep`

    Raises
    ------
    TypeError, ValueError
        Where an argument is not as above, or the step returns what is no such array of finite numbers.

    >>> from fractions import Fraction as F
    >>> from maxrl_est.problems import TokenChain
    >>> hard, easy = TokenChain([F(1, 2)], [F(0), F(1, 4)]), TokenChain([F(1, 2)], [F(1, 2), F(1)])
    >>> def reinforce(batch):  # 2 prompts x 2 rollouts
    ...     return batch.rewards[..., None] * batch.mask / 4
    >>> def by_length(batch):
    ...     return reinforce(batch) / batch.lengths[..., None]
    >>> exact_step(reinforce, [hard, easy], 2).shares
    (Fraction(1, 1), Fraction(1, 1))
    >>> exact_step(by_length, [hard, easy], 2).shares
    (Fraction(1, 2), Fraction(0, 1))
    """
    laws, n = token_laws("prompts", prompts), whole("n", n)
    goal = objective_or_none(objective)
    callable_or_none("rewards", rewards)
    parts, siblings = whole("parts", parts), whole("siblings", siblings)
    if len(laws) % parts:
        raise ValueError(f"parts must divide the {len(laws)} prompts, got {short(parts)}")
    if n % siblings:
        raise ValueError(f"siblings must divide n = {n}, got {short(siblings)}")
    given = [rewards_of(law, rewards) for law in laws]
    drawn_by, held_by = beside("samplers", samplers, laws), beside("references", references, laws)

    def draws_in(ordered: bool) -> Draws:
        return draws_of(
            laws, n, samplers=drawn_by, references=held_by, rewards=given, siblings=siblings, ordered=ordered
        )

    draws = draws_in(ordered=False)
    how = _how(step, draws, parts)
    few, batches = draws.batch(few_numbers(draws), floats=True), (draws.batch(k, floats=True) for k in draws.chunks())
    if not symmetric(how, few, batches, math.prod(draws.shape), siblings):
        draws = draws_in(ordered=True)
    kept = samplers is None, references is None
    how, mean, square, turning = _found(how, draws, few, *kept)
    truth = [truth_of(law, values, goal, len(laws)) for law, values in zip(laws, given, strict=True)]
    cuts = np.cumsum([len(t) for t in truth])[:-1]
    covariance = square - mean[:, None] * mean
    rounding = 0.0 if how.exact else 1e-12
    return ExactStep(
        tuple(np.split(mean, cuts)), tuple(truth), covariance, turning, rounding, n, tuple(law.name for law in laws)
    )


def along(found: Array, expected: Array) -> Any:
    """The part of a vector that another has: None of zeros."""
    size = abs(expected).max()  # of which squares may be less than any float
    return (found / size) @ (expected / size) / ((expected / size) @ (expected / size)) if size else None


def degrees(found: Array, expected: Array) -> float:
    """The angle between two vectors; 0 between two of zeros, 90 to one of zeros."""
    part, size = along(found, expected), abs(expected).max()
    if part is None or not found.any():
        return 90.0 if found.any() or part is not None else 0.0
    across = ((found - part * expected) / size).astype(np.float64)  # exactly 0 where Fractions are parallel
    own = np.linalg.norm((expected / size).astype(np.float64))
    return float(np.degrees(np.arctan2(np.linalg.norm(across), float(part) * own)))


def _how(step: Step, draws: Draws, parts: int) -> Asked:
    first = few_numbers(draws)
    exact = draws.batch(first) if draws.exact else None
    return asked(step, draws.batch(first, floats=True), exact, parts)


def few_numbers(draws: Draws) -> Array:
    """Numbers (Q, B) of a few batches, spread over all."""
    total = int(np.prod([float(k) for k in draws.shape]))
    flat = np.unique(np.linspace(0, total - 1, _TRIED).astype(np.int64))
    return np.stack(np.unravel_index(flat, draws.shape), axis=1)


def _found(how: Asked, draws: Draws, few: Batch, on_policy: bool, alone: bool) -> tuple[Asked, Array, Array, Array]:
    """How it was asked, mean, mean square, and turning; in floats where some batch has no Fractions."""
    try:
        return how, *_sums(how, draws), turning_of(how, draws, few, not on_policy, not alone)
    except Exception:  # of a step that computes with Fractions on the few batches that it was tried on
        if not how.exact:
            raise
        return _found(how.in_floats(), draws, few, on_policy, alone)


def _sums(how: Asked, draws: Draws) -> tuple[Array, Array]:
    """Mean (D,) and mean square (D, D) of the update."""
    mean: Any = 0
    square: Any = 0
    for numbers in draws.chunks():
        found, chances = updates(how, draws, numbers), draws.chances(numbers)
        if not how.exact:
            chances = chances.astype(np.float64)
        weighted = chances[:, None] * found
        mean = mean + weighted.sum(axis=0)
        square = square + weighted.T @ found
    return np.asarray(mean), np.asarray(square)


def rewards_of(law: Tokens, rewards: Callable[[Any, int], Any] | None) -> Array:
    if rewards is None:
        return law.likelihoods
    pairs = zip(law.likelihoods, law.lengths.tolist(), strict=True)
    found = [exact_number("rewards", rewards(likelihood, length)) for likelihood, length in pairs]
    return np.array(found, dtype=object) if law.likelihoods.dtype == object else np.array(found, dtype=np.float64)


def truth_of(law: Tokens, rewards: Array, goal: Objective | None, prompts: int) -> Array:
    """The gradient (d,) of one prompt, over the number of prompts; sums of floats that cancel are 0 and no rounding."""
    if goal is None:
        return _cancelled((law.probabilities * rewards)[:, None] * law.scores) / prompts
    gradient = _cancelled((law.probabilities * law.likelihoods)[:, None] * law.scores)
    return np.asarray(goal.weight(min(law.pass_rate, 1)) * gradient) / prompts  # sums of floats may exceed 1


def _cancelled(terms: Array) -> Array:
    """The sum (d,) of terms (s, d)."""
    total = np.asarray(terms.sum(axis=0))
    if total.dtype == object:
        return total
    return np.where(abs(total) <= _CANCELLED * abs(terms).sum(axis=0), 0.0, total)


def objective_or_none(given: Any) -> Objective | None:
    if given is not None and not isinstance(given, Objective):
        raise TypeError(f"objective must be an Objective or None, got {words(given)}")
    return given
