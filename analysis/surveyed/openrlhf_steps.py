"""OpenRLHF: its policy loss, behind GRPO's advantages, normalised over all micro-batches as its trainer does."""

import sys
from unittest.mock import MagicMock

import maxrl_est as mx
from analysis.surveyed._shipped import Shipped

SETTINGS = ({}, {"token_level_loss": False}, {"policy_loss_type": "gspo"})


def openrlhf_steps():
    sys.modules.setdefault("openrlhf.models.ring_attn_utils", MagicMock())  # wants flash-attn, and is not used here
    from openrlhf.models.loss import PolicyLoss

    for settings in SETTINGS:
        shown = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        yield Shipped(f"PolicyLoss({shown})", step(PolicyLoss(**settings)), default=not settings)


def step(function):
    import torch

    from maxrl_est.adapters.torch import as_step

    def loss(logs, batch):
        advantages = torch.from_numpy(mx.estimators.get("grpo")(batch.rewards.numpy()))[..., None].expand(logs.shape)
        rows = (given.flatten(0, 1) for given in (logs, batch.old_log_probs, advantages, batch.mask))
        tokens, size = batch.whole.lengths.sum(), batch.whole.rewards.numel()
        return function(*rows, batch_num_tokens=tokens, global_batch_size=size)[0]

    return as_step(loss, adds=True)
