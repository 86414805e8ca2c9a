"""What an entry of the tables of right and wrong advantage functions is, and the few pieces that entries share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import maxrl_est as mx
from maxrl_est.objectives.targets import OverLevels

RL = mx.Objective.expected()
MAXRL = mx.Objective.maxrl
PASS2, PASS3 = mx.Objective.pass_at(2), mx.Objective.pass_at(3)
BEST2, BEST3 = OverLevels(PASS2), OverLevels(PASS3)

BINARY = {"binary_only": True}
PAIRS = {"group_sizes": (2, 3, 4, 8)}  # functions of the others, which need one
TRIPLES = {"group_sizes": (3, 4, 8)}
SMALL = {"group_sizes": (2, 3, 4, 5)}  # functions that go through subsets
BINARY_PAIRS, BINARY_TRIPLES, BINARY_SMALL = BINARY | PAIRS, BINARY | TRIPLES, BINARY | SMALL


@dataclass(frozen=True)
class Wrong:
    """A function that does not ascend its objective, or breaks what every advantage function keeps to."""

    function: Callable[[Any], Any]
    objective: Any
    why: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Right:
    """A function that ascends its objective without bias, up to a constant factor for each group size."""

    function: Callable[[Any], Any]
    objective: Any
    why: str
    options: Mapping[str, Any] = field(default_factory=dict)


def floats(r):
    return np.asarray(r, dtype=float)


def mean(r):
    return floats(r).mean(-1, keepdims=True)


def total(r):
    return floats(r).sum(-1, keepdims=True)


def std(r):
    return floats(r).std(-1, keepdims=True)


def loo_mean(r):
    """Mean of the others, 0 where there are none."""
    return (total(r) - floats(r)) / max(np.shape(r)[-1] - 1, 1)


def rloo(r):
    return floats(r) - loo_mean(r)


def centred(r):
    return floats(r) - mean(r)


def others(r):
    """The other rollouts (..., N, N - 1) of each."""
    n = np.shape(r)[-1]
    return floats(r)[..., [[j for j in range(n) if j != i] for i in range(n)]] if n > 1 else np.zeros((*np.shape(r), 0))


def ustat(l, order=None):
    """MaxRL's unbiased estimate without a baseline."""
    return mx.loo_weights(floats(l), order) * floats(l)


def per_success(r):
    """MaxRL on 0/1 rewards without a baseline: N/K for successes."""
    return floats(r) / np.maximum(mean(r), 1e-300)


def each_group(rule):
    """The function of a batch that applies a rule to one group at a time."""

    def function(r):
        flat = floats(r).reshape(-1, np.shape(r)[-1])
        return np.array([rule(group) for group in flat]).reshape(np.shape(r))

    return function


def failure_averages(q, binomial):
    """e_k(q) / binomial(k) of the values q on the last axis, for each k from 0 on."""
    e = np.zeros((*q.shape[:-1], q.shape[-1] + 1))
    e[..., 0] = 1
    for j in range(q.shape[-1]):
        e[..., 1:] += q[..., j, None] * e[..., :-1].copy()
    return e / [binomial(k) for k in range(q.shape[-1] + 1)]


def shared(estimate):
    """Every rollout gets N times an unbiased estimate of the objective itself."""
    return lambda l: np.broadcast_to(np.shape(l)[-1] * np.asarray(estimate(floats(l)))[..., None], np.shape(l)).copy()


def one_order_less(n):
    return MAXRL(n - 1)
