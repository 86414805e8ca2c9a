"""verl: losses, ways to aggregate and advantages of its registries, and its KL term.

Left out are clip_cov, which draws tokens at random, and kl_cov, for which the order of rollouts counts.
"""

from analysis.surveyed._shipped import Shipped

MODES = ("token-sum", "seq-mean-token-sum", "seq-mean-token-sum-norm", "seq-mean-token-mean")
LOSSES = ("gspo", "geo_mean", "gpg")


def verl_steps():
    from maxrl_est.adapters.verl import as_step

    yield Shipped("vanilla, token-mean, grpo", as_step(), default=True)
    for mode in MODES:
        yield Shipped(f"vanilla, {mode}, grpo", as_step("vanilla", mode))
    for loss in LOSSES:
        yield Shipped(f"{loss}, token-mean, grpo", as_step(loss))
    yield Shipped("vanilla, token-mean, rloo", as_step("vanilla", "token-mean", "rloo"))
    yield Shipped("vanilla, token-mean, grpo, use_kl_loss", as_step(use_kl_loss=True), holds=True)
