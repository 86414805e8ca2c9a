"""Advantages beside their own weights, and the baseline that needs more than weights beside one that needs nothing."""

from __future__ import annotations

from functools import partial

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.estimates.ustatistics import loo_weights
from maxrl_est.estimators import BASELINES, advantages, get
from maxrl_est.selftest.bench.clock import Call, Pair, over
from maxrl_est.selftest.bench.figures import Figure

SMALL_BATCH, BATCH = (32, 8), (64, 8)
BASELINE_LIMIT, USUAL_LIMIT, ADVANTAGES_LIMIT = 2.0, 1.6, 1.3
PASS_LOO_SHAPES, PASS_LOO_LIMIT = ((1, 8), (64, 16), (1, 256), (1, 1024)), 1.5


def figures() -> list[Figure]:
    """All figures of advantages."""
    return [*beside_weights(), in_a_batch(), *pass_loo()]


def beside_weights() -> list[Figure]:
    """Time of advantages of a small batch over that of weights of the same order, by baseline."""
    groups = _groups(SMALL_BATCH)
    n, some = SMALL_BATCH[1], SMALL_BATCH[1] // 2
    calls: dict[str, tuple[Call, int | None, float]] = {
        "default": (partial(advantages, groups), None, USUAL_LIMIT),
        "ustat_one": (partial(get("ustat_one"), groups), None, USUAL_LIMIT),
    }
    for baseline in BASELINES:
        order = n - 1 if baseline == "pass_loo" else None
        calls[baseline] = partial(advantages, groups, baseline=baseline), order, BASELINE_LIMIT
        calls[f"{baseline} T={some}"] = partial(advantages, groups, some, baseline=baseline), some, BASELINE_LIMIT
    return [
        over(
            "advantages: time / loo_weights",
            "{} groups of N={}, ".format(*SMALL_BATCH) + name,
            limit,
            partial(_beside_weights, call, groups, order),
        )
        for name, (call, order, limit) in calls.items()
    ]


def _beside_weights(call: Call, groups: FloatArray, order: int | None) -> Pair:
    return call, partial(loo_weights, groups, order)


def in_a_batch() -> Figure:
    """The default in the batch of a small run."""
    groups = _groups(BATCH)
    return over(
        "advantages: time / loo_weights",
        "{} groups of N={}, default".format(*BATCH),
        ADVANTAGES_LIMIT,
        partial(_beside_weights, partial(advantages, groups), groups, None),
    )


def pass_loo() -> list[Figure]:
    """The baseline of RLOO over the constant one, each at its own default order."""
    return [
        over(
            'advantages: time with baseline "pass_loo" / with "one"',
            f"{shape[0]} groups of N={shape[1]}",
            PASS_LOO_LIMIT,
            partial(_pass_loo_and_one, shape),
        )
        for shape in PASS_LOO_SHAPES
    ]


def _pass_loo_and_one(shape: tuple[int, int]) -> Pair:
    groups = _groups(shape)
    return partial(advantages, groups, baseline="pass_loo"), partial(advantages, groups, baseline="one")


def _groups(shape: tuple[int, int]) -> FloatArray:
    return np.random.default_rng(0).random(shape)
