"""verl's training steps: its loss of a micro-batch, with its advantages of the whole step."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from maxrl_est._arguments import closest, one_of
from maxrl_est.adapters._stepped import digest, rows_of, stepped
from maxrl_est.adapters._torch_steps import Tensors, coefficients_of
from maxrl_est.adapters._verl_batch import Batch as Rows
from maxrl_est.adapters._verl_batch import Shipped, by_itself, by_name
from maxrl_est.steps import Batch, Step

_KEPT = 1 << 14  # batches whose advantages are kept, since each of their micro-batches needs them
_OF_BATCHES = ("strategy", "rollout_n", "ppo_mini_batch_size", "ppo_micro_batch_size", "ppo_micro_batch_size_per_gpu")
_NEUTRAL: dict[str, tuple[Any, str]] = {
    "entropy_coeff": (0, "a batch has no entropies"),
    "use_kl_in_reward": (False, "rewards are given"),
}


def as_step(
    policy_loss: str = "vanilla",
    agg_mode: str = "token-mean",
    advantage: str | Callable[..., Any] = "grpo",
    **config: Any,
) -> Step:
    """The training step of an actor of verl, for `maxrl_est.steps.exact_step`: its loss, and its advantages.

    ``ppo_loss`` of verl's workers is called as its engines call it, with the tokens and rows of the whole step, which
    is one of verl's mini-batches on one device; micro-batches, ``parts`` of whole prompts, add up. So what does not
    divide by them, as ``"geo_mean"``, grows with their number. Each row (N,) of a batch is a prompt, and the
    reward is on the last token of a response; L is the width that responses are padded to. Ratios are those of a later
    mini-batch or epoch: in the first they are 1. The reference counts where ``use_kl_loss`` is set.

    Parameters
    ----------
    policy_loss : a name in verl's registry: ``"vanilla"``, ``"gspo"``, ``"gpg"``, ``"geo_mean"``, ``"cispo"``, ...;
        ``"clip_cov"`` draws tokens at random, and here the same ones for each batch
    agg_mode : ``loss_agg_mode`` of the actor
    advantage : a name in verl's registry, or a function, as for `as_estimator`
    config : fields of verl's ``ActorConfig`` (``clip_ratio_high``, ``use_kl_loss``, ``kl_loss_coef``, ...),
        ``PolicyLossConfig`` (``clip_cov_ratio``, ...) and, for advantages that are named, ``AlgoConfig``
        (``norm_adv_by_std_in_grpo``, ...). For functions, any further arguments

    Raises
    ------
    TypeError
        For a field that none of them has.
    ValueError
        For names that verl does not have, for fields that batches decide, and for terms of entropies or in rewards.

    Not for what happens after the loss: ``grad_clip`` and the optimizer see the sum over tokens. Not for
    ``use_dynamic_bsz`` or ``balance_batch``, which put rows elsewhere: only losses that do not divide by the whole see
    that.

    >>> from maxrl_est.steps import Batch
    >>> step = as_step("vanilla", "seq-mean-token-sum", "rloo")
    >>> step(Batch.of([[1, 0]], [[[1, 1, 0], [1, 0, 0]]])).tolist()
    [[[0.5, 0.5, 0.0], [-0.5, 0.0, 0.0]]]
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of engines that are not installed, and not used here
        import verl.trainer.ppo.ray_trainer  # noqa: F401  # which `by_name` asks for
        from verl.trainer.ppo.core_algos import POLICY_LOSS_REGISTRY
        from verl.workers.config import ActorConfig, PolicyLossConfig
        from verl.workers.utils.losses import ppo_loss

    one_of("policy_loss", policy_loss, tuple(POLICY_LOSS_REGISTRY))
    for name, value in config.items():
        if name in _OF_BATCHES:
            raise ValueError(f"{name} must be left out, since batches decide it, got {value!r}")
        neutral, reason = _NEUTRAL.get(name, (value, ""))
        if value != neutral:
            raise ValueError(f"{name} must be {neutral!r}, since {reason}, got {value!r}")
    of_actor, of_loss = ({field.name for field in fields(kind)} for kind in (ActorConfig, PolicyLossConfig))
    rest = {name: value for name, value in config.items() if name not in of_actor | of_loss}
    judge = _advantages(advantage, rest, of_actor | of_loss)
    actor = ActorConfig(
        strategy="fsdp",
        rollout_n=1,
        ppo_micro_batch_size_per_gpu=1,
        loss_agg_mode=agg_mode,
        policy_loss=PolicyLossConfig(
            loss_mode=policy_loss, **{name: value for name, value in config.items() if name in of_loss}
        ),
        **{name: value for name, value in config.items() if name in of_actor},
    )

    scored: dict[bytes, Tensor] = {}

    def call(batch: Batch) -> Any:
        rows, key = rows_of(batch), digest(batch.whole)

        def loss(logs: Tensor, tensors: Tensors) -> Any:
            if key not in scored:
                if len(scored) >= _KEPT:
                    scored.clear()
                scored[key] = judge.call(_rows(tensors.whole), rest).reshape(tensors.whole.mask.shape)
            advantages = scored[key][rows]
            with torch.random.fork_rng(devices=[]):  # "clip_cov"
                torch.manual_seed(0)
                return ppo_loss(actor, {"log_probs": _unpadded(logs, tensors)}, _data(tensors, advantages))[0]

        return coefficients_of(loss, batch)

    shown = ", ".join([repr(policy_loss), repr(agg_mode), judge.name, *(f"{k}={v!r}" for k, v in config.items())])
    return stepped(call, f"verl.{policy_loss}({shown})", f"as_step({shown})", adds=True, constant=True)


def _advantages(advantage: str | Callable[..., Any], options: dict[str, Any], others: set[str]) -> Shipped:
    if not isinstance(advantage, str):
        return by_itself(advantage, options)
    try:
        return by_name(advantage, options)
    except TypeError as error:
        unknown = next(name for name in options if repr(name) in str(error))
        hint = closest(unknown, sorted(others))
        raise TypeError(f"{error}{hint and '; of the actor: '}{hint}") from None


def _rows(whole: Tensors) -> Rows:
    """Responses as verl's trainer has them, with rewards on their last tokens."""
    prompts, size, longest = whole.mask.shape
    last = torch.nn.functional.one_hot(whole.lengths - 1, longest).double()
    return Rows(
        (whole.rewards[..., None] * last).flatten(0, 1),
        whole.mask.flatten(0, 1).long(),
        np.repeat(np.array([f"prompt {b}" for b in range(prompts)], dtype=object), size),
        [(b, i) for b in range(prompts) for i in range(size)],
        [size] * prompts,
    )


def _unpadded(logs: Tensor, tensors: Tensors) -> Tensor:
    """What a model without padding returns: of each row its tokens, and one more, of the token after the last."""
    rows, one = logs.flatten(0, 1), torch.ones(tensors.rewards.numel(), 1, dtype=torch.bool)
    followed = torch.cat([rows, torch.zeros_like(rows[:, :1])], dim=1)
    return followed[torch.cat([tensors.mask.flatten(0, 1).bool(), one], dim=1)]


def _data(tensors: Tensors, advantages: Tensor) -> Any:
    """A micro-batch as an engine gives it to the loss, with what that knows of the mini-batch."""
    from tensordict import TensorDict
    from verl.utils.tensordict_utils import assign_non_tensor

    mask = tensors.mask.flatten(0, 1).long()
    one = torch.ones(len(mask), 1, dtype=torch.int64)
    found = TensorDict(
        {
            "prompts": one,
            "responses": mask,
            "attention_mask": torch.cat([one, mask], dim=1),
            "response_mask": mask,
            "old_log_probs": tensors.old_log_probs.flatten(0, 1),
            "ref_log_prob": tensors.ref_log_probs.flatten(0, 1),
            "advantages": advantages.flatten(0, 1),
        },
        batch_size=[len(mask)],
    )
    tokens, rows = int(tensors.whole.lengths.sum()), tensors.whole.rewards.numel()
    assign_non_tensor(found, dp_size=1, batch_num_tokens=tokens, global_batch_size=rows)
    return found
