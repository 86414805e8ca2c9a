"""What others ship for the same purpose, in the same run: GRPO and RLOO of verl and TRL, and the recurrence for T = N.

Their advantages estimate something else, and the recurrence loses its digits in float32: what is limited is our time
over theirs. Frameworks are limited to one thread, as we are. Where one is missing its figures say how to install it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from maxrl_est._arguments.protocols import FloatArray
from maxrl_est.estimates.ustatistics import loo_weights
from maxrl_est.selftest import definition, reference
from maxrl_est.selftest.bench.clock import Pair, over
from maxrl_est.selftest.bench.figures import Figure, NotMeasured
from maxrl_est.selftest.bench.inputs import uniform

RESPONSES, ROLLOUTS, TOKENS = 8192, 16, 512
VERL_LIMITS = {  # of our time over theirs
    "grpo_vectorized": 1.3,
    "grpo": 1.0,
    "rloo": 1.0,
}
TRL_SHAPES, TRL_LIMIT = ((64, 8), (512, 16)), 1.5
EAGER_SHAPE, EAGER_LIMIT = (32, 8), 1.3
RECURRENCE_SHAPES, RECURRENCE_LIMIT = ((64, 8), (64, 16), (512, 16), (128, 64)), 1.0
SINGLE_SIZES, SINGLE_LIMIT = (8, 16, 32, 64, 128), 1.0  # ulp of float32: half an ulp is the rounding alone


def figures() -> list[Figure]:
    """Figures beside others' code."""
    return [
        *beside_recurrence(),
        *single_errors(),
        over("torch: time of loo_weights / in NumPy", _case(EAGER_SHAPE), EAGER_LIMIT, partial(with_torch, _eager)),
        *(
            over(
                "torch: time of advantages / TRL's mean and deviation",
                _case(shape),
                TRL_LIMIT,
                partial(with_torch, _trl, shape),
            )
            for shape in TRL_SHAPES
        ),
        *(
            over(
                f"verl: time of our advantages / its {name}",
                f"{RESPONSES} responses of {TOKENS} tokens, N={ROLLOUTS}",
                limit,
                partial(with_torch, _verl, name),
            )
            for name, limit in VERL_LIMITS.items()
        ),
    ]


def beside_recurrence() -> list[Figure]:
    """Weights in float32 over the O(N^2) way of e_k by recurrence, from which each rollout is divided out again."""
    return [
        over("float32: time of loo_weights / recurrence", _case(shape), RECURRENCE_LIMIT, partial(_recurrence, shape))
        for shape in RECURRENCE_SHAPES
    ]


def _recurrence(shape: tuple[int, int]) -> Pair:
    groups = _likelihoods(shape).astype(np.float32)
    return partial(loo_weights, groups), partial(definition.weights_by_deflation, groups)


def single_errors() -> list[Figure]:
    """The error of our weights in float32, with that of the recurrence beside it."""
    return [
        Figure("float32: error of loo_weights", f"N={n} uniform", SINGLE_LIMIT, partial(_single_error, n), "ulp")
        for n in SINGLE_SIZES
    ]


def _single_error(n: int, _: float) -> tuple[float, str]:
    group = uniform(n, n)[0].astype(np.float32)
    try:
        right = reference.ball_loo_weights_full_order(group.astype(np.float64))
    except ImportError:
        raise NotMeasured("`pip install 'maxrl-est[test]'` brings the Arb balls it needs") from None
    ours, theirs = loo_weights(group), definition.weights_by_deflation(group)
    relative = float(np.max(np.abs(theirs - right) / right))
    return float(np.max(np.abs(ours - right) / np.spacing(right.astype(np.float32)))), (
        f"of the recurrence: {relative:.1e} of the weight"
    )


def with_torch(pair: Callable[..., Pair], *arguments: Any) -> Pair:
    """Two calls made of torch, one thread of it."""
    torch = _imported("torch", "torch")
    torch.set_num_threads(1)
    return pair(torch, *arguments)


def _eager(torch: Any) -> Pair:
    groups = _likelihoods(EAGER_SHAPE)
    return partial(_imported("maxrl_est.adapters.torch", "torch").loo_weights, torch.from_numpy(groups)), (
        partial(loo_weights, groups)
    )


def _trl(torch: Any, shape: tuple[int, int]) -> Pair:
    """As its trainer does inline: rewards of all prompts in a row, float32."""
    rewards, n = torch.from_numpy(_likelihoods(shape).astype(np.float32)).ravel(), shape[1]

    def normalised() -> Any:
        groups = rewards.view(-1, n)
        mean, deviation = (x.repeat_interleave(n, dim=0) for x in (groups.mean(dim=1), groups.std(dim=1)))
        return (rewards - mean) / (deviation + 1e-4)

    return partial(_imported("maxrl_est.adapters.torch", "torch").advantages, rewards.view(-1, n)), normalised


def _verl(torch: Any, name: str) -> Pair:
    """Rewards of 0 or 1 at the last token of each response, groups by uid."""
    theirs = _imported("verl.trainer.ppo.core_algos", "verl").get_adv_estimator_fn(name)
    ours = import_module("maxrl_est.adapters.verl").TokenAdvantages()
    rewards = torch.zeros(RESPONSES, TOKENS)
    rewards[:, -1] = torch.from_numpy(np.random.default_rng(0).integers(2, size=RESPONSES)).float()
    uids = np.array([f"prompt-{i // ROLLOUTS}" for i in range(RESPONSES)], dtype=object)
    batch = {"token_level_rewards": rewards, "response_mask": torch.ones(RESPONSES, TOKENS), "index": uids}
    return partial(ours, **batch), partial(theirs, **batch)


def _imported(module: str, extra: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise NotMeasured(f"`pip install 'maxrl-est[{extra}]'` ({error})") from None


def _likelihoods(shape: tuple[int, int]) -> FloatArray:
    return np.random.default_rng(0).random(shape)


def _case(shape: tuple[int, int]) -> str:
    return "{} groups of N={}".format(*shape)
