"""TRL's training steps: its trainer scores the rollouts that it is given, and takes its step on log-probabilities.

The trainer is TRL's, built once for each shape of batches around a model of a few parameters, which is never run: what
it would generate and the log-probabilities that it would compute are put in their place. All the rest is called as
training calls it: ``_generate_and_score_completions``, the split into micro-batches, ``training_step``.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import is_initialized
from datasets import Dataset
from transformers.utils import logging as transformers_logging
from trl import GRPOTrainer
from trl.trainer.utils import split_tensor_dict

from maxrl_est._arguments import name_of
from maxrl_est._arguments.protocols import Array
from maxrl_est.adapters._stepped import OF_POLICIES, coefficients, digest, rows_of, stepped
from maxrl_est.adapters._torch_steps import tensors_of
from maxrl_est.adapters._trl_tiny import END, WORD, tiny_policy
from maxrl_est.steps import Batch, Step

_KEPT = 1 << 14  # batches whose scores are kept, since each of their micro-batches needs them
_OF_BATCHES = (  # settings that the batch decides
    "output_dir",
    "num_generations",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "steps_per_generation",
    "generation_batch_size",
)
_NEUTRAL: dict[str, tuple[Any, str]] = {  # settings of what a batch has nothing of
    "use_vllm": (False, "rollouts are given"),
    "entropy_coef": (0.0, "a batch has no entropies"),
    "use_adaptive_entropy": (False, "a batch has no entropies"),
    "top_entropy_quantile": (1.0, "a batch has no entropies"),
}


def as_step(trainer: Callable[..., Any], config: Callable[..., Any], **settings: Any) -> Step:
    """The training step of a trainer of TRL, for `maxrl_est.steps.exact_step`: loss and advantages are TRL's own.

    ``trainer`` is GRPOTrainer, RLOOTrainer or a class derived from them, ``config`` the class of its arguments, and
    ``settings`` those of the step: ``loss_type``, ``epsilon``, ``beta``, ``scale_rewards``, ``num_iterations``,
    ``importance_sampling_level``, ``mask_truncated_completions`` and so on. TRL's own code scores a batch, splits it,
    and takes ``training_step``; the coefficient of a token is minus the derivative of the loss by its log-probability.

    Each row (N,) of a batch is a prompt, ``num_generations`` is N and ``gradient_accumulation_steps`` is
    ``batch.parts``: advantages, and tokens where a loss divides by them, are those of the whole step, and micro-batches
    add up. TRL shuffles rollouts before it splits them, and here micro-batches are of whole prompts; of TRL's loss
    types only ``"bnpo"`` differs by that.

    A rollout that has ``max_completion_length`` tokens, TRL's default unless it is among the settings, is truncated,
    and a shorter one has ended: what masks of truncated rollouts do is seen where that is L. Ratios count where TRL
    keeps the log-probabilities that rollouts had: always in RLOOTrainer, and in GRPOTrainer where ``num_iterations`` is
    above 1. Elsewhere it takes rollouts for the policy's own, whoever drew them. The reference counts where ``beta`` is
    not 0.

    TRL rounds rewards and advantages to float32: expect 1e-7. N = 1 is refused, as TRL does. Not in a process that
    trains: trainers share the state of accelerate, and TRL seeds Python's, NumPy's and torch's generators. Not for what
    happens after the loss: ``max_grad_norm`` and the optimizer see the sum over tokens.

    Raises
    ------
    ValueError
        For settings that the batch decides, that need entropies, or vLLM; when called, for responses longer than
        ``max_completion_length``.

    >>> from trl import GRPOConfig, GRPOTrainer
    >>> from maxrl_est.steps import Batch
    >>> luspo = as_step(GRPOTrainer, GRPOConfig, loss_type="luspo", scale_rewards="none")
    >>> luspo(Batch.of([[1, 0]], [[[1, 1, 0], [1, 0, 0]]])).tolist()
    [[[0.25, 0.25, 0.0], [-0.25, 0.0, 0.0]]]
    """
    for name, value in settings.items():
        if name in _OF_BATCHES:
            raise ValueError(f"{name} must be left out, since batches decide it, got {value!r}")
        neutral, reason = _NEUTRAL.get(name, (value, ""))
        if value != neutral:
            raise ValueError(f"{name} must be {neutral!r}, since {reason}, got {value!r}")

    @functools.cache
    def of_shape(prompts: int, size: int, longest: int, parts: int) -> _Shipped:
        return _shipped(trainer, config, settings, prompts, size, longest, parts)

    def call(batch: Batch) -> Array:
        return of_shape(*batch.whole.mask.shape, batch.parts)(batch)

    shown = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    kind = name_of(trainer).removesuffix("Trainer").lower()
    typed = f"as_step({name_of(trainer)}, {name_of(config)}{shown and ', '}{shown})"
    return stepped(call, f"trl.{kind}({shown})", typed, adds=True, constant=True)


@dataclass(slots=True)
class _Shipped:
    """A trainer for batches of one shape, and what it is given in place of a model's work."""

    trainer: Any
    parts: int
    rewards: list[float]  # (B N,) of its next generation
    completions: list[list[int]]
    policy: torch.Tensor | None = None  # (R, L) log-probabilities of its next micro-batch
    others: dict[str, torch.Tensor] = field(default_factory=dict)  # (R, L) of the old policy and of the reference
    asked: set[str] = field(default_factory=set)  # which of these a generation has asked for
    names: dict[str, str] | None = None  # of these in TRL's batch; None where it makes something else of them
    scored: dict[bytes, Any] = field(default_factory=dict)

    def __call__(self, batch: Batch) -> Array:
        """Coefficients (B, N, L) of a batch, or of a micro-batch."""
        rows = rows_of(batch)
        _share_state()
        logs, tensors = tensors_of(batch)
        inputs = split_tensor_dict(self._scored(batch.whole), self.parts)[rows.start // len(batch.rewards)]
        width = inputs["completion_ids"].shape[1]
        self.policy = logs.flatten(0, 1)
        given = {"old": tensors.old_log_probs, "reference": tensors.ref_log_probs}
        inputs |= {name: given[other].flatten(0, 1)[:, :width] for name, other in (self.names or {}).items()}
        loss = self.trainer.training_step(self.trainer.model, inputs, None)  # no labels, no number of items
        self.trainer._metrics["train"].clear()
        assert logs.grad is not None
        return coefficients(logs.grad.numpy(), float(loss), batch)

    def _scored(self, whole: Batch) -> dict[str, Any]:
        """TRL's batch of the whole step, with its advantages."""
        key = digest(whole, *(() if self.names is not None else OF_POLICIES))
        if key not in self.scored:
            if len(self.scored) >= _KEPT:
                self.scored.clear()
            self.scored[key] = self.score(whole)
        found: dict[str, Any] = self.scored[key]
        return found

    def score(self, whole: Batch) -> dict[str, Any]:
        """The same, made anew."""
        tensors = tensors_of(whole)[1]
        self.others = {
            "old": tensors.old_log_probs.flatten(0, 1),
            "reference": tensors.ref_log_probs.flatten(0, 1),
        }
        longest = self.trainer.max_completion_length
        lengths = whole.lengths.ravel().tolist()
        self.completions[:] = [[WORD] * (n - 1) + [END if n < longest else WORD] for n in lengths]
        self.rewards[:] = whole.rewards.ravel().tolist()
        prompts = [{"prompt": f"prompt {row // whole.rewards.shape[1]}"} for row in range(len(lengths))]
        made: dict[str, Any] = self.trainer._generate_and_score_completions(prompts)
        return made

    def log_probs(self, model: Any, ids: Any, mask: Any, width: int, *_: Any, **__: Any) -> tuple[Any, Any, None]:
        """What the trainer asks of its model: the policy in training, else the old one or the reference."""
        if torch.is_grad_enabled():
            assert self.policy is not None
            found = self.policy[:, :width]
        else:
            name = "reference" if model is self.trainer.ref_model else "old"
            found = self.others[name] = self.others[name][:, :width]  # the very tensor that TRL may keep
            self.asked.add(name)
        return found, torch.zeros_like(found), None


def _shipped(
    trainer: Callable[..., Any],
    config: Callable[..., Any],
    settings: Mapping[str, Any],
    prompts: int,
    size: int,
    longest: int,
    parts: int,
) -> _Shipped:
    rewards: list[float] = []
    policy, tokenizer = tiny_policy(3)
    with _silent(), tempfile.TemporaryDirectory() as folder:  # TRL insists on one, and writes to it only in training
        common = {"report_to": "none", "bf16": False, "use_cpu": True}
        args = config(
            **{**common, **settings},
            output_dir=folder,
            num_generations=size,
            per_device_train_batch_size=prompts * size // parts,
            gradient_accumulation_steps=parts,
        )
        limit = args.max_completion_length
        if limit < longest:
            raise ValueError(f"max_completion_length must be at least the batch's L = {longest}, got {limit}")
        if args.beta:
            policy.save_pretrained(folder)  # TRL loads its reference from there
            policy.config.name_or_path = folder
        dataset = Dataset.from_list([{"prompt": "c"}])
        built = trainer(policy, lambda **_: rewards, args, dataset, processing_class=tokenizer)
    completions: list[list[int]] = []
    found = _Shipped(built, parts, rewards, completions)
    has_tokens_alone = not isinstance(built, GRPOTrainer)  # RLOOTrainer returns no log-probabilities with them
    built._tokenize_prompts = lambda texts: ([[WORD]] * len(texts), None, {})
    built._generate_single_turn = lambda *_, **__: completions if has_tokens_alone else (completions, None)
    built._get_per_token_logps_and_entropies = found.log_probs
    built._prepare_inputs = lambda inputs: inputs  # has been generated and split
    built.current_gradient_accumulation_steps = parts
    built.model.train()
    _share_state()
    made = found.score(Batch.of(np.zeros((prompts, size)), np.ones((prompts, size, longest))))
    names = {name: other for name, value in made.items() for other in found.asked if value is found.others[other]}
    found.names = names if set(names.values()) == found.asked else None
    return found


def _share_state() -> None:
    """Trainers share the state of accelerate, and whoever builds the next one resets it."""
    if not is_initialized():
        Accelerator()


@contextmanager
def _silent() -> Iterator[None]:
    """Without the bars that transformers draws where it saves and loads."""
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()
