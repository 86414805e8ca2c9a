"""ms-swift: the loss of its GRPO trainer, which is given log-probabilities in place of a model, and its advantages."""

from types import SimpleNamespace

from analysis.surveyed._shipped import Shipped

LOSSES = ("dr_grpo", "dapo", "real")


def swift_steps():
    yield Shipped("GRPOTrainer()", step(), default=True, again=step(keeps=True), holds=True)
    for loss in LOSSES:
        yield Shipped(f"GRPOTrainer(loss_type={loss!r})", step(loss), again=step(loss, keeps=True))


def step(loss="grpo", keeps=False):
    import torch
    from swift.rl_core.advantage import compute_advantages
    from swift.rlhf_trainers import GRPOTrainer

    from maxrl_est.adapters.torch import as_step

    def total(logs, batch):
        prompts, size, longest = batch.mask.shape
        rewards = batch.whole.rewards.reshape(-1, 1)
        found, _ = compute_advantages(rewards, torch.ones(1, dtype=rewards.dtype), size)
        mine = [b for b, group in enumerate(batch.whole.groups[:, 0]) if group in batch.groups[:, 0]]
        advantages = found.reshape(-1, size)[mine].reshape(-1, 1).expand(-1, longest)
        given = SimpleNamespace(
            completion_mask=batch.mask.flatten(0, 1).bool(),
            truncated_mask=torch.zeros(prompts * size, dtype=torch.bool),
            advantages=advantages,
            old_per_token_logps=batch.old_log_probs.flatten(0, 1) if keeps else None,
            ref_per_token_logps=batch.ref_log_probs.flatten(0, 1),
            rollout_per_token_logps=None,
            teacher_per_token_logps=None,
            num_items_in_batch=batch.whole.lengths.sum(),
        )
        trainer = object.__new__(GRPOTrainer)  # without its model
        trainer.__dict__.update(SETTINGS, loss_type=loss, num_generations=size, max_completion_length=longest)
        trainer.current_gradient_accumulation_steps = batch.parts
        trainer._get_per_token_logps_and_entropies = lambda *_, **__: (logs.flatten(0, 1), None)
        return trainer._compute_loss_and_metrics(None, {}, given)[0]

    return as_step(total)  # the trainer of transformers divides each micro-batch by their number


SETTINGS = {  # of its configuration, as that has them for GRPO
    "model": SimpleNamespace(training=True),
    "accelerator": SimpleNamespace(num_processes=1, gather_for_metrics=lambda found: found),
    "args": SimpleNamespace(delta=None, gradient_accumulation_steps=1),
    "compute_entropy": False,
    "overlong_filter": False,
    "beta": 0.04,
    "kl_in_reward": False,
    "rollout_importance_sampling_mode": None,
    "log_rollout_offpolicy_metrics": False,
    "disable_rollout_importance_sampling": False,
    "importance_sampling_level": "token",
    "_has_teacher": False,
    "off_policy_sequence_mask_delta": None,
    "epsilon_low": 0.2,
    "epsilon_high": 0.2,
    "tau_pos": 1.0,
    "tau_neg": 1.05,
    "real_tau": 0.5,
    "sdar_loss_coef": 0.0,
    "model_accepts_loss_kwargs": False,
    "compute_loss_func": None,
    "chord_sft_iterator": None,
}
