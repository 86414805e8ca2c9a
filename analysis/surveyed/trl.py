"""TRL: what its GRPO and RLOO trainers compute of rewards, and a trainer of this package."""


def trl():
    from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

    from maxrl_est.adapters.trl import MaxRLTrainer, as_estimator

    for scale in ("group", "batch", "none"):
        yield "shipped", as_estimator(GRPOTrainer, GRPOConfig, scale_rewards=scale)
    yield "shipped", as_estimator(GRPOTrainer, GRPOConfig, multi_objective_aggregation="normalize_then_sum")
    yield "shipped", as_estimator(RLOOTrainer, RLOOConfig)
    yield "shipped", as_estimator(RLOOTrainer, RLOOConfig, normalize_advantages=True)
    yield "ours", as_estimator(MaxRLTrainer, GRPOConfig, loss_type="dr_grpo")
