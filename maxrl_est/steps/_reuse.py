"""The mean of several steps on one batch: what is ascended when rollouts are reused, and ratios clipped."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maxrl_est._arguments import at_most, callable_or_none, positive, whole
from maxrl_est._arguments.protocols import Array
from maxrl_est.measures._columns import Columns, shown
from maxrl_est.objectives import Objective
from maxrl_est.problems import Tokens
from maxrl_est.steps._answers import Asked, asked
from maxrl_est.steps._batch import Step
from maxrl_est.steps._draws import Draws, beside, draws_of, token_laws
from maxrl_est.steps._exact import along, degrees, few_numbers, objective_or_none, rewards_of, truth_of
from maxrl_est.steps._moving import Moving, moving, need_logits
from maxrl_est.steps._orders import symmetric
from maxrl_est.steps._turning import APART

MOST = 10_000  # steps


@dataclass(frozen=True, slots=True)
class Reuse(Columns):
    """Where K steps on one batch lead in the mean, and how that lies to K times the gradient of each prompt."""

    displacement: tuple[Array, ...]  # of each prompt (d,): E[theta_K - theta_0]
    truth: tuple[Array, ...]  # (d,): its gradient over the number of prompts
    pass_gradients: tuple[Array, ...]  # (d,): that of its pass rate, over the number of prompts
    step: tuple[Array, ...]  # (d,): the mean of the first step, over the learning rate
    bend: tuple[Array, ...]  # (d,): E[H g], g the first step of a batch and H the derivative of its steps
    bend_afresh: tuple[Array, ...]  # (d,): E[H] E[g], what it would be if each step had a batch of its own
    epochs: int
    learning_rate: float
    n: int
    names: tuple[str, ...]

    @property
    def shares(self) -> tuple[Any, ...]:
        """Of each prompt the part that was gone of epochs x learning_rate x gradient; None without a gradient."""
        return self._along(self.truth)

    @property
    def angles(self) -> tuple[float, ...]:
        """Degrees between each prompt's displacement and its gradient; 90 where either is 0 and the other is not."""
        return tuple(degrees(g, t) for g, t in zip(self.displacement, self.truth, strict=True))

    @property
    def weights(self) -> tuple[Any, ...]:
        """The effective weight of the whole update, displacement over epochs x learning_rate x grad p.

        Of prompts with one logit and a pass rate that moves with it; None of others.
        """
        pairs = zip(self._along(self.pass_gradients), self.displacement, strict=True)
        return tuple(share if len(moved) == 1 else None for share, moved in pairs)

    @property
    def second_order(self) -> tuple[Array, ...]:
        """The displacement to second order of the rate (d,): ``K eta E[g] + eta^2 K (K - 1) / 2 E[H g]``."""
        K, eta = self.epochs, self.learning_rate
        pairs = zip(self.step, self.bend, strict=True)
        return tuple(K * eta * g + eta**2 * K * (K - 1) / 2 * bend for g, bend in pairs)

    @property
    def bias(self) -> tuple[Array, ...]:
        """E[H g] - E[H] E[g] (d,): what steps on one batch have and steps on a batch each have not, of order 1/n."""
        return tuple(own - other for own, other in zip(self.bend, self.bend_afresh, strict=True))

    def _along(self, expected: tuple[Array, ...]) -> tuple[Any, ...]:
        whole = self.epochs * self.learning_rate
        pairs = zip(self.displacement, expected, strict=True)
        shares = (along(g, t) for g, t in pairs)
        return tuple(None if share is None else share / whole for share in shares)

    def title(self) -> list[str]:
        """How often, how far, and of what."""
        steps = f"{self.epochs} {'step' if self.epochs == 1 else 'steps'} of rate {shown(self.learning_rate)}"
        return [f"{steps} on one batch of {len(self.truth)} prompts, {self.n} rollouts each"]

    def columns(self) -> dict[str, Any]:
        """A row for each prompt."""
        return {
            "prompt": self.names,
            "share": self.shares,
            "degrees off": [f"{angle:.3g}" for angle in self.angles],
            "weight of grad p": self.weights,
        }


def reuse(
    step: Step,
    prompts: Tokens | Sequence[Tokens],
    n: int,
    *,
    epochs: int,
    learning_rate: float,
    objective: Objective | None = None,
    samplers: Sequence[Tokens] | None = None,
    references: Sequence[Tokens] | None = None,
    rewards: Callable[[Any, int], Any] | None = None,
) -> Reuse:
    """The exact mean of where K steps of plain ascent on one batch lead, over every batch.

    After each step the policy has moved, and with it the ratios to the policy that drew the batch, the probabilities
    and the scores of its tokens; rollouts and rewards stay. To second order the mean is ``K eta E[g] + eta^2
    K (K - 1) / 2 E[H g]``: H and g are of the same batch, which biases it by O(1/n). Not for optimisers with a state,
    nor for epochs in mini-batches. In floats.

    Parameters
    ----------
    step : a function of a `Batch`, as in `exact_step`; one that takes no account of ratios, as `policy_gradient` with
        ratio None, repeats what it did on policy
    prompts : laws with a logit for each token, `maxrl_est.problems.TokenChain` or `maxrl_est.problems.TokenBits`; the
        latter with one token is a Bernoulli prompt, ``TokenBits([p], [0, 1])``
    n : rollouts of each prompt; batches may have 20 million tokens in all
    epochs : K, the steps, at most 10,000
    learning_rate : eta, what a step adds of its update to the logits
    objective, samplers, references, rewards : as in `exact_step`; references None are the policies at the start

    Returns
    -------
    `Reuse`

    Raises
    ------
    TypeError, ValueError
        Where an argument is not as above, or the step returns what is no such array of finite numbers.

    >>> from maxrl_est.problems import TokenBits
    >>> from maxrl_est.steps import policy_gradient
    >>> coins = [TokenBits([0.5], [0, 1]), TokenBits([0.01], [0, 1])]
    >>> clipped = policy_gradient("grpo", ratio="token", clip=(0.2, 0.2))
    >>> for epochs in (1, 8):
    ...     print(np.round(reuse(clipped, coins, 8, epochs=epochs, learning_rate=0.5).weights, 3))
    [1.735 2.44 ]
    [0.92  0.995]
    """
    laws, n = token_laws("prompts", prompts), whole("n", n)
    need_logits("prompts", laws)
    epochs, learning_rate = at_most("epochs", whole("epochs", epochs), MOST), positive("learning_rate", learning_rate)
    goal = objective_or_none(objective)
    callable_or_none("rewards", rewards)
    given = [rewards_of(law, rewards) for law in laws]
    drawn_by, held_by = beside("samplers", samplers, laws), beside("references", references, laws)

    def draws_in(ordered: bool) -> Draws:
        return draws_of(laws, n, samplers=drawn_by, references=held_by, rewards=given, ordered=ordered)

    draws = draws_in(ordered=False)
    batch, _ = _spread(moving(draws, few_numbers(draws)))
    how = asked(step, batch, None)
    batches = (_spread(moving(draws, numbers))[0] for numbers in draws.chunks())
    if not symmetric(how, batch, batches, math.prod(draws.shape), 1):
        draws = draws_in(ordered=True)
    displacement, mean, bend = _means(how, draws, epochs, learning_rate)
    afresh = _bend_along(how, draws, mean)
    truth = [truth_of(law, values, goal, len(laws)).astype(np.float64) for law, values in zip(laws, given, strict=True)]
    of_passing = [truth_of(law, law.likelihoods, None, len(laws)).astype(np.float64) for law in laws]
    cuts = np.cumsum([len(t) for t in truth])[:-1]
    names = tuple(law.name for law in laws)
    first, own, other = (tuple(np.split(each, cuts)) for each in (mean, bend, afresh))
    gone = tuple(np.split(displacement, cuts))
    return Reuse(gone, tuple(truth), tuple(of_passing), first, own, other, epochs, learning_rate, n, names)


def _spread(few: Moving) -> tuple[Any, list[Array]]:
    """Batches of which every other one has moved, each another way: steps are tried on policy and off it."""
    numbers = np.arange(np.prod(few.shape)).reshape(few.shape)
    ways = 0.1 * ((numbers * 7) % 11 - 5)
    return few.at(np.where(np.arange(few.shape[0])[:, None] % 2, ways, 0.0))


def _means(how: Asked, draws: Draws, epochs: int, rate: float) -> tuple[Array, Array, Array]:
    """Means (D,) of the displacement, of the first step, and of how it bends along itself."""
    totals: Any = 0
    for numbers in draws.chunks():
        batches, chances = moving(draws, numbers), draws.chances(numbers).astype(np.float64)
        by = np.zeros(batches.shape)
        first = batches.updates(how, by)
        for update in range(epochs):
            by = by + rate * (batches.updates(how, by) if update else first)
        totals = totals + np.stack([chances @ each for each in (by, first, _bend(how, batches, first))])
    return totals[0], totals[1], totals[2]


def _bend_along(how: Asked, draws: Draws, way: Array) -> Array:
    """The mean (D,) of how steps of all batches change along one way (D,)."""
    total: Any = 0
    for numbers in draws.chunks():
        batches, chances = moving(draws, numbers), draws.chances(numbers).astype(np.float64)
        total = total + chances @ _bend(how, batches, np.broadcast_to(way, batches.shape))
    return np.asarray(total)


def _bend(how: Asked, batches: Moving, ways: Array) -> Array:
    """The derivative (Q, D) of each batch's step along a way of its own (Q, D), by central differences."""
    size = abs(ways).max(axis=1, keepdims=True)
    apart = APART / np.where(size > 0, size, 1.0)
    high, low = (batches.updates(how, sign * apart * ways) for sign in (1, -1))
    return (high - low) / (2 * apart)
