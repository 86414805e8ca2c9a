"""TRL: a GRPO trainer with maximum-likelihood advantages, and a judge for the advantages that TRL ships itself."""

from __future__ import annotations

import functools
import math
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from accelerate import Accelerator
from datasets import Dataset
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer

from maxrl_est._groups import as_groups
from maxrl_est._typing import Array, Estimator
from maxrl_est.estimators.baselines import advantages
from maxrl_est.ustatistics import ObjectiveLike

EXACT = ("dr_grpo", "luspo")  # loss types whose gradient is that of the advantages, up to a constant
SCALED = ("dapo", "cispo", "vespo")  # up to a factor that each generation batch has of its own

_SAMPLES = "draws completions from another policy than the one whose log-probability is differentiated"
_NEUTRAL: dict[str, tuple[tuple[Any, ...], str]] = {  # the values that leave the gradient alone, and what others do
    "num_iterations": ((1,), "uses rollouts again after the policy has moved on from them"),
    "mask_truncated_completions": ((False,), "takes truncated rollouts out of the loss but not out of their groups"),
    "top_entropy_quantile": ((1.0,), "leaves tokens out of the scores"),
    "off_policy_mask_threshold": ((None,), "leaves rollouts out of the loss, but not out of their groups"),
    "top_p": ((1.0, None), _SAMPLES),
    "top_k": ((0, None), _SAMPLES),
    "min_p": ((0.0, None), _SAMPLES),
    "repetition_penalty": ((1.0, None), _SAMPLES),
}
_ADDED = {"beta": 0.0, "entropy_coef": 0.0, "use_adaptive_entropy": False}


class MaxRLTrainer(GRPOTrainer):  # type: ignore[misc]
    """`trl.GRPOTrainer` whose advantages are those of `maxrl_est.advantages`: its rewards are likelihoods in [0, 1].

    Takes the arguments of GRPOTrainer and two more; N is ``args.num_generations``, in evaluation
    ``args.num_generations_eval``. The likelihood of a completion is the sum of its rewards times
    ``args.reward_weights``. That sum, not each reward, has to lie in [0, 1], and every reward function has to score
    every completion. ``scale_rewards`` and ``multi_objective_aggregation`` mean nothing here. TRL keeps rewards as
    float32, which has nothing between 0 and 1e-45; from there advantages are computed in float64 and rounded once.
    Logged advantages are these; logged rewards, ``reward_std`` and ``frac_reward_zero_std`` are TRL's.

    Parameters
    ----------
    args : None is ``GRPOConfig(loss_type="dr_grpo")``. With B rollouts a step, their advantages A_i and probabilities
        m_i, the step's gradient is ``-(1/B) sum_i A_i grad log m_i`` times

        - 1 for ``loss_type="luspo"``;
        - 1 / ``max_completion_length`` for ``"dr_grpo"``, a constant that the learning rate can take back;
        - for ``"dapo"``, ``"cispo"`` and ``"vespo"``, a factor that depends on how long the batch's completions are:
          a warning, since each step has the right direction, but their mean need not have it.

        Gradient accumulation and several processes change nothing in that.
    objective : an `Objective`, an int T for MaxRL of order T, or None for MaxRL of order N
    baseline : as for `maxrl_est.advantages`

    Raises
    ------
    ValueError
        For settings that bend the gradient: loss types ``"grpo"`` and ``"sapo"`` (divide each rollout by its length)
        and ``"bnpo"`` (divides each micro-batch by its own tokens); a second use of rollouts (``num_iterations``,
        ``steps_per_generation`` that does not divide ``gradient_accumulation_steps``); masks of rollouts or tokens;
        truncated sampling (``top_p``, ``top_k``, ``min_p``, ``repetition_penalty``). For orders above N. In training,
        for a likelihood outside [0, 1], NaN or None, with the index of its prompt and completion in the batch.

    Warns
    -----
    UserWarning
        For ``beta``, ``entropy_coef`` and ``use_adaptive_entropy``, which add a term to the gradient.

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
        baseline: str | float = "one",
        **options: Any,
    ) -> None:
        args = GRPOConfig(loss_type="dr_grpo") if args is None else args
        _check_gradient(args)
        _warn_of_changes(args)
        for name, size in (("", args.num_generations), ("_eval", args.num_generations_eval or args.num_generations)):
            try:
                advantages(np.zeros(size), objective, baseline=baseline)
            except ValueError as error:
                raise ValueError(f"args.num_generations{name} is {size}: {error}") from None
        super().__init__(model, reward_funcs, args, *others, **options)
        self._objective, self._baseline = objective, baseline

    def _calculate_rewards(self, *rollouts: Any) -> Any:
        """Rewards (B N, functions) of all processes, as TRL wants them; the advantages (B N,) are made here."""
        rewards = super()._calculate_rewards(*rollouts)
        scores = rewards.cpu().double().numpy() * (self.args.reward_weights or 1.0)
        likelihoods = np.array([math.fsum(row) for row in scores])  # exact, so that weights with sum 1 stay in [0, 1]
        groups = likelihoods.reshape(-1, self.num_generations if self.model.training else self.num_generations_eval)
        try:
            self._advantages = advantages(groups, self._objective, baseline=self._baseline).ravel()
        except ValueError as error:
            raise ValueError(
                f"{error}; likelihoods[prompt, completion] are weighted sums of rewards in this batch, where TRL makes "
                "nan of None"
            ) from None
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
            f"args.loss_type is {args.loss_type!r}: it bends the gradient; {' and '.join(EXACT)} keep it, "
            f"{', '.join(SCALED)} its direction"
        )
    settings = {**vars(args), **(args.generation_kwargs or {})}
    for name, (neutral, effect) in _NEUTRAL.items():
        if settings[name] not in neutral:
            raise ValueError(f"args.{name} is {settings[name]!r}: it {effect}; the gradient needs {neutral[0]!r}")
    every, steps = args.steps_per_generation, args.gradient_accumulation_steps
    if steps % every:
        raise ValueError(
            f"args.steps_per_generation is {every}: rollouts would be used after the policy has moved on from them, "
            f"unless it divides gradient_accumulation_steps = {steps}"
        )
    if args.loss_type in SCALED and steps != every:
        raise ValueError(
            f"args.steps_per_generation is {every}: loss_type {args.loss_type!r} scales each generation batch by its "
            f"own tokens, which bends their sum unless it equals gradient_accumulation_steps = {steps}"
        )


def _warn_of_changes(args: GRPOConfig) -> None:
    """Warn of what leaves the direction of the advantages' gradient, but not its scale, or adds to it."""
    if args.loss_type in SCALED:
        warnings.warn(
            f"args.loss_type is {args.loss_type!r}: it scales each step by the tokens of its completions; "
            f"{' and '.join(EXACT)} do not",
            stacklevel=3,
        )
    for name, neutral in _ADDED.items():
        if getattr(args, name) != neutral:
            warnings.warn(
                f"args.{name} is {getattr(args, name)!r}: it adds a term to the gradient of the objective", stacklevel=3
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
                max_completion_length=1,
                num_generations=size,
                per_device_train_batch_size=size,
                **settings,
            )
            prompts = Dataset.from_list([{"prompt": "a"}])
            policy, tokenizer = _tiny_policy()
            return trainer(policy, lambda **_: rewards, args, prompts, processing_class=tokenizer), rewards

    def estimator(likelihoods: Array, /) -> Array:
        groups = as_groups(likelihoods).values
        shipped, rewards = of_size(groups.shape[-1])
        Accelerator()  # trainers share its state, and whoever builds the next one resets it
        rewards[:] = groups.astype(np.float32).ravel().tolist()
        shipped.model.train()
        batch = shipped._generate_and_score_completions([{"prompt": "a"}] * len(rewards))
        got: Array = batch["advantages"].cpu().numpy().reshape(groups.shape)
        return got

    shown = ", ".join(f"{name}={value}" for name, value in settings.items())
    typed = "".join(f", {name}={value!r}" for name, value in settings.items())
    estimator.__name__ = f"trl.{trainer.__name__.removesuffix('Trainer').lower()}({shown})"
    estimator.__qualname__ = f"as_estimator({trainer.__name__}, {config.__name__}{typed})"  # as failures are reproduced
    return estimator


def _tiny_policy() -> tuple[Any, Any]:
    """A random language model of two words, and its tokenizer."""
    words = Tokenizer(WordLevel({"a": 0, "b": 1}, unk_token="a"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="a", eos_token="b")
    shape = GPT2Config(vocab_size=2, n_positions=2, n_embd=2, n_layer=1, n_head=1, bos_token_id=0, eos_token_id=1)
    return GPT2LMHeadModel(shape), tokenizer
