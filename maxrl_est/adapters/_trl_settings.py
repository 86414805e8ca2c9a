"""Settings of TRL that bend the gradient of a step away from that of its advantages: refused, or remarked."""

from __future__ import annotations

import warnings
from typing import Any

from transformers import GenerationConfig
from trl import GRPOConfig

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


def check_gradient(args: GRPOConfig) -> None:
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
    if "mask" in args.vllm_importance_sampling_mode and _cuts_ratios(args):
        raise ValueError(
            "args.vllm_importance_sampling_mode must be 'sequence_truncate', since masks leave rollouts or tokens out "
            f"of the loss, but not out of their groups, got {args.vllm_importance_sampling_mode!r}"
        )
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


def check_ratios(args: GRPOConfig) -> None:
    """Refuse settings under which the ratios of whole completions are not known, or are said to be cut off."""
    for name in ("use_vllm", "vllm_importance_sampling_correction"):
        if not getattr(args, name):
            raise ValueError(
                f"args.{name} must be True with ratios, since TRL has log-probabilities of the policy and of what drew "
                "its completions only then, got False"
            )
    for name in ("vllm_importance_sampling_clip_min", "vllm_importance_sampling_clip_max"):
        if getattr(args, name) is not None:
            raise ValueError(
                f"args.{name} must be None with ratios, since those that are cut off are of no policy, got "
                f"{getattr(args, name)!r}"
            )
    if args.vllm_importance_sampling_mode != "sequence_mask":
        raise ValueError(
            "args.vllm_importance_sampling_mode must be 'sequence_mask' with ratios, since those of tokens miss the "
            f"tokens before, got {args.vllm_importance_sampling_mode!r}"
        )


def _cuts_ratios(args: GRPOConfig) -> bool:
    """Whether ratios of the policy to vLLM's own are bounded."""
    bounds = (args.vllm_importance_sampling_clip_min, args.vllm_importance_sampling_clip_max)
    return bool(args.use_vllm and args.vllm_importance_sampling_correction and bounds != (None, None))


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


def check_model(shipped: GenerationConfig, given: GenerationConfig) -> None:
    """Refuse truncated sampling that the model ships and that the trainer's own settings leave in place."""
    for name, neutral in {**_ELSEWHERE, "min_p": _TRUNCATING["min_p"]}.items():
        value = getattr(shipped, name, None)
        if value not in neutral and getattr(given, name, None) is None:
            raise ValueError(
                f"model.generation_config.{name} must be {neutral[0]!r}, since another value {_SAMPLES}, got {value!r}"
            )


def warn_of_changes(args: GRPOConfig) -> None:
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
    if args.use_vllm and not args.vllm_importance_sampling_correction:
        warnings.warn(
            "args.vllm_importance_sampling_correction = False takes the rollouts of vLLM for the policy's own",
            stacklevel=3,
        )
    if _cuts_ratios(args):
        warnings.warn(
            f"args.vllm_importance_sampling_clip_max = {args.vllm_importance_sampling_clip_max!r} cuts off the ratios "
            "that correct for vLLM, and then a baseline changes the mean; None does not, with "
            "vllm_importance_sampling_mode = 'sequence_mask'",
            stacklevel=3,
        )
    if args.max_grad_norm:
        warnings.warn(
            f"args.max_grad_norm = {args.max_grad_norm!r} scales each longer gradient down; 0.0 does not",
            stacklevel=3,
        )
