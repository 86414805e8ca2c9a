"""Two ways to carry a rule for 0/1 rewards over to graded likelihoods, each of which ascends an objective."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import Array
from maxrl_est.estimators._counted import Counted, Pair
from maxrl_est.estimators._expected import grpo
from maxrl_est.estimators._rows import Notes, row

_AT_ONCE = 1 << 21  # chances held at once, 16 MiB


def lifted(rule: Counted, how: str, likelihoods: Array) -> Array:
    """Advantages (B, N) of likelihoods (B, N) by the lift of that name."""
    return HOW[how](likelihoods, rule(likelihoods.shape[1], likelihoods.dtype == object))


def _by_mean(likelihoods: Array, pair: Pair) -> Array:
    """The expected advantage of rollout i if each rollout succeeds, independently, with chance l."""
    size, found = likelihoods.shape[1], np.empty_like(likelihoods)
    certain = ((likelihoods == 0) | (likelihoods == 1)).all(axis=1)
    found[certain] = _on_outcomes(likelihoods[certain] == 1, pair)
    uncertain, step = np.flatnonzero(~certain), max(1, _AT_ONCE // size**2)
    for start in range(0, len(uncertain), step):
        block = uncertain[start : start + step]
        found[block] = _expected(likelihoods[block], pair)
    return found


def _on_outcomes(succeeds: Array, pair: Pair) -> Array:
    """What the rule itself gives where it is certain who succeeds (B, N)."""
    others = succeeds.sum(axis=1, keepdims=True) - succeeds
    return np.asarray(np.where(succeeds, pair.success[others], pair.failure[others]))


def _expected(likelihoods: Array, pair: Pair) -> Array:
    """Of one block: chances of successes before i go forward, values given these and those after i go back.

    So rollout i is left out without a division, and numbers in [0, 1] are all that the rule's are multiplied by.
    """
    found = np.empty_like(likelihoods)
    chances = list(_chances_before(likelihoods))
    success, failure = (np.broadcast_to(values, likelihoods.shape) for values in pair)
    for i in range(likelihoods.shape[1])[::-1]:
        l = likelihoods[:, i : i + 1]
        found[:, i] = (chances.pop() * (l * success + (1 - l) * failure)).sum(axis=1)
        success, failure = (l * values[:, 1:] + (1 - l) * values[:, :-1] for values in (success, failure))
    return found


def _chances_before(likelihoods: Array) -> Any:
    """Yield for i = 0..N-1 the chances (B, i + 1) of 0..i successes among the i rollouts before it."""
    chances = likelihoods[:, :1] * 0 + 1
    yield chances
    for l in likelihoods.T[:-1, :, None]:
        failed, succeeded = (1 - l) * chances, l * chances
        chances = np.concatenate([failed[:, :1], failed[:, 1:] + succeeded[:, :-1], succeeded[:, -1:]], axis=1)
        yield chances


def _by_levels(likelihoods: Array, pair: Pair) -> Array:
    """Int of the rule's advantage of rollout i where rewards are 1 above a level tau, over tau from 0 to 1.

    Between neighbours of the sorted group the same rollouts are above tau. Rewards outside of [0, 1] change the ends of
    the integral by what all rollouts have in common.
    """
    kind = likelihoods.dtype.type
    order = np.argsort(likelihoods, axis=1)
    steps = np.diff(np.take_along_axis(likelihoods, order, axis=1), axis=1, prepend=kind(0), append=kind(1))
    above = np.cumsum(steps[:, :-1] * pair.success[::-1], axis=1)
    below = np.cumsum((steps[:, 1:] * pair.failure[::-1])[:, ::-1], axis=1)[:, ::-1]
    found = np.empty_like(likelihoods)
    np.put_along_axis(found, order, above + below, axis=1)
    return found


HOW: Mapping[str, Callable[[Array, Pair], Array]] = {"mean": _by_mean, "levels": _by_levels}
_GRPO = Counted(grpo)  # rows are asked with checked likelihoods, as their functions are


def _nothing(n: int) -> None:
    return None


@row(
    _nothing,
    Notes(
        estimates="the gradient of F(E l), F the objective of grpo on 0/1 rewards, which has no name",
        how="the mean of grpo's advantages if each rollout succeeds, independently, with chance l",
        unbiased="always for that objective, which grpo itself follows on 0/1 rewards only; refuses N = 1",
        cost="O(N^2)",
        source="the multilinear extension of G. Owen, Management Science 18 (1972) P64, of arXiv 2402.03300",
    ),
)
def grpo_mean_lift(likelihoods: Array) -> Array:
    """l_i E a_{1+K} + (1 - l_i) E b_K, K the successes among the others, a_K and b_K those of `grpo` at K successes."""
    return lifted(_GRPO, "mean", likelihoods)


@row(
    _nothing,
    Notes(
        estimates="the gradient of Int F(P(l > tau)) dtau, F the objective of grpo on 0/1 rewards, which has no name",
        how="grpo at each level tau",
        unbiased="always for that objective, which grpo itself follows on 0/1 rewards only; refuses N = 1",
        cost="O(N log N)",
        source="arXiv 2605.12667 (ODRPO), over the levels of arXiv 2402.03300",
    ),
    any_reward=True,
)
def grpo_level_lift(likelihoods: Array) -> Array:
    """Int [l_i > tau ? a_n(tau) : b_n(tau)] dtau, n(tau) = #{l_j > tau}, a_n and b_n those of `grpo` at n successes."""
    return lifted(_GRPO, "levels", likelihoods)
