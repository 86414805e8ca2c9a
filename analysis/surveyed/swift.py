"""ms-swift: its pure function, with the estimators and scales of its configuration."""


def swift():
    from maxrl_est.adapters.swift import as_estimator

    for scale in ("group", "batch", "none", "gdpo"):
        yield "shipped", as_estimator(scale_rewards=scale)
    yield "shipped", as_estimator(advantage_estimator="rloo", scale_rewards="none")
    for scale in ("batch", "group"):
        yield "shipped", as_estimator(advantage_estimator="reinforce_plus_plus", scale_rewards=scale)
