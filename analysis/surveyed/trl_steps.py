"""TRL: its GRPO and RLOO trainers. They take rollouts for the policy's own unless each is used more than once."""

from analysis.surveyed._shipped import Shipped

LOSSES = ("grpo", "bnpo", "dr_grpo", "cispo", "sapo", "vespo")
LIMIT = {"max_completion_length": 4}  # as long as responses are
OTHERS = (
    {"scale_rewards": "batch"},
    {"scale_rewards": "none"},
    {"importance_sampling_level": "sequence"},
    {"loss_type": "luspo", "importance_sampling_level": "sequence"},
    {"loss_type": "dr_grpo", "scale_rewards": "none"},
    {"loss_type": "dr_grpo", "scale_rewards": "batch"},
    {"mask_truncated_completions": True},
    {"beta": 0.04},
)


def trl_steps():
    from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

    from maxrl_est.adapters.trl import as_step

    for settings in ({}, *({"loss_type": loss} for loss in LOSSES), *OTHERS):
        shown = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        yield Shipped(
            f"GRPOTrainer({shown})",
            as_step(GRPOTrainer, GRPOConfig, **LIMIT, **settings),
            default=not settings,
            again=as_step(GRPOTrainer, GRPOConfig, **LIMIT, **settings, num_iterations=2),
            holds="beta" in settings,
        )
    for settings in ({}, {"normalize_advantages": True}):
        shown = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        yield Shipped(
            f"RLOOTrainer({shown})",
            as_step(RLOOTrainer, RLOOConfig, **LIMIT, **settings),
            default=not settings,
            again=as_step(
                RLOOTrainer, RLOOConfig, **LIMIT, **settings, beta=0.0
            ),  # else rewards have the old policy's KL
            holds=not settings,
        )
