"""torchrl: its transform of a replay buffer, and one of this package."""


def torchrl():
    from maxrl_est.adapters.torchrl import MaxRLAdvantage, as_estimator

    yield "shipped", as_estimator()
    yield "shipped", as_estimator(trajectory_return="sum")
    yield "shipped", as_estimator(trajectory_return="sum", keep_return_bounds=(0.2, 0.8))
    yield "ours", as_estimator(MaxRLAdvantage)
