"""AReaL: the loss of its actor, behind GRPO's advantages; its engines weigh micro-batches by their tokens."""

import maxrl_est as mx
from analysis.surveyed._shipped import Shipped

EPS_CLIP = 0.2  # as its configuration has it


def areal_steps():
    from areal.utils.functional.functional import ppo_actor_loss_fn

    def ppo(*given, **level):
        logs, old, advantages, mask = given
        return ppo_actor_loss_fn(logs, old, old, advantages, EPS_CLIP, mask, **level)[0]

    def sequence(*given):
        return ppo(*given, importance_sampling_level="sequence")

    yield Shipped("ppo_actor_loss_fn", step(ppo), default=True)
    yield Shipped("ppo_actor_loss_fn(sequence)", step(sequence))


def step(function):
    import torch

    from maxrl_est.adapters.torch import as_step

    def loss(logs, batch):
        advantages = torch.from_numpy(mx.estimators.get("grpo")(batch.rewards.numpy()))[..., None].expand(logs.shape)
        rows = (given.flatten(0, 1) for given in (logs, batch.old_log_probs, advantages, batch.mask.bool()))
        return function(*rows) * batch.lengths.sum() / batch.whole.lengths.sum()

    return as_step(loss, adds=True)
