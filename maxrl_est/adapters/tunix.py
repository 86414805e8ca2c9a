"""Tunix: maximum-likelihood advantages for its registry, and a judge for the functions that are in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from tunix.rl import algo_core  # noqa: F401  # importing it registers what tunix ships
from tunix.rl.function_registry import default_registry

from maxrl_est._arguments import name_of
from maxrl_est._arguments.protocols import Array, Estimator
from maxrl_est.adapters._judged import judged
from maxrl_est.adapters._rewards import advantages_of_rewards, check_settings
from maxrl_est.estimates.baselines import Baseline
from maxrl_est.objectives import ObjectiveLike, order_of

_KIND = "advantage_estimator"  # of functions in the registry


@dataclass(frozen=True)
class GroupAdvantages:
    """`maxrl_est.advantages` as tunix calls it: rewards ``(B N,)``, a prompt's one after the other, to advantages.

    A reward is a likelihood. Advantages ``(B N,)`` are computed on the CPU in float64, and have the dtype of the
    rewards, float32 at least.

    Parameters
    ----------
    objective : an `Objective`, an int T for MaxRL of order T, or None for MaxRL of order N
    baseline : as for `maxrl_est.advantages`: None is ``"mean_loo"``
    log_ceiling : None where rewards are likelihoods; a number where they are log-likelihoods, which it bounds

    Raises
    ------
    TypeError, ValueError
        At once, for what no group could satisfy; when called, for orders above N and for a likelihood outside [0, 1]
        or NaN, with its prompt and completion in the batch.

    Tunix's gradient is that of the advantages for ``loss_agg_mode="seq-mean-token-sum"`` and, up to the constant
    length of padded completions, ``"sequence-mean-token-scale"``. The default of GRPOConfig,
    ``"sequence-mean-token-mean"``, divides each rollout by its own length, which is a bias; ``"token-mean"`` divides by
    the tokens of each micro-batch, which is random. ``beta``, 0.04 by default, adds a KL term, and ``num_iterations``
    or ``off_policy_steps`` above their defaults use rollouts after the policy has moved on. With
    ``degenerate_group_masking`` the mean is over the groups that are left, which for ``"mean_loo"``, the default, and
    ``"pass_loo"`` is the same for all prompts of a step; ``"one"`` of order N has no such groups to mask.

    Not with penalties in the rewards, such as DAPO's ``overlong_buffer``: they are refused where they take a likelihood
    out of [0, 1]. Not for ``DrGRPOConfig``, which fixes the name of its function. Likelihoods far below 1/N on every
    rollout leave all weights near T.

    Source: MaxRL (arXiv 2602.02710), by U-statistics for graded rewards.

    >>> GroupAdvantages(baseline="none")(np.array([1.0, 0.0, 0.5, 0.5], dtype=np.float32), num_generations=2)
    array([2.  , 0.  , 0.75, 0.75], dtype=float32)
    """

    objective: ObjectiveLike = None
    baseline: Baseline = None
    log_ceiling: float | None = None

    def __post_init__(self) -> None:
        size = 2 if self.objective is None else order_of(self.objective) + 1
        check_settings(self.objective, self.baseline, self.log_ceiling, size)

    def __call__(self, rewards: Any, num_generations: int) -> Array:
        """Advantages ``(B N,)`` of rewards ``(B N,)`` in groups of N = num_generations."""
        given = np.asarray(rewards)
        groups = given.reshape(-1, num_generations).astype(np.promote_types(given.dtype, np.float32))
        found = advantages_of_rewards(groups, self.objective, self.baseline, self.log_ceiling)
        return found.astype(groups.dtype).reshape(given.shape)


def register(
    name: str, objective: ObjectiveLike = None, *, baseline: Baseline = None, log_ceiling: float | None = None
) -> None:
    """Give `GroupAdvantages` of these parameters a name in tunix, for ``GRPOConfig(advantage_estimator=name)``.

    To register the same twice is harmless. ValueError for a name that already means something else, which tunix itself
    would replace.

    >>> register("maxrl_of_order_4", 4)
    """
    function = GroupAdvantages(objective, baseline, log_ceiling)
    if name in default_registry.list_functions(_KIND) and default_registry.get(_KIND, name) != function:
        raise ValueError(f"name must be one that means nothing else to tunix, got {name!r}")
    default_registry.register(_KIND, name)(function)


def as_estimator(shipped: str | Callable[..., Any]) -> Estimator:
    """An advantage function of tunix as a function ``(..., N) -> (..., N)`` to be judged.

    For `maxrl_est.check_estimator` and `maxrl_est.effective_weight`. All groups are one batch, one after the other, as
    tunix's learners feed it, with rewards in float64, to show more than the float32 of learners would. There is no
    ``ragged``, since N is one for all.

    Parameters
    ----------
    shipped : a name in tunix's registry, or a function of the same signature ``(rewards, num_generations)``

    Raises
    ------
    LookupError
        For a name that tunix does not have.

    Not for ``gae``, which has a critic and no groups.

    >>> as_estimator("rloo")(np.array([1.0, 0.0, 0.0]))
    array([ 1. , -0.5, -0.5])
    """
    function = default_registry.get(_KIND, shipped) if isinstance(shipped, str) else shipped
    name = f"{shipped}()" if isinstance(shipped, str) else name_of(function)

    def call(groups: Array) -> Array:
        found: Array = np.asarray(function(rewards=groups.ravel(), num_generations=groups.shape[-1]))
        return found.reshape(groups.shape)

    return judged(call, f"tunix.{name}", f"as_estimator({shipped!r})")
