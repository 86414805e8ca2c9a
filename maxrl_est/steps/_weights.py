"""What a batch of prompts ascends, where advantages of one depend on the others: exactly, at given pass rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array, Estimator, FloatArray
from maxrl_est.ascent._over_prompts import TOLERANCE
from maxrl_est.measures._columns import Columns, shown
from maxrl_est.measures._equivariant import of_groups
from maxrl_est.measures._sizes import group_size
from maxrl_est.problems._finite import numbers
from maxrl_est.steps._exchanges import Exchanges, exchanges_of
from maxrl_est.steps._population import PopulationWeights, population_weights
from maxrl_est.steps._prompts import Population
from maxrl_est.steps._verdicts import WORDS, Verdict, is_direction

_TRIED = 4  # pass rates of all prompts at which a polynomial that is 0 there is taken for 0


@dataclass(frozen=True, slots=True)
class EffectiveWeights(Columns):
    """W_x with E[g_x] = W_x grad p_x for each prompt x of a batch: of all pass rates, and given at some.

    ``weights (B,)`` and ``curl (B, B)``, dW_x/dp_y - dW_y/dp_x, are at ``pass_rates``; exact rationals where these are
    Fractions and the rule computes with Fractions. ``verdict`` is for all pass rates: "gradient" of a function of them,
    the "direction" of one at a speed of its own, or "none".
    """

    pass_rates: tuple[Any, ...]
    n: int
    weights: Array
    curl: Array
    verdict: Verdict
    population: PopulationWeights | None = None

    @property
    def limit(self) -> FloatArray | None:
        """W (B,) at the same pass rates as the prompts of a batch become many; None where no population is given."""
        return self.population.weights if self.population else None

    @property
    def exact(self) -> bool:
        """Whether the numbers are exact rationals."""
        return bool(self.weights.dtype == object)

    @property
    def ratios(self) -> Array | None:
        """Each weight over the mean of all (B,): None where that is 0."""
        mean = self.weights.sum() / len(self.weights)
        return self.weights / mean if mean else None

    def title(self) -> list[str]:
        """What the numbers are, and whether the batch ascends anything."""
        size = len(self.weights)
        head = f"{size} prompt{'s' * (size > 1)}, n = {self.n}: E[g] = W grad p of each, for 0/1 rewards"
        many = [f"as prompts become many it {WORDS[self.population.verdict]}"] if self.population else []
        return [head, *self._said(), *many]

    def _said(self) -> list[str]:
        """The verdict in a line, and the largest number that shows it at these pass rates."""
        said = f"the batch's mean update {WORDS[self.verdict]}"
        if self.verdict == "gradient":
            return [said]
        x, y = sorted(int(i) for i in np.unravel_index(int(abs(self.curl).argmax()), self.curl.shape))
        told = abs(self.curl[x, y]) > TOLERANCE * abs(self.weights).max()
        shows = f"dW{x}/dp{y} - dW{y}/dp{x} = {shown(self.curl[x, y])} at these pass rates"
        return [said, shows if told else "the curl is 0 at these pass rates alone"]

    def columns(self) -> dict[str, Any]:
        """A row for each prompt."""
        ratios = [None] * len(self.weights) if self.ratios is None else self.ratios.tolist()
        columns = {"pass rate": list(self.pass_rates), "W": self.weights.tolist(), "W / mean W": ratios}
        if self.population:
            columns |= {"limit": self.population.weights.tolist(), "+-": self.population.error.tolist()}
        return columns


def effective_weights(
    rule: str | Estimator, pass_rates: Sequence[Any], n: int, *, population: Population | None = None
) -> EffectiveWeights:
    """Which multiples of grad p a rule ascends at the prompts of a batch, for 0/1 rewards and n rollouts of each.

    For rules that see the whole batch, such as a normalisation over it. The gradient estimate of a prompt is
    ``g_x = (1/n) sum_i A_i S_i`` over its own rollouts, and the step is the mean of the B estimates. With K_-x the
    counts of successes at the other prompts and M that of n - 1 rollouts of x,
    ``W_x = E[a_x(K_-x, M + 1) - b_x(K_-x, M)]``, a the advantage of a success and b that of a failure: one rollout of
    the prompt itself is exchanged, since it changes the batch that it is judged in. No sampling: every batch of counts
    is asked about. For rules that judge each group by itself `maxrl_est.effective_weight` gives the polynomial.

    Parameters
    ----------
    rule : a name, a row or a function of the rewards of a batch (B, N) that returns advantages (B, N), the same for any
        order of the rollouts of a prompt; it is called with one batch at a time
    pass_rates : (B,) numbers in [0, 1], of the prompts of the batch; Fractions for exact answers
    n : rollouts of each prompt; there are at most 100,000 batches of counts, (n + 1)^B
    population : of which the many prompts of a larger batch are drawn, for ``limit``, as in `population_weights`: pairs
        of a probability and a pass rate, or a problem whose prompts have 0/1 likelihoods

    Returns
    -------
    `EffectiveWeights`: ``weights``, ``curl`` and ``verdict``

    Raises
    ------
    TypeError, ValueError
        Where an argument is not as above.

    >>> def scaled(r):  # centred in the group, divided by the standard deviation of the batch
    ...     return (r - r.mean(-1, keepdims=True)) / (r.std() + 1e-6)
    >>> print(effective_weights(scaled, [0.1, 0.5, 0.9], 4))
    3 prompts, n = 4: E[g] = W grad p of each, for 0/1 rewards
    the batch's mean update is the gradient of nothing, at any speed
    dW0/dp2 - dW2/dp0 = 0.168645 at these pass rates
    pass rate  W        W / mean W
    ---------  -------  ----------
    0.1        1.5526   1.00536
    0.5        1.52777  0.989278
    0.9        1.5526   1.00536
    """
    function, rates, n = of_groups(rule, "rule"), numbers("pass_rates", pass_rates), group_size(n)
    exchanges = exchanges_of(function, len(rates), n)
    verdict = _verdict(exchanges)
    if rates.dtype != object or not exchanges.exact:
        exchanges, rates = exchanges.in_floats(), rates.astype(np.float64)
    many = None if population is None else population_weights(function, pass_rates, n, population)
    return EffectiveWeights(tuple(rates.tolist()), n, exchanges.weights(rates), exchanges.curl(rates), verdict, many)


def _verdict(exchanges: Exchanges) -> Verdict:
    """By all counts whether it is a gradient, and by some pass rates whether it has the direction of one."""
    if exchanges.cycles_vanish():
        return "gradient"
    floats, prompts = exchanges.in_floats(), len(exchanges.tables)
    for tried in range(_TRIED):
        rates = np.array([((3 * b + 5 * tried + 2) % 19 + 1) / 21 for b in range(prompts)])
        if not is_direction(floats.weights(rates), floats.curl(rates), TOLERANCE):
            return "none"
    return "direction"
