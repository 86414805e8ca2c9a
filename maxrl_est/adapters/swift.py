"""ms-swift: a GRPO trainer with maximum-likelihood advantages, and a judge for the function that ms-swift ships."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import torch
from swift.rl_core.advantage import compute_advantages
from swift.rlhf_trainers import GRPOTrainer
from swift.trainers import TrainerFactory

from maxrl_est._arguments import closest
from maxrl_est._arguments.protocols import Array, Estimator
from maxrl_est.adapters._judged import judged
from maxrl_est.adapters._rewards import advantages_of_rewards, check_settings
from maxrl_est.estimates.baselines import Baseline
from maxrl_est.objectives import ObjectiveLike

_SAMPLES = "truncates or reweights the policy that draws completions, while the policy's probability is differentiated"
_NEUTRAL: dict[str, tuple[tuple[Any, ...], str]] = {  # the values that leave the gradient alone, and what others do
    "loss_type": (("dr_grpo",), "divides by lengths, of rollouts or of a batch's"),
    "num_iterations": ((1,), "uses rollouts again after the policy has moved on from them"),
    "async_generate": ((False,), "uses rollouts of an earlier policy"),
    "kl_in_reward": ((False, None), "takes rewards out of [0, 1]"),
    "advantage_reweight": ((None,), "weights the tokens of a rollout"),
    "overlong_filter": ((False,), "takes truncated rollouts out of the loss but not out of their groups"),
    "top_entropy_quantile": ((1.0,), "leaves tokens out of the scores"),
    "off_policy_sequence_mask_delta": ((None,), "leaves rollouts out of the loss, but not out of their groups"),
    "top_p": ((1.0,), _SAMPLES),
    "top_k": ((-1, 0, None), _SAMPLES),
    "repetition_penalty": ((1.0,), _SAMPLES),
}


class MaxRLTrainer(GRPOTrainer):  # type: ignore[misc]
    """ms-swift's GRPOTrainer whose advantages are those of `maxrl_est.advantages`: its rewards are likelihoods.

    For ``swift rlhf --rlhf_type grpo``, by a file for ``--external_plugins`` that has two lines::

        from maxrl_est.adapters.swift import register
        register()

    The likelihood of a completion is the sum of its rewards times ``--reward_weights``, rounded to float32; that sum,
    not each reward, has to lie in [0, 1], and every reward function has to score every completion. N is
    ``--num_generations``. ``--advantage_estimator`` and ``--scale_rewards`` mean nothing here, but that any but
    ``grpo`` puts a KL penalty into the rewards unless ``--kl_in_reward false``. Advantages are computed in float64, and
    logged; logged rewards and their deviations are ms-swift's.

    ``--loss_type dr_grpo`` is needed, and is not the default: the step's gradient is then that of the advantages up to
    the constant ``--max_completion_length``, with any gradient accumulation. Clipping at ``--max_grad_norm``, 1 by
    default, scales long steps down, and ``--beta`` adds a KL term, of which ms-swift cuts off what is above 10 a token.

    Raises
    ------
    ValueError
        For settings that bend the gradient: other loss types (``grpo`` divides each rollout by its length, ``bnpo``
        each micro-batch by its tokens, ``dapo``, ``cispo`` and ``fipo`` a step by its tokens, ``sapo`` and ``real``
        are other losses), a second use of rollouts or a late one (``--num_iterations``, ``--steps_per_generation``,
        ``--async_generate``), ``--kl_in_reward true``, ``--overlong_filter true`` and other masks,
        ``--rollout_importance_sampling_mode`` that masks, ``--top_p``, ``--top_k`` and ``--repetition_penalty``.
        For orders above N. In training, for a likelihood outside [0, 1] or NaN, which ms-swift makes of None, and for
        conversations that split into several rollouts.

    ``--dynamic_sample true`` puts other prompts in the place of groups of equal rewards, to which ``"mean_loo"``, the
    default, and ``"pass_loo"`` give advantage 0: that is one factor for all prompts of a step. A teacher adds its own
    term to advantages. Likelihoods far below 1/N on every completion leave all weights near T. Not for Megatron's or
    Ray's trainer, which have no such table of classes.

    Source: MaxRL (arXiv 2602.02710), by U-statistics for graded rewards.
    """

    objective: ClassVar[ObjectiveLike] = None
    baseline: ClassVar[Baseline] = None
    log_ceiling: ClassVar[float | None] = None

    def __init__(self, *models: Any, args: Any, **options: Any) -> None:
        for name, (neutral, effect) in _NEUTRAL.items():
            value = getattr(args, name)
            if value not in neutral:
                raise ValueError(f"args.{name} must be {neutral[0]!r}, since another value {effect}, got {value!r}")
        mode = args.rollout_importance_sampling_mode
        if mode is not None and "mask" in mode:
            raise ValueError(
                "args.rollout_importance_sampling_mode must be one that truncates, since masks leave what they mask "
                f"out of the loss, but not out of its group, got {mode!r}"
            )
        every, steps = args.steps_per_generation, args.gradient_accumulation_steps
        if steps % every:
            raise ValueError(
                f"args.steps_per_generation must divide gradient_accumulation_steps = {steps}, since otherwise "
                f"rollouts are used after the policy has moved on from them, got {every}"
            )
        for size in {args.num_generations, args.num_generations_eval or args.num_generations}:
            check_settings(self.objective, self.baseline, self.log_ceiling, size)
        super().__init__(*models, args=args, **options)

    def _compute_advantages(self, samples: Any, rewards_per_func: torch.Tensor, encoded: Any) -> torch.Tensor:
        """Advantages (B N,) of the rewards (B N, functions) of all processes; ms-swift's own are for its logs alone."""
        super()._compute_advantages(samples, rewards_per_func, encoded)
        if self.dynamic_num_samples:
            raise ValueError(
                "samples must be num_generations for each prompt, got conversations that split into several"
            )
        size = self.num_generations if self.model.training else self.num_generations_eval
        weights = self.reward_weights.cpu().double()
        likelihoods = (rewards_per_func.cpu().double() @ weights).float().numpy()  # no digits that rewards lack
        found = advantages_of_rewards(likelihoods.reshape(-1, size), self.objective, self.baseline, self.log_ceiling)
        return torch.from_numpy(found.ravel()).to(rewards_per_func)


def register(objective: ObjectiveLike = None, *, baseline: Baseline = None, log_ceiling: float | None = None) -> None:
    """Make `MaxRLTrainer` of these parameters the trainer of ``--rlhf_type grpo``, in this process.

    Parameters
    ----------
    objective : an `Objective`, an int T for MaxRL of order T, or None for MaxRL of order N
    baseline : as for `maxrl_est.advantages`: None is ``"mean_loo"``
    log_ceiling : None where rewards are likelihoods; a number where they are log-likelihoods, which it bounds

    >>> register(4)
    """
    MaxRLTrainer.objective, MaxRLTrainer.baseline, MaxRLTrainer.log_ceiling = objective, baseline, log_ceiling
    TrainerFactory.TRAINER_MAPPING["grpo"] = f"{__name__}.{MaxRLTrainer.__name__}"


def as_estimator(**settings: Any) -> Estimator:
    """The advantages of ms-swift's pure ``compute_advantages`` as a function ``(..., N) -> (..., N)`` to be judged.

    For `maxrl_est.check_estimator` and `maxrl_est.effective_weight`. ``settings`` are its options, such as
    ``advantage_estimator`` and ``scale_rewards``; there is one reward function, of weight 1. All groups are one batch,
    one after the other, with rewards in float64, where trainers have float32. There is no ``ragged``, since N is one
    for all. TypeError for an option that the function does not take.

    >>> import numpy as np
    >>> as_estimator(advantage_estimator="rloo", scale_rewards="none")(np.array([1.0, 0.0, 0.0]))
    array([ 1. , -0.5, -0.5])
    """
    known = inspect.signature(compute_advantages).parameters
    for name in settings:
        if name not in known:
            raise TypeError(
                f"compute_advantages of ms-swift takes no option {name!r}; {closest(name, known)}".rstrip("; ")
            )

    def call(groups: Array) -> Array:
        rewards = torch.from_numpy(groups.reshape(-1, 1))
        weights = torch.ones(1, dtype=rewards.dtype)
        found: Array = compute_advantages(rewards, weights, groups.shape[-1], **settings)[0].numpy()
        return found.reshape(groups.shape)

    shown = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    return judged(call, f"swift.compute_advantages({shown})", f"as_estimator({shown})")
