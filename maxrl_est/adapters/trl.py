"""TRL: a GRPO trainer with maximum-likelihood advantages, and a judge for the advantages that TRL ships itself."""

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
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer

from maxrl_est._arguments import name_of
from maxrl_est._typing import Array, Estimator
from maxrl_est.adapters._judged import judged
from maxrl_est.adapters._rewards import advantages_of_rewards, check_settings
from maxrl_est.estimates.baselines import Baseline
from maxrl_est.objectives import ObjectiveLike

EXACT = ("dr_grpo", "luspo")  # loss types whose gradient is that of the advantages, up to a constant
SCALED = ("dapo", "cispo", "vespo")  # up to a factor that each generation batch has of its own

_SAMPLES = "draws completions from another policy than the one whose log-probability is differentiated"
_TRUNCATING: dict[str, tuple[Any, ...]] = {  # neutral values of args; None for them is the model's or top_k = 50
    "top_p": (1.0,),
    "top_k": (0,),
    "min_p": (0.0, None),
    "repetition_penalty": (1.0,),
}
_ELSEWHERE: dict[str, tuple[Any, ...]] = {  # what args lack, and the model has where generation_kwargs do not say
    **dict.fromkeys(("typical_p", "encoder_repetition_penalty", "guidance_scale"), (1.0, None)),
    **dict.fromkeys(("epsilon_cutoff", "eta_cutoff"), (0.0, None)),
    **dict.fromkeys(
        ("no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "min_length", "min_new_tokens"), (0, None)
    ),
    **dict.fromkeys(("suppress_tokens", "begin_suppress_tokens", "bad_words_ids", "sequence_bias"), (None,)),
    **dict.fromkeys(("forced_bos_token_id", "forced_eos_token_id", "exponential_decay_length_penalty"), (None,)),
    **dict.fromkeys(("top_h", "watermarking_config"), (None,)),
    "num_beams": (1, None),
}
_NEUTRAL: dict[str, tuple[tuple[Any, ...], str]] = {  # the values that leave the gradient alone, and what others do
    "num_iterations": ((1,), "uses rollouts again after the policy has moved on from them"),
    "mask_truncated_completions": ((False,), "takes truncated rollouts out of the loss but not out of their groups"),
    "top_entropy_quantile": ((1.0,), "leaves tokens out of the scores"),
    "off_policy_mask_threshold": ((None,), "leaves rollouts out of the loss, but not out of their groups"),
    "vllm_structured_outputs_regex": ((None,), _SAMPLES),
    **{name: (neutral, _SAMPLES) for name, neutral in _TRUNCATING.items()},
}
_ADDED = {"beta": 0.0, "entropy_coef": 0.0, "use_adaptive_entropy": False}


class MaxRLTrainer(GRPOTrainer):  # type: ignore[misc]
    """`trl.GRPOTrainer` whose advantages are those of `maxrl_est.advantages`: its rewards are likelihoods in [0, 1].

    Takes the arguments of GRPOTrainer and three more; N is ``args.num_generations``, in evaluation
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

    Raises
    ------
    TypeError, ValueError
        For settings that bend the gradient: loss types ``"grpo"`` and ``"sapo"`` (divide each rollout by its length)
        and ``"bnpo"`` (divides each micro-batch by its own tokens); a second use of rollouts (``num_iterations``,
        ``steps_per_generation`` that does not divide ``gradient_accumulation_steps``); masks of rollouts or tokens;
        truncated sampling (``top_p``, ``top_k``, ``min_p``, ``repetition_penalty``, a regex for vLLM, or the model's
        ``generation_config``); ``generation_kwargs`` that are not known to change nothing. For orders above N. In
        training, for a likelihood outside [0, 1], NaN or None, with its prompt and completion in the batch.

    Warns
    -----
    UserWarning
        For ``beta``, ``entropy_coef``, ``use_adaptive_entropy`` and, on by default for mixtures of experts,
        ``router_aux_loss_coef``, which add a term to the gradient; for ``max_grad_norm``, which clips it.

    Not for likelihoods far below 1/N on every completion of a prompt: all weights are then near T and the gradient is
    that of the expected likelihood. Not for models with dropout unless ``args.disable_dropout`` is set. With vLLM, TRL
    corrects for the difference between the two engines by ratios that it clips; what that does is not measured here.

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
        **options: Any,
    ) -> None:
        args = GRPOConfig(loss_type="dr_grpo", max_grad_norm=0.0) if args is None else args
        _check_gradient(args)
        _warn_of_changes(args)
        for name, size in (("", args.num_generations), ("_eval", args.num_generations_eval or args.num_generations)):
            try:
                check_settings(objective, baseline, log_ceiling, size)
            except ValueError as error:
                raise ValueError(f"{error} (args.num_generations{name} = {size})") from None
        super().__init__(model, reward_funcs, args, *others, **options)
        self._objective, self._baseline, self._log_ceiling = objective, baseline, log_ceiling
        if not args.use_vllm:
            _check_model(self.model.generation_config, self.generation_config)
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
        groups = scores.reshape(-1, self.num_generations if self.model.training else self.num_generations_eval)
        try:
            found = advantages_of_rewards(groups, self._objective, self._baseline, self._log_ceiling)
        except ValueError as error:
            raise ValueError(
                f"{error}; [prompt, completion] are those of this batch, numbers are weighted sums of rewards, and TRL "
                "makes nan of None"
            ) from None
        self._advantages = found.ravel()
        return rewards

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        """TRL's batch of this process, with its share of the advantages; all of them in the log."""
        batch = super()._generate_and_score_completions(inputs)
        shipped, logged = batch["advantages"], self._logs["advantages"]
        first = self.accelerator.process_index * len(shipped)
        batch["advantages"] = shipped.new_tensor(self._advantages[first : first + len(shipped)])
        for _ in range(min(len(logged), self._advantages.size)):  # a deque that may hold fewer than were added
            logged.pop()
        logged.extend(self._advantages.tolist())
        return batch


def _check_gradient(args: GRPOConfig) -> None:
    """Refuse what bends the gradient of a step away from the sum of advantages times scores."""
    if args.loss_type not in EXACT + SCALED:
        raise ValueError(
            f"args.loss_type must be one of {', '.join(EXACT)}, which keep the gradient, or {', '.join(SCALED)}, which "
            f"keep its direction, got {args.loss_type!r}"
        )
    for name, (neutral, effect) in _NEUTRAL.items():
        value = getattr(args, name)
        if value not in neutral:
            raise ValueError(f"args.{name} must be {neutral[0]!r}, since another value {effect}, got {value!r}")
    _check_generation(args)
    every, steps = args.steps_per_generation, args.gradient_accumulation_steps
    if steps % every:
        raise ValueError(
            f"args.steps_per_generation must divide gradient_accumulation_steps = {steps}, since otherwise rollouts "
            f"are used after the policy has moved on from them, got {every}"
        )
    if args.loss_type in SCALED and steps != every:
        raise ValueError(
            f"args.steps_per_generation must be gradient_accumulation_steps = {steps}, since loss_type "
            f"{args.loss_type!r} scales each generation batch by its own tokens, got {every}"
        )


def _check_generation(args: GRPOConfig) -> None:
    """Refuse generation_kwargs that are not known to leave alone what args say of sampling."""
    length = (args.max_completion_length,)
    same = {"temperature": (args.temperature,), "max_new_tokens": length, "max_tokens": length}
    known = {**_TRUNCATING, **_ELSEWHERE, **same, "do_sample": (True,), "use_cache": (True, False)}
    for name, value in (args.generation_kwargs or {}).items():
        if name not in known:
            raise ValueError(
                f"args.generation_kwargs[{name!r}] must be left out, since it is not known to leave the policy that "
                f"draws completions as it is, got {value!r}"
            )
        if value not in known[name]:
            neutral = known[name][0]
            raise ValueError(
                f"args.generation_kwargs[{name!r}] must be {neutral!r}, since another value {_SAMPLES}, got {value!r}"
            )


def _check_model(shipped: GenerationConfig, given: GenerationConfig) -> None:
    """Refuse truncated sampling that the model ships and that the trainer's own settings leave in place."""
    for name, neutral in {**_ELSEWHERE, "min_p": _TRUNCATING["min_p"]}.items():
        value = getattr(shipped, name, None)
        if value not in neutral and getattr(given, name, None) is None:
            raise ValueError(
                f"model.generation_config.{name} must be {neutral[0]!r}, since another value {_SAMPLES}, got {value!r}"
            )


def _warn_of_changes(args: GRPOConfig) -> None:
    """Warn of what leaves the direction of the advantages' gradient, but not its scale, or adds to it."""
    if args.loss_type in SCALED:
        warnings.warn(
            f"args.loss_type = {args.loss_type!r} scales each step by the tokens of its completions; "
            f"{' and '.join(EXACT)} do not",
            stacklevel=3,
        )
    for name, neutral in _ADDED.items():
        if getattr(args, name) != neutral:
            warnings.warn(
                f"args.{name} = {getattr(args, name)!r} adds a term to the gradient of the objective", stacklevel=3
            )
    if args.max_grad_norm:
        warnings.warn(
            f"args.max_grad_norm = {args.max_grad_norm!r} scales each longer gradient down; 0.0 does not",
            stacklevel=3,
        )


def as_estimator(trainer: Callable[..., Any], config: Callable[..., Any], **settings: Any) -> Estimator:
    """The advantages that a trainer of TRL computes from rewards, as a function ``(..., N) -> (..., N)`` to be judged.

    For `maxrl_est.check_estimator` and `maxrl_est.effective_weight`. ``trainer`` is GRPOTrainer, RLOOTrainer or a
    class of one's own derived from them, ``config`` the class of its arguments, and ``settings`` those that matter
    for advantages, such as ``scale_rewards``. Nothing is copied or replaced: for each N a trainer is built around a
    network of a few parameters, generates one token a rollout, and is given the likelihoods by its reward function.

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
                max_completion_length=1,
                num_generations=size,
                per_device_train_batch_size=size,
                **settings,
            )
            prompts = Dataset.from_list([{"prompt": "a"}])
            policy, tokenizer = _tiny_policy()
            return trainer(policy, lambda **_: rewards, args, prompts, processing_class=tokenizer), rewards

    def call(groups: Array) -> Array:
        shipped, rewards = of_size(groups.shape[-1])
        Accelerator()  # trainers share its state, and whoever builds the next one resets it
        rewards[:] = groups.astype(np.float32).ravel().tolist()
        shipped.model.train()
        batch = shipped._generate_and_score_completions([{"prompt": "a"}] * len(rewards))
        got: Array = batch["advantages"].cpu().numpy().reshape(groups.shape)
        return got

    shown = ", ".join(f"{name}={value}" for name, value in settings.items())
    typed = "".join(f", {name}={value!r}" for name, value in settings.items())
    kind = name_of(trainer).removesuffix("Trainer").lower()
    return judged(call, f"trl.{kind}({shown})", f"as_estimator({name_of(trainer)}, {name_of(config)}{typed})")


def _tiny_policy() -> tuple[Any, Any]:
    """A random language model of two words, and its tokenizer."""
    words = Tokenizer(WordLevel({"a": 0, "b": 1}, unk_token="a"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="a", eos_token="b")
    shape = GPT2Config(vocab_size=2, n_positions=2, n_embd=2, n_layer=1, n_head=1, bos_token_id=0, eos_token_id=1)
    return GPT2LMHeadModel(shape), tokenizer
