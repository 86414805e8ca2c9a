"""TRL: a GRPO trainer with maximum-likelihood advantages, and judges for the advantages and steps that TRL ships."""

from __future__ import annotations

import functools
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from maxrl_est._arguments import finite, name_of
from maxrl_est._arguments.protocols import Array, Estimator
from maxrl_est.adapters._judged import judged
from maxrl_est.adapters._rewards import advantages_of_rewards, check_settings
from maxrl_est.adapters._trl_settings import check_gradient, check_model, check_ratios, warn_of_changes
from maxrl_est.adapters._trl_steps import as_step
from maxrl_est.adapters._trl_tiny import tiny_policy
from maxrl_est.estimates.baselines import Baseline
from maxrl_est.objectives import ObjectiveLike

__all__ = ["MaxRLTrainer", "as_estimator", "as_step"]


class MaxRLTrainer(GRPOTrainer):  # type: ignore[misc]
    """`trl.GRPOTrainer` whose advantages are those of `maxrl_est.advantages`: its rewards are likelihoods in [0, 1].

    Takes the arguments of GRPOTrainer and five more; N is ``args.num_generations``, in evaluation
    ``args.num_generations_eval``. The likelihood of a completion is the sum of its rewards times
    ``args.reward_weights``. That sum, not each reward, has to lie in [0, 1], and every reward function has to score
    every completion. ``scale_rewards`` and ``multi_objective_aggregation`` mean nothing here. TRL keeps rewards as
    float32, which has nothing between 0 and 1e-45, and their sum is rounded to that, so that 0.6 + 0.4 is 1. From there
    advantages are computed in float64 and rounded once. Logged advantages are these; logged rewards, ``reward_std`` and
    ``frac_reward_zero_std`` are TRL's.

    Parameters
    ----------
    args : None is ``GRPOConfig(loss_type="dr_grpo", max_grad_norm=0.0)``. With B rollouts a step, their advantages A_i
        and probabilities m_i, the step's gradient is ``-(1/B) sum_i A_i grad log m_i`` times

        - 1 for ``loss_type="luspo"``;
        - 1 / ``max_completion_length`` for ``"dr_grpo"``, a constant that the learning rate can take back;
        - for ``"dapo"``, ``"cispo"`` and ``"vespo"``, a factor that depends on how long the batch's completions are:
          that is a warning, since each step has the right direction, but their mean need not have it.

        Gradient accumulation and several processes change nothing in that. Clipping does: ``max_grad_norm``, 1 by
        default in GRPOConfig and off at 0, scales long steps down, and the mean of steps need not keep its direction.
    objective : an `Objective`, an int T for MaxRL of order T, or None for MaxRL of order N
    baseline : as for `maxrl_est.advantages`: None is ``"mean_loo"``, and in evaluation with groups of one ``"none"``
    log_ceiling : None where rewards are likelihoods; a number where they are log-likelihoods, whose weighted sum it
        bounds. -inf is then the likelihood 0, and means of rewards in TRL's logs are -inf, their deviations not finite.
    ratios : whether weights, too, have the ratio of each whole completion, of the policy to vLLM, that TRL has in front
        alone: `maxrl_est.advantages` with ``ratios``, in the place of TRL's factor. The mean is then ``w(p) grad p`` of
        the policy, at more noise. Not worth it where vLLM is close, and ratios are near 1
    control : its constant, as in `maxrl_est.advantages`; 1 leaves no weight of MaxRL with terms that cancel

    Raises
    ------
    TypeError, ValueError
        For settings that bend the gradient: loss types ``"grpo"`` and ``"sapo"`` (divide each rollout by its length)
        and ``"bnpo"`` (divides each micro-batch by its own tokens); a second use of rollouts (``num_iterations``,
        ``steps_per_generation`` that does not divide ``gradient_accumulation_steps``); masks of rollouts or tokens
        (``mask_truncated_completions``, ``off_policy_mask_threshold``, ``top_entropy_quantile``, with vLLM
        ``vllm_importance_sampling_mode="..._mask"``, the default);
        truncated sampling (``top_p``, ``top_k``, ``min_p``, ``repetition_penalty``, a regex for vLLM, or the model's
        ``generation_config``); ``generation_kwargs`` that are not known to change nothing. For orders above N. In
        training, for a likelihood outside [0, 1], NaN or None, with its prompt and completion in the batch, and for a
        completion of which tools or an ``env_mask`` leave no token. With ``ratios``, without vLLM or correction, for
        ``vllm_importance_sampling_clip_max`` (3 by default) or ``_min`` that are not None, and for ratios of tokens; in
        training, for a completion of which vLLM gave no log-probabilities, and for weights that are lost to ratios.

    Warns
    -----
    UserWarning
        For ``beta``, ``entropy_coef``, ``use_adaptive_entropy`` and, on by default for mixtures of experts,
        ``router_aux_loss_coef``, which add a term to the gradient; for ``max_grad_norm``, which clips it; for vLLM with
        ratios cut off, or without.

    **Masks and filters.** A rollout that is taken out of the loss and stays in its group leaves the mean
    ``w(p) grad E[l kept] - b grad P(kept)``, for a constant baseline b: ``mask_truncated_completions`` would with
    ``"one"`` train towards truncation. Such masks are refused; give truncated completions the likelihood 0 instead.
    Tokens of tools are none of the policy's, and change nothing. TRL drops no groups of equal rewards, and a sampler
    that does changes nothing for ``"mean_loo"``, the default, and ``"pass_loo"``, whose advantages are 0 there; with
    ``"one"``, order N becomes exactly N - 1 on 0/1 rewards, with ``"none"`` and ``"one_over_n"`` no known objective.
    With vLLM, whose pass rate be p', ratios of sequences that are not cut off give ``w(p') grad p`` in front, and
    ``w(p) grad p`` where ``ratios`` has them in the weights too; cut off, as by default at 3, no baseline is free, and
    ratios of tokens are a bias of their own. TRL leaves them whole with ``vllm_importance_sampling_clip_max=None`` and
    ``vllm_importance_sampling_mode="sequence_mask"``.

    Not for likelihoods far below 1/N on every completion of a prompt: all weights are then near T and the gradient is
    that of the expected likelihood. Not for models with dropout unless ``args.disable_dropout`` is set.

    Source: MaxRL (arXiv 2602.02710), by U-statistics for graded rewards.
    """

    _tag_names = ("trl", "maxrl")
    _name = "MaxRL"
    _paper = {"title": "Maximum Likelihood Reinforcement Learning", "id": "2602.02710"}  # noqa: RUF012  # TRL's type

    def __init__(
        self,
        model: Any,
        reward_funcs: Any = None,
        args: GRPOConfig | None = None,
        *others: Any,
        objective: ObjectiveLike = None,
        baseline: Baseline = None,
        log_ceiling: float | None = None,
        ratios: bool = False,
        control: float = 0.0,
        **options: Any,
    ) -> None:
        args = GRPOConfig(loss_type="dr_grpo", max_grad_norm=0.0) if args is None else args
        check_gradient(args)
        warn_of_changes(args)
        if ratios:
            check_ratios(args)
        if finite("control", control) and not ratios:
            raise TypeError(f"control must come with ratios, got {control!r} without")
        for name, size in (("", args.num_generations), ("_eval", args.num_generations_eval or args.num_generations)):
            try:
                check_settings(objective, baseline, log_ceiling, size)
            except ValueError as error:
                raise ValueError(f"{error} (args.num_generations{name} = {size})") from None
        super().__init__(model, reward_funcs, args, *others, **options)
        self._settings, self._ratios, self._control = (objective, baseline, log_ceiling), ratios, control
        if not args.use_vllm:
            check_model(self.model.generation_config, self.generation_config)
        if self.aux_loss_enabled:
            warnings.warn(
                f"args.router_aux_loss_coef = {args.router_aux_loss_coef!r} stands for {self.router_aux_loss_coef} "
                "with this model and adds a term to the gradient of the objective; 0.0 does not",
                stacklevel=2,
            )

    def _calculate_rewards(self, *rollouts: Any) -> Any:
        """Rewards (B N, functions) of all processes, as TRL wants them; the advantages (B N,) are made here."""
        rewards = super()._calculate_rewards(*rollouts)
        weights = torch.tensor(self.args.reward_weights or [1.0] * rewards.shape[1], dtype=torch.float64)
        scores = (rewards.cpu().double() @ weights).float().numpy()  # no digits that rewards lack: 0.6 + 0.4 is 1
        size = self.num_generations if self.model.training else self.num_generations_eval
        self._scores = scores.reshape(-1, size)
        try:
            self._advantages = advantages_of_rewards(self._scores, *self._settings).ravel()
        except ValueError as error:
            raise ValueError(
                f"{error}; [prompt, completion] are those of this batch, numbers are weighted sums of rewards, and TRL "
                "makes nan of None"
            ) from None
        return rewards

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        """TRL's batch of this process, with its share of the advantages; all of them in the log."""
        batch = super()._generate_and_score_completions(inputs)
        if self.model.training:
            _need_tokens(batch)
        if self._ratios:
            rho = self.accelerator.gather(_ratios(batch)).cpu().numpy().reshape(self._scores.shape)
            found = advantages_of_rewards(self._scores, *self._settings, ratios=rho, control=self._control)
            self._advantages = found.ravel()
            batch["importance_sampling_ratio"] = torch.ones_like(batch["importance_sampling_ratio"])  # not twice
        shipped, logged = batch["advantages"], self._logs["advantages"]
        first = self.accelerator.process_index * len(shipped)
        batch["advantages"] = shipped.new_tensor(self._advantages[first : first + len(shipped)])
        for _ in range(min(len(logged), self._advantages.size)):  # a deque that may hold fewer than were added
            logged.pop()
        logged.extend(self._advantages.tolist())
        return batch


def _mask(batch: Any) -> torch.Tensor:
    """Which tokens (B N, L) are the policy's."""
    mask: torch.Tensor = (batch["completion_mask"] * batch.get("tool_mask", 1)).bool()
    return mask


def _ratios(batch: Any) -> torch.Tensor:
    """Of whole completions (B N,), of the policy to what drew them: NaN where a log-probability is not known."""
    logs = batch["old_per_token_logps"].double() - batch["sampling_per_token_logps"].double()
    return torch.where(_mask(batch), logs, 0.0).sum(dim=-1).exp()


def _need_tokens(batch: Any) -> None:
    """ValueError for a completion without a token in the loss, which would count in its group all the same."""
    for row in (~_mask(batch).any(dim=-1)).nonzero().ravel().tolist():
        raise ValueError(
            f"completion_mask[{row}] must have a token that is the policy's, since the completion would count in its "
            "group without a gradient, got none"
        )


def as_estimator(trainer: Callable[..., Any], config: Callable[..., Any], **settings: Any) -> Estimator:
    """The advantages that a trainer of TRL computes from rewards, as a function ``(..., N) -> (..., N)`` to be judged.

    For `maxrl_est.check_estimator` and `maxrl_est.effective_weight`. ``trainer`` is GRPOTrainer, RLOOTrainer or a
    class of one's own derived from them, ``config`` the class of its arguments, and ``settings`` those that matter
    for advantages, such as ``scale_rewards``. Nothing is copied or replaced: for each N a trainer is built around a
    network of a few parameters, generates up to three tokens a rollout, the same in every call of a shape, for as many
    prompts as there are groups, no two the same, and is given the likelihoods by its reward function. TRL's groups are
    neighbours, all of N = ``num_generations``: there is no ``ragged``.

    Rewards and advantages are float32: expect 1e-7 of the largest number in a group. All groups of a call are one
    batch of the trainer, so what is normalised over the batch depends on it. N = 1 is refused, as TRL does. Not in a
    process that trains: trainers share the state of accelerate, and TRL seeds Python's, NumPy's and torch's generators.

    >>> from trl import RLOOConfig, RLOOTrainer
    >>> as_estimator(RLOOTrainer, RLOOConfig)(np.array([1.0, 0.0, 0.0]))
    array([ 1. , -0.5, -0.5], dtype=float32)
    """

    @functools.cache
    def of_size(size: int) -> tuple[Any, list[float]]:
        rewards: list[float] = []
        with tempfile.TemporaryDirectory() as folder:  # TRL insists on one, and writes to it only in training
            args = config(
                output_dir=folder,
                report_to="none",
                bf16=False,
                beta=0.0,
                max_grad_norm=0.0,
                max_completion_length=3,
                num_generations=size,
                per_device_train_batch_size=size,
                **settings,
            )
            prompts = Dataset.from_list([{"prompt": "a"}])
            policy, tokenizer = tiny_policy()
            return trainer(policy, lambda **_: rewards, args, prompts, processing_class=tokenizer), rewards

    def call(groups: Array) -> Array:
        shipped, rewards = of_size(groups.shape[-1])
        Accelerator()  # trainers share its state, and whoever builds the next one resets it
        rewards[:] = groups.astype(np.float32).ravel().tolist()
        shipped.model.train()
        prompts = [{"prompt": f"prompt {row // groups.shape[-1]}"} for row in range(len(rewards))]
        with torch.random.fork_rng():
            torch.manual_seed(0)
            batch = shipped._generate_and_score_completions(prompts)
        got: Array = batch["advantages"].cpu().numpy().reshape(groups.shape)
        return got

    shown = ", ".join(f"{name}={value}" for name, value in settings.items())
    typed = "".join(f", {name}={value!r}" for name, value in settings.items())
    kind = name_of(trainer).removesuffix("Trainer").lower()
    return judged(call, f"trl.{kind}({shown})", f"as_estimator({name_of(trainer)}, {name_of(config)}{typed})")
