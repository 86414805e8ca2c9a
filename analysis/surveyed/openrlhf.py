"""OpenRLHF: the maker of its experiences, with each estimator that needs no critic."""

import functools
import sys
from types import SimpleNamespace
from unittest.mock import MagicMock

from analysis.surveyed._batches import of_tokens

ESTIMATORS = ("rloo", "group_norm", "dr_grpo", "reinforce_baseline", "reinforce", "flash_reinforce")
UNUSED = ("openrlhf.models.ring_attn_utils", "openrlhf.trainer.ray", "openrlhf.trainer.ray.launcher")


def openrlhf():
    for module in UNUSED:  # by advantages; they want flash-attn and vLLM
        sys.modules.setdefault(module, MagicMock())
    for estimator in ESTIMATORS:
        yield "shipped", of_tokens(f"{estimator}()", functools.partial(advantages, estimator))


def advantages(estimator, rewards, mask, size):
    import torch
    from openrlhf.trainer.ppo_utils.experience import Experience
    from openrlhf.trainer.ppo_utils.experience_maker import RemoteExperienceMaker

    advantage = SimpleNamespace(estimator=estimator, gamma=1.0, lambd=1.0, no_std_norm=False)
    maker = object.__new__(RemoteExperienceMaker)  # without its models and its workers
    maker.args = SimpleNamespace(
        algo=SimpleNamespace(advantage=advantage),
        rollout=SimpleNamespace(n_samples_per_prompt=size, max_new_tokens=mask.shape[1]),
        reward=SimpleNamespace(clip_range=None, overlong_buffer_len=None, stop_properly_penalty_coef=None),
    )
    maker.strategy = SimpleNamespace(args=maker.args)
    maker.advantage_estimator = estimator
    maker.kl_ctl = SimpleNamespace(value=0.0)
    rollouts = Experience(
        rewards=rewards.float(),
        action_mask=mask,
        kl=torch.zeros(mask.shape),
        index=list(range(len(rewards))),
    )
    return maker.compute_advantages_and_returns([rollouts])[0].advantages
