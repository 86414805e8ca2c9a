"""torchrl's training steps: its losses of language models, on log-probabilities that are given, and its advantages."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from tensordict import TensorDict
from torch import Tensor
from torchrl.objectives.llm import GRPOLoss, MCAdvantage

from maxrl_est._arguments import name_of
from maxrl_est._arguments.protocols import Array
from maxrl_est.adapters._judged import in_turns
from maxrl_est.adapters._stepped import stepped
from maxrl_est.adapters._torch_steps import Tensors, coefficients_of
from maxrl_est.steps import Batch, Step

_KEPT = 1 << 14  # rewards of batches whose advantages are kept


def as_step(
    loss: Callable[..., Any] = GRPOLoss, advantage: Callable[[Array], Array] | None = None, **settings: Any
) -> Step:
    """The training step of a loss of `torchrl.objectives.llm`, for `maxrl_est.steps.exact_step`.

    The loss is called as training calls it, on tensors of R = B N responses, padded to L tokens; its terms are added
    up. In place of an actor it gets the log-probabilities of a batch. torchrl has no trainer that says what
    micro-batches are: they are averaged, as in its recipes, which divide each loss by their number.

    Parameters
    ----------
    loss : ``GRPOLoss``, ``DAPO``, ``CISPOLoss`` or a class derived from them
    advantage : a function of rewards (B, N) to advantages (B, N), such as those that `as_estimator` returns; None is
        ``MCAdvantage`` as it stands
    settings : of the loss: ``clip_epsilon``, ``aggregation``, ``kl_to_ref_coeff``, ``kl_mask_threshold``, ...
        ``entropy_bonus`` is False unless it is given, since a batch has no entropies

    Raises
    ------
    ValueError
        For an entropy bonus, or an aggregation or reduction to ``"none"``, which is no loss yet.

    Not for what happens after the loss: gradient clipping and the optimizer see the sum over tokens.

    >>> step = as_step(aggregation="prompt_mean")
    >>> step(Batch.of([[1, 0]], [[[1, 1, 0], [1, 0, 0]]])).round(4).tolist()
    [[[0.1768, 0.1768, 0.0], [-0.3536, 0.0, 0.0]]]
    """
    if settings.get("entropy_bonus"):
        raise ValueError("entropy_bonus must be False, since a batch has no entropies, got True")
    for name in ("aggregation", "reduction"):
        if settings.get(name) == "none":
            raise ValueError(f"{name} must be one that returns a loss, got 'none'")
    shipped = loss(None, **{"entropy_bonus": False, **settings})
    keys = shipped.tensor_keys

    of = functools.partial(written, MCAdvantage, {}) if advantage is None else advantage
    scored: dict[bytes, Array] = {}

    def call(batch: Batch) -> Array:
        key = repr(batch.rewards.shape).encode() + batch.rewards.tobytes()
        if key not in scored:
            if len(scored) >= _KEPT:
                scored.clear()
            scored[key] = np.asarray(of(batch.rewards), dtype=np.float64)
        found = scored[key]

        def of_tokens(logs: Tensor, tensors: Tensors) -> Any:
            mask = tensors.mask.flatten(0, 1).bool()
            shipped._get_cur_log_prob = lambda _: (logs.flatten(0, 1), SimpleNamespace(mask=mask), False)
            data = TensorDict(batch_size=[len(mask)])
            data[keys.action] = mask.long()
            data[keys.sample_log_prob] = tensors.old_log_probs.flatten(0, 1)
            data[keys.ref_log_probs] = tensors.ref_log_probs.flatten(0, 1)
            each = torch.from_numpy(found).reshape(-1, 1, 1)
            data[keys.advantage] = each.expand(*mask.shape, 1)
            terms = shipped(data).to_tensordict().items()
            return sum(value.sum() for name, value in terms if name.startswith("loss_"))

        return coefficients_of(of_tokens, batch)

    given = [
        "" if advantage is None else name_of(advantage),
        *(f"{name}={value!r}" for name, value in settings.items()),
    ]
    shown = ", ".join([name_of(loss), *filter(None, given)])
    return stepped(call, f"torchrl.{name_of(loss)}({shown})", f"as_step({shown})", adds=False, constant=True)


def written(transform: Callable[..., MCAdvantage], settings: Mapping[str, Any], groups: Array) -> Array:
    """The advantages (B, N) that a transform writes for rewards (B, N); 0 where it drops a trajectory."""
    size = groups.shape[-1]
    shipped = transform(**{"grpo_size": size, "prompt_key": "group", **settings})
    found = np.zeros(groups.shape)
    for group, number in in_turns([size] * len(groups)):
        row, value = group * size + number, groups[group, number]
        step = TensorDict({"group": torch.tensor([group]), "row": torch.tensor([row])}, batch_size=[1])
        step["next"] = TensorDict({"reward": torch.tensor([[value]]), "done": torch.tensor([[True]])}, batch_size=[1])
        got = shipped.inv(step)
        if got is not None:
            found.ravel()[got["row"].numpy()] = got["advantage"].ravel().numpy()
    return found
