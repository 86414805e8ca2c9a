"""What a rule that sees the whole batch comes to as the prompts beside one become many, drawn from a population."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maxrl_est._arguments import at_most, short, whole
from maxrl_est._arguments.protocols import Estimator, FloatArray
from maxrl_est.measures import _bernstein
from maxrl_est.measures._columns import Columns, shown
from maxrl_est.measures._equivariant import of_groups
from maxrl_est.measures._precision import precision_of, probes_of
from maxrl_est.measures._sizes import group_size
from maxrl_est.problems._finite import numbers
from maxrl_est.steps._crowd import Crowd, crowd
from maxrl_est.steps._prompts import Population, prompts_of
from maxrl_est.steps._verdicts import WORDS, Verdict, is_direction

MOST = 64  # rollouts of each prompt: a rule is called with (n + 1)^2 batches of each size
PROMPTS = 8192
_BATCH, _REWARDS = 1 << 23, 1 << 32  # rollouts of a batch, and of all that the rule is called with: minutes at most
_SMALLER = 8  # times, of the two batches that are compared
_SETTLED = 5e-3  # of the largest weight: more than this between the two is no limit
_SAME = 1e-3  # of the largest slope: less than this apart are the same
_LEFT = 10  # times what weights change by, relative to the largest, is what may be left of slopes that are the same


@dataclass(frozen=True, slots=True)
class PopulationWeights(Columns):
    """W of prompts in a batch of very many, which are drawn from a population, for 0/1 rewards.

    ``weights (B,)`` are at ``pass_rates``, and ``error (B,)`` is by how much they differ from those that an eighth of
    the prompts gives: no bound, but more than is to be expected where advantages are smooth in the shares of counts.
    ``curl (B, B)`` is what W at p_x changes by as prompts at p_y, relative to how many they are, move up in p_y, less
    the other way round. ``verdict`` is of prompts of all pass rates beside this population: there and near it W is the
    "gradient" of a function of the population, has the "direction" of one at a speed of its own, or "none" of these.
    """

    pass_rates: tuple[float, ...]
    n: int
    weights: FloatArray
    error: FloatArray
    curl: FloatArray
    verdict: Verdict

    def title(self) -> list[str]:
        """What the numbers are, and whether the limit ascends anything."""
        head = f"n = {self.n}, as prompts become many: E[g] = W grad p of each, for 0/1 rewards"
        return [head, f"at this population the mean update {WORDS[self.verdict]}"]

    def columns(self) -> dict[str, Any]:
        """A row for each pass rate."""
        return {"pass rate": list(self.pass_rates), "W": self.weights.tolist(), "+-": self.error.tolist()}


def population_weights(
    rule: str | Estimator, pass_rates: Sequence[Any], n: int, population: Population, *, prompts: int = PROMPTS
) -> PopulationWeights:
    """Which multiple of grad p a rule ascends at a prompt, as the prompts of a batch become many.

    For rules that treat prompts alike and that see the whole batch, such as a normalisation over it: of many prompts
    the counts of successes have the shares of the population, and W of a prompt is the mean over its own counts alone.
    In batches of two sizes with just these shares, so that nothing is sampled. Not for rules of a batch's extremes or
    quantiles, whose limit, if there is one, is not that of shares. Slopes that differ by less than a thousandth of the
    largest, or of W if that is more, or ten times the relative change of W between the two sizes, are called the same.

    Parameters
    ----------
    rule : as in `effective_weights`; it is also to give the same advantages for any order of prompts
    pass_rates : (B,) numbers in [0, 1], at which W is asked for
    n : rollouts of each prompt, at most 64
    population : pairs of a probability and a pass rate, or a problem whose prompts have 0/1 likelihoods
    prompts : of the larger of the two batches; more for a population with few successes or few failures

    Returns
    -------
    `PopulationWeights`: ``weights``, ``error``, ``curl`` and ``verdict``

    Raises
    ------
    TypeError, ValueError
        Where an argument is not as above, or the two batches differ by more than a half percent.

    >>> def scaled(r):  # centred in the group, divided by the standard deviation of the batch
    ...     return (r - r.mean(-1, keepdims=True)) / (r.std() + 1e-6)
    >>> found = population_weights(scaled, [0.1, 0.5], 4, [(0.5, 0.1), (0.5, 0.5)])
    >>> found.verdict, found.weights.round(4).tolist()  # (3/4) / sqrt(0.3 0.7), of (3/4) 2 arcsin sqrt(mean p)
    ('gradient', [1.6366, 1.6366])
    """
    function, rates = of_groups(rule, "rule"), numbers("pass_rates", pass_rates).astype(np.float64)
    n, prompts = at_most("n", group_size(n), MOST), whole("prompts", prompts, 64, 1 << 20)
    rewards = (n + 1) ** 2 * n * prompts
    if rewards > _REWARDS or n * prompts > _BATCH:
        rule = f"prompts must make batches of at most {_BATCH} rollouts, {_REWARDS} in all"
        raise ValueError(f"{rule}, got {short(prompts)}: with n = {n} there are {n * prompts}, {rewards} in all")
    chances, of_others = (x.astype(np.float64) for x in prompts_of(population))
    shares = chances @ _bernstein.basis(n + 1, of_others)
    few, many = (crowd(function, shares / shares.sum(), size) for size in (prompts // _SMALLER, prompts))
    changed = _changed(few, many, prompts)
    own = _bernstein.basis(n, rates)
    curl = (_SMALLER * many.curl - few.curl) / (_SMALLER - 1)  # what is left as the number of prompts grows
    noise = 16 * n * prompts * precision_of(function, *probes_of(n)).eps * many.size
    verdict = _verdict(many, curl, max(_SAME, _LEFT * changed), noise)
    return PopulationWeights(
        tuple(rates.tolist()), n, own @ many.weights, own @ abs(many.weights - few.weights), own @ curl @ own.T, verdict
    )


def _changed(few: Crowd, many: Crowd, prompts: int) -> float:
    """What weights change by, relative to the largest; ValueError where they or their slopes do not settle."""
    apart, size = abs(many.weights - few.weights), float(abs(many.weights).max())
    steeper = abs(many.slopes - few.slopes).max() > max(abs(few.slopes).max(), size) / 2
    if steeper or apart.max() > _SETTLED * size:
        place = int(apart.argmax())
        both = " and ".join(shown(x.weights[place]) for x in (few, many))
        found = "slopes that grow" if steeper else f"weights {both}"
        rule = "rule must settle as prompts become many, if need be with more prompts"
        raise ValueError(f"{rule}, got {found} beside {prompts // _SMALLER} and {prompts}")
    return float(apart.max()) / size if size else 0.0


def _verdict(many: Crowd, curl: FloatArray, tolerance: float, noise: float) -> Verdict:
    """By the slopes of W for prompts of all pass rates: coefficients in the binomial basis, of which none is left.

    Where W has hardly a slope, as that over a deviation at the mean pass rate 1/2, they are compared with W itself.
    """
    size = max(float(abs(many.slopes).max()), float(abs(many.weights).max()))
    if abs(curl).max() <= max(tolerance * size, noise):
        return "gradient"
    return "direction" if is_direction(many.weights, curl, tolerance) else "none"
