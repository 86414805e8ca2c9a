"""SkyRL: its registry, whose functions have verl's signature."""


def skyrl():
    from skyrl.backends.skyrl_train.utils import ppo_utils

    from maxrl_est.adapters.verl import as_estimator

    yield "shipped", as_estimator(ppo_utils.compute_grpo_outcome_advantage)
    yield "shipped", as_estimator(ppo_utils.compute_grpo_outcome_advantage, grpo_norm_by_std=False)
    yield "shipped", as_estimator(ppo_utils.compute_rloo_outcome_advantage)
    yield "shipped", as_estimator(ppo_utils.compute_maxrl_advantage)
    yield "shipped", as_estimator(ppo_utils.compute_reinforce_plus_plus_outcome_advantage, gamma=1.0)
