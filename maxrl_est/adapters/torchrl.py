"""torchrl: a replay-buffer transform with maximum-likelihood advantages, and judges for what torchrl ships."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from tensordict import TensorDictBase
from torchrl.objectives.llm import MCAdvantage

from maxrl_est._arguments import name_of
from maxrl_est._arguments.protocols import Array, Estimator
from maxrl_est.adapters._judged import judged
from maxrl_est.adapters._rewards import advantages_of_rewards, check_settings
from maxrl_est.adapters._torchrl_steps import as_step, written
from maxrl_est.estimates.baselines import Baseline
from maxrl_est.objectives import ObjectiveLike

__all__ = ["MaxRLAdvantage", "as_estimator", "as_step"]

_SELECTIVE = ("keep_return_bounds", "candidate_group_size", "candidate_selection_min_size", "candidate_selector")


class MaxRLAdvantage(MCAdvantage):  # type: ignore[misc]
    """`torchrl.objectives.llm.MCAdvantage` with the advantages of `maxrl_est.advantages`.

    Takes its arguments, and is put to a replay buffer like it. N is ``grpo_size``; the sum of a trajectory's rewards,
    rounded to their dtype, is its likelihood, and its advantage goes to each of its steps, in the rewards' shape and
    dtype (float32 at least). Advantages are computed on the CPU in float64.

    Parameters
    ----------
    objective : an `Objective`, an int T for MaxRL of order T, or None for MaxRL of order N
    baseline : as for `maxrl_est.advantages`: None is ``"mean_loo"``
    log_ceiling : None where rewards are likelihoods; a number where they are log-likelihoods, which it bounds

    Raises
    ------
    TypeError, ValueError
        At once, for orders above N, for N = 1 (as torchrl does), for ``trajectory_return`` other than ``"sum"``, and
        for what keeps or drops trajectories by their returns (``keep_return_bounds``, ``candidate_...``): what is left
        is a biased sample. When a group is complete, for a likelihood outside [0, 1] or NaN, with the group's
        identifier and the trajectory's number in it.

    Nothing is gained by dropping groups of equal returns alone: ``"mean_loo"``, the default, and ``"pass_loo"`` have
    advantage 0 there, and with ``"one"`` order N would become exactly N - 1 on 0/1 rewards.

    Not with `RayMCAdvantage`, whose actor makes its own MCAdvantage. Not where groups stay incomplete over updates of
    the policy: MCAdvantage fills them up with trajectories of the next one, so clear its queues. Not with rewards that
    have a KL penalty in them. Likelihoods far below 1/N on every trajectory leave all weights near T.

    `GRPOLoss` with ``aggregation="none"``, summed by oneself over tokens, has the gradient of the advantages; its
    default ``"token_mean"`` divides by the tokens of the batch, ``"prompt_mean"`` each trajectory by its own.

    Source: MaxRL (arXiv 2602.02710), by U-statistics for graded rewards.
    """

    def __init__(
        self,
        grpo_size: int,
        *keys: Any,
        objective: ObjectiveLike = None,
        baseline: Baseline = None,
        log_ceiling: float | None = None,
        trajectory_return: str = "sum",
        **options: Any,
    ) -> None:
        for name in _SELECTIVE:
            if options.get(name) is not None:
                raise ValueError(
                    f"{name} must be None, since a choice of trajectories by their returns is a bias, "
                    f"got {options[name]!r}"
                )
        if trajectory_return != "sum":
            raise ValueError(
                f"trajectory_return must be 'sum', since that is the likelihood, got {trajectory_return!r}"
            )
        super().__init__(grpo_size, *keys, trajectory_return="sum", **options)
        self._objective, self._baseline, self._log_ceiling = objective, baseline, log_ceiling
        check_settings(objective, baseline, log_ceiling, grpo_size)

    def _advantages(self, scores: Array) -> Array:
        """Advantages (N,) of likelihoods or log-likelihoods (N,)."""
        return advantages_of_rewards(scores, self._objective, self._baseline, self._log_ceiling)

    def _trajectory_advantage(self, trajs: list[TensorDictBase]) -> TensorDictBase:
        """The N trajectories of a group, one after the other, with their advantages."""
        rewards = [traj.get(self.rewards_key) for traj in trajs]
        dtype = torch.promote_types(rewards[0].dtype, torch.float32)
        try:
            sums = torch.stack([reward.double().sum() for reward in rewards]).to(rewards[0].dtype)
            found = self._advantages(sums.to(dtype).cpu().numpy())
        except ValueError as error:
            group = trajs[0][0][self.prompt_key]
            shown = group.tolist() if isinstance(group, torch.Tensor) else group
            raise ValueError(f"{error} (group {shown!r})") from None
        self.selected_trajectories += len(trajs)
        for traj, reward, advantage in zip(trajs, rewards, found.tolist(), strict=True):
            traj.set(self.advantage_key, torch.full_like(reward, advantage, dtype=dtype))
        return self._cat_tensordicts(trajs, -1)


def as_estimator(transform: Callable[..., MCAdvantage] = MCAdvantage, **settings: Any) -> Estimator:
    """The advantages that `MCAdvantage`, or a class derived from it, writes, as a function ``(..., N) -> (..., N)``.

    For `maxrl_est.check_estimator` and `maxrl_est.effective_weight`. ``settings`` are those of the class, such as
    ``trajectory_return``; ``grpo_size`` is N unless it is among them, the same for all groups, so that there is no
    ``ragged``. Trajectories have one step, and those of all groups go in by turns. Those that are not written, because
    they or their group are dropped, have advantage 0: they add nothing to the gradient. That the mean is then over
    fewer is not judged. Rewards are float64, where collectors have float32.

    >>> import numpy as np
    >>> as_estimator(trajectory_return="sum")(np.array([1.0, 0.0, 0.0])).round(4)
    array([ 1.1547, -0.5774, -0.5774])
    """

    def call(groups: Array) -> Array:
        return written(transform, settings, groups)

    shown = "".join(f", {name}={value!r}" for name, value in settings.items())
    name = name_of(transform)
    return judged(call, f"torchrl.{name}({shown[2:]})", f"as_estimator({name}{shown})")
