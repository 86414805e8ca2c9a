"""Axolotl: its remote trainer and its energy-based one; its GRPO trainers compute TRL's advantages inline."""

from types import SimpleNamespace

import maxrl_est as mx
from analysis.surveyed._batches import named


def axolotl():
    import torch
    from axolotl.core.trainers.ebft.strided import AxolotlStridedEBFTTrainer
    from axolotl.integrations.hatchery.rl_trainer import HatcheryRLTrainer

    yield "shipped", named("HatcheryRLTrainer", mx.estimator_of(HatcheryRLTrainer._compute_advantages))
    for estimator in ("rloo", "group_norm"):
        settings = SimpleNamespace(ebft_advantage_estimator=estimator)

        def of_groups(groups, settings=settings):
            rewards = torch.from_numpy(groups)[:, :, None]  # one block of tokens
            return AxolotlStridedEBFTTrainer._compute_advantages(settings, rewards, *groups.shape, 1).numpy()

        yield "shipped", named(f"AxolotlStridedEBFTTrainer({estimator})", of_groups)
