"""verl and SkyRL: maximum-likelihood advantages for their registries, and a judge for the functions that they ship.

Importing this needs torch only; verl is imported by what registers with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import torch

from maxrl_est._arguments import name_of
from maxrl_est._typing import Array, Estimator
from maxrl_est.adapters._judged import judged
from maxrl_est.adapters._rewards import advantages_of_rewards, check_settings
from maxrl_est.estimates.baselines import BASELINES, Baseline
from maxrl_est.objectives import ObjectiveLike, order_of

ORDERS = (2, 4, 8, 16, 32, 64)  # that have names of their own


@dataclass(frozen=True)
class TokenAdvantages:
    """`maxrl_est.advantages` as verl and SkyRL call it: rewards of tokens ``(B N, L)`` to advantages of tokens.

    The sum of a response's token rewards, rounded to their dtype, is its likelihood, and its advantage goes to each
    of its tokens. Responses with the same uid are a group, in any order; groups may have different N. Advantages are
    computed on the CPU in float64, and have the dtype (float32 at least) and device of the rewards.

    A group without any response token is the padding of verl's batches: it has no gradient and is passed over.

    Parameters
    ----------
    objective : an `Objective`, an int T for MaxRL of order T, or None for MaxRL of each group's own order N
    baseline : as for `maxrl_est.advantages`: None is ``"mean_loo"``, and ``"none"`` in groups of one
    log_ceiling : None where rewards are likelihoods; a number where they are log-likelihoods, which it bounds

    Raises
    ------
    TypeError, ValueError
        At once, for what no group could satisfy; when called, for a response whose likelihood is outside [0, 1] or
        NaN, and for a group with fewer rollouts than the objective or the baseline needs, which the uid names.

    Not with a KL penalty in the rewards (``algorithm.use_kl_in_reward``), whose sums are no likelihoods; use the KL
    loss. Not for agents with several outputs a trajectory, of which verl spreads only GRPO's advantages: each output
    would count as a rollout. Likelihoods far below 1/N on every rollout leave all weights near T.

    SkyRL calls functions as verl does: ``AdvantageEstimatorRegistry.register("maxrl_est", TokenAdvantages())``.

    Source: MaxRL (arXiv 2602.02710), by U-statistics for graded rewards.
    """

    objective: ObjectiveLike = None
    baseline: Baseline = None
    log_ceiling: float | None = None

    def __post_init__(self) -> None:
        size = 2 if self.objective is None else order_of(self.objective) + 1
        check_settings(self.objective, self.baseline, self.log_ceiling, size)

    def __call__(
        self, token_level_rewards: torch.Tensor, response_mask: torch.Tensor, index: Array, **_: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Advantages ``(B N, L)`` and, the same again, returns; index ``(B N,)`` are the uids."""
        dtype = torch.promote_types(token_level_rewards.dtype, torch.float32)
        sums = token_level_rewards.double().sum(dim=-1).to(token_level_rewards.dtype)  # no digits that rewards lack
        scores = sums.to(dtype).cpu().numpy()
        has_tokens = (response_mask != 0).any(dim=-1).cpu().numpy()
        rows_of: dict[Any, list[int]] = {}
        for row, uid in enumerate(_uids(index, len(scores))):
            rows_of.setdefault(uid, []).append(row)
        groups = [rows for rows in rows_of.values() if has_tokens[rows].any()]
        found = np.zeros_like(scores)
        for _size, same in groupby(sorted(groups, key=len), key=len):
            rows = np.array(list(same))  # (B, N)
            self._check(scores, rows, index)
            try:
                found[rows] = self._of(scores[rows])
            except ValueError as error:
                raise ValueError(f"{error} (uid {index[rows[0, 0]]!r})") from None
        spread = torch.from_numpy(found).to(token_level_rewards.device)[:, None] * response_mask
        return spread, spread

    def _of(self, scores: Array) -> Array:
        """Advantages (B, N) of likelihoods or log-likelihoods (B, N)."""
        return advantages_of_rewards(scores, self.objective, self.baseline, self.log_ceiling)

    def _check(self, scores: Array, rows: Array, index: Array) -> None:
        """Refuse the first response whose score is no likelihood, by its row in the batch and its uid."""
        if self.log_ceiling is None:
            right = (scores[rows] >= 0) & (scores[rows] <= 1)
            rule = "have a sum in [0, 1], which a KL penalty in the rewards leaves"
        else:
            right = scores[rows] <= scores.dtype.type(self.log_ceiling)
            rule = f"have a sum of at most log_ceiling = {self.log_ceiling}"
        if not right.all():
            row = int(rows[~right][0])
            raise ValueError(f"token_level_rewards[{row}] must {rule}, got {scores[row]} (uid {index[row]!r})")


def _uids(index: Any, size: int) -> list[Any]:
    """The uids (B N,) as values that are equal where they look equal, which tensors of one number and NaN are not."""
    uids: Array = np.asarray(index)
    if uids.shape != (size,):
        raise ValueError(f"index must have a uid for each of the {size} responses, got shape {uids.shape}")
    values: list[Any] = uids.tolist()
    for row, uid in enumerate(values):
        if uid != uid:  # NaN, which is no group's
            raise ValueError(f"index[{row}] must be equal to itself, got {uid}")
    return values


def register(
    name: str, objective: ObjectiveLike = None, *, baseline: Baseline = None, log_ceiling: float | None = None
) -> None:
    """Give `TokenAdvantages` of these parameters a name in verl, for ``algorithm.adv_estimator=name``.

    To register the same twice is harmless; a name that already means something else is verl's ValueError. Every
    process that computes advantages has to do it, so put it into a module that ``VERL_USE_EXTERNAL_MODULES`` names.
    Not needed for the names that `load` registers, which verl finds by itself.

    verl's gradient is that of the advantages for ``actor.loss_agg_mode`` ``"seq-mean-token-sum"`` and, up to the
    constant length of responses, ``"seq-mean-token-sum-norm"``. Its default ``"token-mean"`` divides by the tokens of
    the batch, which is random; ``"seq-mean-token-mean"`` divides each rollout by its own length, which is a bias.

    >>> register("my_order_3", 3, baseline="one")
    """
    from verl.trainer.ppo.core_algos import register_adv_est

    register_adv_est(name)(TokenAdvantages(objective, baseline, log_ceiling))


def load() -> None:
    """Register names for verl's configuration, which has no place for a number.

    ``maxrl_est`` is MaxRL of order N with the default baseline, ``"mean_loo"`` (``"none"`` in groups of one);
    ``maxrl_est_t2``, ``_t4``, ... up to ``_t64`` are MaxRL of these orders with the same; ``maxrl_est_none``, ``_one``,
    ``_one_over_n``, ``_pass_loo`` and ``_mean_loo`` are MaxRL of order N, or N - 1 with ``pass_loo``, with these.
    For all else there is `register`.
    """
    register("maxrl_est")
    for order in ORDERS:
        register(f"maxrl_est_t{order}", order)
    for baseline in BASELINES:
        register(f"maxrl_est_{baseline}", baseline=baseline)


def as_estimator(shipped: str | Callable[..., Any], *, dtype: torch.dtype = torch.float64, **options: Any) -> Estimator:
    """An advantage function of verl or SkyRL as a function ``(..., N) -> (..., N)`` to be judged.

    For `maxrl_est.check_estimator` and `maxrl_est.effective_weight`. ``shipped`` is a name in verl's registry, or a
    function; ``options`` are further arguments of it, such as ``norm_adv_by_std_in_grpo``, and ``config``, which for
    names is ``AlgoConfig()``. Responses have one token and groups a uid each; all groups are one batch, so that what
    is normalised over the batch depends on it. Rewards are float64, to show more than the float32 of trainers would;
    give ``dtype=torch.float32`` for what has it inside anyway (``grpo_vectorized``, ``tir_optimal_token_baseline``).

    Not for functions of more than rewards, unless the rest is the same for all rollouts and broadcasts: ``remax``
    needs ``reward_baselines (1,)``, ``optimal_token_baseline`` ``old_log_probs (1, 1)`` and ``sum_pi_squared (1, 1)``;
    ``gae`` has a critic and no groups.

    >>> as_estimator("rloo")(np.array([1.0, 0.0, 0.0]))
    array([ 1. , -0.5, -0.5])
    """
    if isinstance(shipped, str):
        from verl.trainer.config import AlgoConfig
        from verl.trainer.ppo.core_algos import get_adv_estimator_fn

        name, function, given = shipped, get_adv_estimator_fn(shipped), {"config": AlgoConfig(), **options}
    else:
        name, function, given = name_of(shipped), shipped, options

    def call(groups: Array) -> Array:
        rewards = torch.from_numpy(groups.reshape(-1, 1)).to(dtype)
        uids = np.repeat([f"prompt {b}" for b in range(len(groups))], groups.shape[-1]).astype(object)
        mask = torch.ones_like(rewards, dtype=torch.int64)
        got, _ = function(token_level_rewards=rewards, response_mask=mask, index=uids, **given)
        shaped: Array = got.numpy().reshape(groups.shape)
        return shaped

    shown = ", ".join(f"{key}={value!r}" for key, value in options.items())
    return judged(call, f"{name}({shown})", f"as_estimator({name!r}{shown and ', '}{shown})")
