"""Functions of torch and JAX as their authors have them: found to be what they are, in the precision they have."""

from __future__ import annotations

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.cli import main
from maxrl_est.estimators import as_it_stands, estimator_of

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
jnp = jax.numpy

GROUPS = np.array([[1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.25], [0.0, 0.0, 0.0, 1.0]])
CENTRED = GROUPS - GROUPS.mean(axis=1, keepdims=True)


def batch(rewards):
    return rewards - rewards.mean(dim=-1, keepdim=True)


def annotated(rewards: torch.Tensor):
    """Of torch by its annotation alone: NumPy's std, which has another divisor, would be taken in silence."""
    return (rewards - rewards.mean(-1)[:, None]) / rewards.std(-1)[:, None] * rewards.std(-1)[:, None]


def of_float32(rewards):
    mean = rewards @ torch.full((rewards.shape[1], rewards.shape[1]), 1 / rewards.shape[1])
    return rewards - mean


def with_gradient(rewards):
    return batch(torch.as_tensor(rewards)) * torch.ones((), requires_grad=True)


def in_bfloat16(rewards):
    return batch(torch.as_tensor(rewards)).bfloat16(), None


def flat_of_size(rewards, num_generations):
    return batch(rewards.view(-1, num_generations)).view(-1)


def flat_with_tensor_ids(rewards, group_ids):
    _, codes = torch.unique(group_ids, return_inverse=True)
    sums = torch.zeros(codes.max() + 1, dtype=rewards.dtype).scatter_add(0, codes, rewards)
    return rewards - (sums / torch.bincount(codes))[codes]


def one_group(rewards):
    assert rewards.dim() == 1
    return rewards - rewards.mean()


def list_of_tensors(rewards):
    return [batch(torch.tensor(group)) for group in rewards.tolist()]


def dictionary(data):
    data["advantages"] = flat_with_tensor_ids(data["rewards"], data["prompt_ids"])
    return data


def in_jax(rewards):
    return rewards - jnp.mean(rewards, axis=-1, keepdims=True)


@jax.jit
def compiled(rewards):
    return in_jax(rewards)


def annotated_jax(rewards: jax.Array):
    return in_jax(rewards)


def segments(rewards, index):
    count = jax.ops.segment_sum(jnp.ones_like(rewards), index, 64)
    return rewards - (jax.ops.segment_sum(rewards, index, 64) / count)[index]


FUNCTIONS = (
    batch,
    annotated,
    of_float32,
    with_gradient,
    in_bfloat16,
    flat_of_size,
    flat_with_tensor_ids,
    one_group,
    list_of_tensors,
    dictionary,
    in_jax,
    compiled,
    annotated_jax,
    segments,
)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_every_form_gives_the_same_advantages(function):
    estimator = estimator_of(function)
    np.testing.assert_allclose(estimator(GROUPS), CENTRED, atol=1e-7)
    assert estimator(GROUPS).dtype == np.float64
    given = GROUPS.copy()
    given.flags.writeable = False
    np.testing.assert_allclose(estimator(given[:, ::-1]), CENTRED[:, ::-1], atol=1e-7)


def test_tensors_are_float64_unless_rewards_are_float32_or_the_function_needs_it():
    seen = []

    def function(rewards):
        seen.append(rewards.dtype)
        return batch(rewards)

    estimator = estimator_of(function)
    seen.clear()
    for kind in (np.float64, np.float32, np.int64, np.bool_):
        estimator(np.eye(2, dtype=kind))
    assert seen == [torch.float64, torch.float32, torch.float64, torch.float64]
    assert estimator_of(of_float32).how == "called with torch tensors in float32: rewards (B, N)"


def test_jax_computes_in_float64_where_it_is_given_arrays():
    third = np.array([[1 / 3, 0.0]])
    assert estimator_of(annotated_jax)(third)[0, 0] == 1 / 3 - 1 / 6
    assert estimator_of(compiled, array="jax")(third)[0, 0] == 1 / 3 - 1 / 6


def test_a_function_of_tensors_is_judged_as_what_it_is():
    report = mx.check_estimator(as_it_stands(flat_of_size), objective=lambda n: None, on_fail=None)
    assert report["shape and dtype"].status == "passed"
    assert mx.effective_weight(as_it_stands(flat_with_tensor_ids), 8).nearest().name == "7/8 x J_1"


def test_a_tensor_that_is_written_to_is_seen():
    def writes(rewards):
        return rewards.sub_(rewards.mean(dim=-1, keepdim=True))

    assert mx.check_estimator(as_it_stands(writes), on_fail=None)["input unchanged"].status == "failed"


# verl's signature


def leave_one_out(rewards, axis):
    size = rewards.shape[axis]
    return (rewards - rewards.mean(axis, keepdim=True)) * size / (size - 1)


def in_strides(token_level_rewards, response_mask, index, **_):
    rewards = token_level_rewards.sum(dim=-1)
    advantages = leave_one_out(rewards.view(-1, len(set(index))), 0).view(-1)[:, None] * response_mask
    return advantages, advantages


def in_blocks(token_level_rewards, response_mask, index, **_):
    rewards = token_level_rewards.sum(dim=-1)
    advantages = leave_one_out(rewards.view(len(set(index)), -1), 1).view(-1)[:, None] * response_mask
    return advantages, advantages


@pytest.mark.parametrize("function", [in_strides, in_blocks])
def test_a_function_of_verls_signature_that_groups_by_place_is_wrong(function):
    """As on uids a b a b with rewards 1 0 1 0, where all advantages of RLOO are 0, and blocks give 1 -1 1 -1."""
    estimator = estimator_of(function)
    groups = np.array([[1.0, 1.0], [0.0, 0.0]])
    assert abs(estimator(groups)).max() == 1.0
    report = mx.check_estimator(as_it_stands(function), objective=mx.Objective.expected(), on_fail=None)
    assert not report.passed
    assert report["batch independence"].status == "failed"


def test_functions_that_verl_ships_are_taken_as_they_stand():
    algos = pytest.importorskip("verl.trainer.ppo.core_algos")
    rloo = estimator_of(algos.compute_rloo_outcome_advantage)
    np.testing.assert_allclose(rloo(np.array([[1.0, 1.0], [0.0, 0.0]])), 0.0, atol=0)
    ragged = rloo.ragged([np.array([1.0, 0.0]), np.array([1.0, 0.0, 0.0])])
    np.testing.assert_allclose(np.concatenate(ragged), [1.0, -1.0, 1.0, -0.5, -0.5])
    assert mx.effective_weight(as_it_stands(algos.compute_rloo_outcome_advantage), 4).nearest().name == "J_1"
    grpo = estimator_of(algos.compute_grpo_outcome_advantage)
    expected = (GROUPS - GROUPS.mean(1, keepdims=True)) / (GROUPS.std(1, ddof=1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(grpo(GROUPS), expected, atol=1e-7)
    assert grpo.how == (
        "called with torch tensors: rewards of tokens (B N, L), index = group ids (strings), response_mask = mask "
        "(ints), groups interleaved"
    )


@pytest.mark.parametrize(
    ("scale", "made"),
    [
        ("group", "grpo"),
        ("none", "mean_centred"),
        ("batch", "(r - mean) / (sd of the batch + 0.0001), divisor N - 1"),
    ],
)
def test_what_trl_logs_of_a_training_says_how_it_made_advantages(scale, made, tmp_path, capsys):
    trl = pytest.importorskip("trl")
    from adapters import tiny_trl

    settings = {"log_completions": True, "logging_steps": 1, "max_steps": 3, "per_device_train_batch_size": 16}
    args = tiny_trl.arguments(tmp_path, scale_rewards=scale, **settings)
    tokenizer = tiny_trl.tokenizer()
    trl.GRPOTrainer(
        tiny_trl.policy(), tiny_trl.share_of_ones, args, tiny_trl.PROMPTS, processing_class=tokenizer
    ).train()
    capsys.readouterr()
    main(["check", "--log", str(tmp_path / "completions")])
    shown = capsys.readouterr().out
    assert "rewards share_of_ones, advantages advantage, groups by prompt and step" in shown
    assert "48 rollouts in groups of 4" in shown
    assert f"made by\n  {made} (largest difference" in shown
