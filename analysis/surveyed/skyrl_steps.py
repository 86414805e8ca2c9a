"""SkyRL: divisors go into its advantages beforehand, losses are sums, and a KL term is on by default."""

import numpy as np

from analysis.surveyed._shipped import Shipped

REDUCTIONS = ("token_mean_legacy", "sequence_mean", "seq_mean_token_sum_norm", "prompt_mean")


def skyrl_steps():
    yield Shipped("token_mean", step(), default=True, holds=True)
    for reduction in REDUCTIONS:
        yield Shipped(reduction, step(reduction))
    yield Shipped("token_mean, gspo", step(loss="gspo"))


def step(reduction="token_mean", loss="regular"):
    from skyrl.backends.skyrl_train.utils import ppo_utils
    from skyrl.backends.skyrl_train.utils.torch_utils import masked_mean
    from skyrl.train.config import AlgorithmConfig

    from maxrl_est.adapters.torch import as_step

    config = AlgorithmConfig(policy_loss_type=loss)
    function = ppo_utils.PolicyLossRegistry.get(loss)

    def scaled(whole, parts):
        prompts, size, longest = whole.mask.shape
        mask = whole.mask.flatten(0, 1)
        last = mask.cumsum(-1) == whole.lengths.flatten()[:, None]
        rewards = whole.rewards.flatten()[:, None] * last * mask
        index = np.repeat(np.arange(prompts), size)
        found, _ = ppo_utils.compute_grpo_outcome_advantage(rewards, mask, index)
        bounds = [(size * b, size * (b + 1)) for b in range(prompts)]
        made = ppo_utils.apply_loss_reduction_to_advantages_minibatch(
            found, mask, reduction, prompts * size // parts, longest, bounds
        )
        return made.reshape(whole.mask.shape)

    def total(logs, batch):
        mine = [b for b, group in enumerate(batch.whole.groups[:, 0]) if group in batch.groups[:, 0]]
        rows = [logs, batch.old_log_probs, scaled(batch.whole, batch.parts)[mine], batch.mask, batch.ref_log_probs]
        logs, old, advantages, mask, reference = (given.flatten(0, 1) for given in rows)
        found, _ = function(logs, old, advantages, config=config, loss_mask=mask, rollout_logprobs=old)
        held = ppo_utils.compute_approx_kl(logs, reference, loss_mask=mask, kl_estimator_type=config.kl_estimator_type)
        return found + config.kl_loss_coef * masked_mean(held, mask, dim=-1).mean() / batch.parts

    return as_step(total, adds=True)
