"""AReaL: its actor, with the normalisations of rewards and of advantages that its configuration has."""

import functools
from types import SimpleNamespace

from analysis.surveyed._batches import of_tokens

NORMS = {
    "reward_norm(group)": ("reward_norm", {"mean_level": "group", "std_level": "group"}),
    "reward_norm(group, std_level=None)": ("reward_norm", {"mean_level": "group", "std_level": None}),
    "reward_norm(group, mean_leave1out=True, std_level=None)": (
        "reward_norm",
        {"mean_level": "group", "mean_leave1out": True, "std_level": None},
    ),
    "reward_norm(batch)": ("reward_norm", {}),
    "adv_norm(batch)": ("adv_norm", {}),
    "adv_norm(mean group, std batch)": ("adv_norm", {"mean_level": "group"}),
}


def areal():
    for name, (stage, levels) in NORMS.items():
        yield "shipped", of_tokens(name, functools.partial(advantages, stage, levels))


def advantages(stage, levels, rewards, mask, size):
    import torch
    from areal.api.cli_args import NormConfig, PPOActorConfig
    from areal.trainer.ppo.actor import PPOActor

    norm = NormConfig(**levels, group_size=size)
    config = PPOActorConfig(experiment_name="", trial_name="", kl_ctl=0.0, **{stage: norm})
    actor = PPOActor(config, SimpleNamespace())
    prompt = torch.ones(len(rewards), 1, dtype=torch.bool)
    data = {
        "input_ids": torch.zeros(len(rewards), 1 + mask.shape[1], dtype=torch.int64),
        "attention_mask": torch.cat([prompt, mask], dim=1),
        "loss_mask": torch.cat([~prompt, mask], dim=1),
        "logprobs": torch.zeros(len(rewards), 1 + mask.shape[1], dtype=torch.float64),
        "rewards": rewards,
        "prox_logp": None,
    }
    return actor._compute_advantages(data)["advantages"][:, :-1]  # of the token after each
