"""Tunix: its loss of GRPO, which is given log-probabilities in place of a model; micro-batches are averaged."""

from types import SimpleNamespace

from analysis.surveyed._shipped import Shipped


def tunix_steps():
    from tunix.rl.grpo.dapo_learner import DAPOConfig
    from tunix.rl.grpo.drgrpo_learner import DrGRPOConfig
    from tunix.rl.grpo.grpo_learner import GRPOConfig

    yield Shipped("GRPOConfig()", step(GRPOConfig()), default=True, again=step(GRPOConfig(), keeps=True), holds=True)
    config = GRPOConfig(loss_agg_mode="token-mean")
    yield Shipped("GRPOConfig(loss_agg_mode='token-mean')", step(config), again=step(config, keeps=True))
    for kind in (DrGRPOConfig, DAPOConfig):
        yield Shipped(f"{kind.__name__}()", step(kind()), again=step(kind(), keeps=True))


def step(config, keeps=False):
    import jax.numpy as jnp
    from flax import nnx
    from tunix.rl import algo_core, function_registry

    from maxrl_est.adapters.jax import as_step

    advantages_of = function_registry.get_advantage_estimator(config.advantage_estimator)
    config.temperature = 1.0

    def loss(logs, batch):
        rows, size = logs.reshape(-1, logs.shape[-1]), batch.rewards.shape[1]
        given = SimpleNamespace(
            prompt_ids=None,
            completion_ids=None,
            completion_mask=batch.mask.reshape(rows.shape),
            advantages=advantages_of(rewards=batch.rewards.ravel(), num_generations=size),
            old_per_token_logps=batch.old_log_probs.reshape(rows.shape) if keeps else None,
            ref_per_token_logps=batch.ref_log_probs.reshape(rows.shape),
        )
        common, kept = algo_core.common, algo_core.common.compute_per_token_logps
        try:
            common.compute_per_token_logps = lambda *_, **__: (rows, jnp.zeros((*rows.shape, 2)))
            return algo_core.grpo_loss_fn(nnx.Module(), given, config, 0, 0)[0]
        finally:
            common.compute_per_token_logps = kept

    return as_step(loss)
