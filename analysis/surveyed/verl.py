"""verl: the names in its registry that need no critic, and those of this package."""


def verl():
    import torch

    from maxrl_est.adapters.verl import as_estimator, load

    load()
    coin = {"old_log_probs": torch.tensor([[0.5]]).log(), "sum_pi_squared": torch.tensor([[0.5]])}
    for name in ("grpo", "rloo", "rloo_vectorized", "opo", "gpg", "grpo_passk"):
        yield "shipped", as_estimator(name)
    yield "shipped", as_estimator("grpo", norm_adv_by_std_in_grpo=False)
    yield "shipped", as_estimator("grpo_vectorized", dtype=torch.float32)
    remax = as_estimator("remax", reward_baselines=torch.tensor([0.25]))
    yield "shipped", renamed("remax(reward_baselines=0.25)", remax)
    for name, options in (("optimal_token_baseline", {}), ("tir_optimal_token_baseline", {"dtype": torch.float32})):
        function = as_estimator(name, longest=1, **options, **coin)
        yield "shipped", renamed(f"{name}(tokens of a fair coin)", function)
    for name in ("gdpo", "reinforce_plus_plus", "reinforce_plus_plus_baseline"):
        yield "shipped", as_estimator(name)
    for name in ("maxrl_est", "maxrl_est_t4", "maxrl_est_one"):
        yield "ours", as_estimator(name)


def renamed(name, function):
    function.__name__ = name
    return function
