"""Tunix: the names in its registry that need no critic, and one of this package."""


def tunix():
    from maxrl_est.adapters.tunix import as_estimator, register

    for name in ("grpo", "rloo", "drgrpo"):
        yield "shipped", as_estimator(name)
    register("maxrl_est")
    yield "ours", as_estimator("maxrl_est")
