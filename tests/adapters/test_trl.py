"""`MaxRLTrainer` against real steps of TRL, and the advantages that TRL ships, judged."""

import re
import socket
import time
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
trl = pytest.importorskip("trl", reason="needs trl")

import pandas  # noqa: E402
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer  # noqa: E402

import maxrl_est as mx  # noqa: E402
from adapters.tiny_trl import (  # noqa: E402
    LONGEST,
    PROMPTS,
    N,
    Recorder,
    arguments,
    completions,
    flat,
    gradient_by_definition,
    grpo_advantages,
    mixture,
    policy,
    share_of_ones,
    tokenizer,
    train_as_rank,
)
from maxrl_est.adapters import trl as adapter  # noqa: E402
from maxrl_est.adapters._trl_settings import SCALED, check_gradient, warn_of_changes  # noqa: E402
from maxrl_est.adapters.trl import MaxRLTrainer, as_estimator  # noqa: E402
from maxrl_est.cli import main  # noqa: E402
from maxrl_est.estimates.baselines import BASELINES  # noqa: E402

HANGS = 300  # seconds, of what takes ten
GRADIENT = 1e-6  # relative, of one step; worst measured 2.6e-7: TRL has float32 log-probabilities
SHIPPED = 1e-6  # of float32 rewards and advantages; worst measured 4.3e-7


def advantages_of(batches):
    return [batch["advantages"].double().numpy() for batch in batches]


def off(got, expected):
    return float((got - expected).norm() / expected.norm())


@pytest.fixture
def recorder(tmp_path):
    return lambda **settings: Recorder(tmp_path, **settings)


# advantages and logs


@pytest.mark.parametrize(
    ("objective", "baseline"),
    [
        *((None, baseline) for baseline in (None, *BASELINES)),
        (2, None),
        (2, "pass_loo"),
        (mx.Objective.pass_at(3), 0.25),
    ],
    ids=str,
)
def test_three_steps_train_on_the_advantages_of_the_rewards(recorder, objective, baseline):
    rewards = []

    def reward(completion_ids, **_):
        rewards.append(share_of_ones(completion_ids))
        return rewards[-1]

    trainer = recorder(reward=reward, objective=objective, baseline=baseline, max_steps=3)
    trainer.train()
    assert len(rewards) == len(trainer.batches) == 3
    assert not torch.equal(flat(trainer.start.parameters()), flat(trainer.model.parameters()))
    for given, batch in zip(rewards, trainer.batches, strict=True):
        likelihoods = np.array(given, dtype=np.float32).astype(np.float64).reshape(-1, N)
        expected = mx.advantages(likelihoods, objective, baseline=baseline).ravel()
        np.testing.assert_array_equal(batch["advantages"].numpy(), expected.astype(np.float32))
    assert list(trainer._logs["advantages"]) == expected.astype(np.float32).tolist()


def test_what_is_logged_is_not_what_grpo_would_have_used(recorder, tmp_path):
    trainer = recorder(log_completions=True, num_completions_to_print=0, logging_steps=1)
    trainer.train()
    logged = pandas.read_parquet(tmp_path / "completions" / "completions_00001.parquet")
    rewards = logged["share_of_ones"].to_numpy().reshape(-1, N)
    expected = mx.advantages(np.float32(rewards))
    np.testing.assert_array_equal(logged["advantage"].to_numpy().reshape(-1, N), expected)
    grpo = (rewards - rewards.mean(-1, keepdims=True)) / (rewards.std(-1, ddof=1, keepdims=True) + 1e-4)
    assert abs(grpo - expected).max() > 0.1
    (entry,) = (entry for entry in trainer.state.log_history if "reward_std" in entry)
    assert entry["reward_std"] == pytest.approx(rewards.std(ddof=1), rel=1e-6)


@pytest.mark.parametrize(("size", "generations"), [(4, 2), (4, 1), (16, 4)])
def test_evaluation_has_its_own_group_size_and_its_share_of_the_log(recorder, size, generations):
    trainer = recorder(evaluate_on=PROMPTS, per_device_eval_batch_size=size, num_generations_eval=generations)
    trainer.train()
    before = list(trainer._logs["advantages"])
    trainer.batches.clear()
    trainer.evaluate()
    rewards = np.float32(trainer._logs["rewards"]["share_of_ones"])
    got = np.array(trainer._logs["advantages"])
    assert got.size == rewards.size == len(before) == 2 * N  # as many as TRL keeps
    shown = sum(len(batch["advantages"]) for batch in trainer.batches)
    expected = mx.advantages(rewards.reshape(-1, generations)).ravel()
    np.testing.assert_array_equal(got[-shown:], expected[-shown:])
    np.testing.assert_array_equal(np.concatenate(advantages_of(trainer.batches))[-2 * N :], np.float32(got)[-shown:])


def test_the_likelihood_is_the_weighted_sum_of_the_rewards(recorder):
    def all_right(completions, **_):
        return [1.0] * len(completions)

    trainer = recorder(reward=[share_of_ones, all_right], reward_weights=[0.6, 0.4])
    trainer.train()
    likelihoods = 0.6 * np.array(trainer._logs["rewards"]["share_of_ones"]).reshape(-1, N) + 0.4
    got = np.array(trainer._logs["advantages"]).reshape(-1, N)
    np.testing.assert_array_equal(got, mx.advantages(np.float32(likelihoods)))


@pytest.mark.parametrize("parts", [(0.6, 0.4), (0.8, 0.2), (0.6, 0.3, 0.1)], ids=str)
def test_rewards_that_add_to_one_are_the_likelihood_one(recorder, parts):
    rewards = [lambda completions, part=part, **_: [part] * len(completions) for part in parts]
    assert sum(np.float32(parts).astype(float)) > 1  # the wrong version: the sum of TRL's float32 rewards
    trainer = recorder(reward=rewards)
    trainer.train()
    assert list(trainer._logs["advantages"]) == [0.0] * (2 * N)


def test_log_rewards_train_as_the_likelihoods_they_stand_for(recorder):
    def log_share(completion_ids, **_):
        with np.errstate(divide="ignore"):
            return (np.log(share_of_ones(completion_ids)) - 1000.1).tolist()  # beyond the range of likelihoods

    trainer = recorder(reward=log_share, log_ceiling=-1000.1, objective=2, logging_steps=1)
    trainer.train()
    (batch,) = trainer.batches
    logs = np.float32(trainer._logs["rewards"]["log_share"]).reshape(-1, N)
    assert np.isneginf(logs).any()
    assert np.isfinite(logs).any()
    expected = mx.advantages(None, 2, log_likelihoods=logs, log_ceiling=-1000.1).ravel()
    np.testing.assert_array_equal(batch["advantages"].numpy(), expected)
    shares = np.array(share_of_ones(completions(batch))).reshape(-1, N)
    np.testing.assert_allclose(expected, mx.advantages(shares, 2).ravel(), rtol=0, atol=1e-4)
    weights = advantages_of(trainer.batches)
    assert off(trainer.gradient(), gradient_by_definition(trainer.start, [batch], weights) / LONGEST) < GRADIENT
    (entry,) = (entry for entry in trainer.state.log_history if "reward_std" in entry)
    assert entry["reward"] == -np.inf  # as documented
    assert not np.isfinite(entry["reward_std"])


def test_the_log_of_certainty_is_at_its_ceiling_in_float32_too(recorder):
    trainer = recorder(reward=lambda completions, **_: [0.1] * len(completions), log_ceiling=0.1)
    assert float(np.float32(0.1)) > 0.1
    trainer.train()
    assert list(trainer._logs["advantages"]) == [0.0] * (2 * N)


def test_weights_with_sum_one_never_make_a_likelihood_above_one(recorder):
    def all_right(completions, **_):
        return [1.0] * len(completions)

    trainer = recorder(reward=[all_right] * 3, reward_weights=[0.6, 0.3, 0.1])
    assert float(trainer.reward_weights.double().sum()) > 1  # the wrong version: the sum of TRL's float32 weights
    trainer.train()
    assert list(trainer._logs["advantages"]) == [0.0] * (2 * N)


# the gradient


@pytest.mark.parametrize(
    ("settings", "scale"),
    [
        ({"loss_type": "luspo"}, 1),
        ({"loss_type": "luspo", "importance_sampling_level": "sequence"}, 1),
        ({"loss_type": "dr_grpo"}, 1 / LONGEST),
        ({"loss_type": "dr_grpo", "importance_sampling_level": "sequence"}, 1 / LONGEST),
        ({"loss_type": "dr_grpo", "scale_rewards": "none", "temperature": 0.7}, 1 / LONGEST),
        ({"loss_type": "dr_grpo", "gradient_accumulation_steps": 2}, 1 / LONGEST),
        ({"loss_type": "luspo", "gradient_accumulation_steps": 2, "steps_per_generation": 1}, 1),
    ],
    ids=str,
)
def test_a_step_has_exactly_the_gradient_of_the_advantages(recorder, settings, scale):
    trainer = recorder(**settings)
    trainer.train()
    weights = advantages_of(trainer.batches)
    got = trainer.gradient()
    expected = gradient_by_definition(trainer.start, trainer.batches, weights, trainer.temperature)
    assert len({int(n) for batch in trainer.batches for n in batch["completion_mask"].sum(-1)}) > 2
    assert off(got, scale * expected) < GRADIENT
    shipped = [grpo_advantages(batch) for batch in trainer.batches]
    wrong = gradient_by_definition(trainer.start, trainer.batches, shipped, trainer.temperature)
    assert off(got, scale * wrong) > 0.1


@pytest.mark.parametrize("accumulated", [1, 2])
@pytest.mark.parametrize("loss_type", SCALED)
def test_losses_with_a_warning_have_the_direction_but_a_scale_of_their_own(recorder, loss_type, accumulated):
    with pytest.warns(UserWarning, match=f"args.loss_type = '{loss_type}' scales each step"):
        trainer = recorder(loss_type=loss_type, gradient_accumulation_steps=accumulated)
    trainer.train()
    got = trainer.gradient()
    expected = gradient_by_definition(trainer.start, trainer.batches, advantages_of(trainer.batches))
    scale = float(got @ expected / (expected @ expected))
    assert off(got, scale * expected) < GRADIENT
    assert abs(scale * LONGEST - 1) > 0.05


@pytest.mark.parametrize(
    ("settings", "least"),
    [
        ({"loss_type": "grpo"}, 0.1),
        ({"loss_type": "sapo"}, 0.1),
        ({"loss_type": "bnpo", "gradient_accumulation_steps": 8, "per_device_train_batch_size": 2}, 0.01),
        ({"loss_type": "dapo", "gradient_accumulation_steps": 2, "steps_per_generation": 1}, 0.001),
        ({"top_entropy_quantile": 0.5}, 0.1),
    ],
    ids=str,
)
def test_what_is_refused_does_bend_the_gradient(recorder, monkeypatch, settings, least):
    with pytest.raises(ValueError, match=r"^args\.\w+ must .*, got "):
        recorder(**settings)
    monkeypatch.setattr(adapter, "check_gradient", lambda args: None)
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        trainer = recorder(**settings)
    trainer.train()
    got = trainer.gradient()
    expected = gradient_by_definition(trainer.start, trainer.batches, advantages_of(trainer.batches))
    scale = float(got @ expected / (expected @ expected))
    assert off(got, scale * expected) > least * abs(scale)


def test_two_processes_that_share_a_group_train_on_one_set_of_advantages(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    processes = torch.multiprocessing.spawn(train_as_rank, args=(2, port, tmp_path), nprocs=2, join=False)
    start = time.monotonic()
    while not processes.join(timeout=10):
        assert time.monotonic() - start < HANGS, "the processes do not end"
    ranks = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1)]
    batches = [rank["batch"] for rank in ranks]
    rewards = [share_of_ones(completions(batch)) for batch in batches]
    expected = mx.advantages(np.float32(rewards).reshape(-1, N)).ravel()
    assert ranks[0]["logged"] == ranks[1]["logged"] == expected.tolist()
    np.testing.assert_array_equal(np.concatenate(advantages_of(batches)), expected)
    first, second = expected.reshape(2, -1)
    assert len(first) % N  # the middle group is shared
    assert abs(first - second).max() > 0.1  # the wrong version: both take the first slice
    gradient = gradient_by_definition(policy(), batches, advantages_of(batches))
    for rank in ranks:
        assert off(rank["gradient"], gradient / LONGEST) < GRADIENT


# what is refused


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        (None, r"^likelihoods\[1, 2\] must lie in \[0, 1\], got nan; .* TRL makes nan of None$"),
        (float("nan"), r"^likelihoods\[1, 2\] must lie in \[0, 1\], got nan"),
        (1.5, r"^likelihoods\[1, 2\] must lie in \[0, 1\], got 1\.5"),
        (-0.25, r"^likelihoods\[1, 2\] must lie in \[0, 1\], got -0\.25"),
        (float("inf"), r"^likelihoods\[1, 2\] must lie in \[0, 1\], got inf"),
    ],
)
@pytest.mark.parametrize("functions", [1, 2])
def test_a_reward_that_is_no_likelihood_says_where_it_is(recorder, functions, reward, message):
    def wrong(completions, **_):
        rewards = [0.0] * len(completions)
        rewards[N + 2] = reward
        return rewards

    def fine(completions, **_):
        return [0.0] * len(completions)

    trainer = recorder(reward=[wrong, fine][:functions])
    with pytest.raises(ValueError, match=message):
        trainer.train()
    assert not trainer._logs["advantages"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss_type": "grpo"}, "args.loss_type must be one of dr_grpo, luspo, .* or dapo, .*, got 'grpo'"),
        ({"loss_type": "bnpo"}, "args.loss_type must be one of .*, got 'bnpo'"),
        ({"num_iterations": 2}, "args.num_iterations must be 1, since another value uses rollouts again .*, got 2"),
        (
            {"steps_per_generation": 2},
            "args.steps_per_generation must divide gradient_accumulation_steps = 1, .*, got 2",
        ),
        ({"mask_truncated_completions": True}, "args.mask_truncated_completions must be False, since .*, got True"),
        ({"off_policy_mask_threshold": 0.1}, "args.off_policy_mask_threshold must be None, since .*, got 0.1"),
        ({"top_p": 0.9}, "args.top_p must be 1.0, since another value draws completions from another .*, got 0.9"),
        ({"top_k": 2}, "args.top_k must be 0, since another value draws completions from another .*, got 2"),
        ({"min_p": 0.1}, "args.min_p must be 0.0, since another value draws completions from another .*, got 0.1"),
        ({"repetition_penalty": 1.1}, "args.repetition_penalty must be 1.0, since another value draws .*, got 1.1"),
        ({"top_k": None}, "args.top_k must be 0, since another value draws completions from another .*, got None"),
        ({"vllm_structured_outputs_regex": "a"}, "args.vllm_structured_outputs_regex must be None, .*, got 'a'"),
        ({"objective": 5}, r"objective must be .*N = 4, got T = 5.* \(args.num_generations = 4\)"),
        (
            {"objective": 2, "num_generations_eval": 1},
            r"objective must be .*N = 1, got T = 2.* \(args.num_generations_eval = 1\)",
        ),
        ({"log_ceiling": float("nan")}, "log_ceiling must be finite, got nan"),
        ({"baseline": "mean"}, "baseline must be one of none, .*, got 'mean'"),
        (
            {"baseline": "mean_loo", "num_generations_eval": 1},
            r"likelihoods must have .*N >= 2 for baseline 'mean_loo', got N = 1 \(args.num_generations_eval = 1\)",
        ),
    ],
    ids=str,
)
def test_a_setting_that_would_bend_the_gradient_is_refused(recorder, settings, message):
    with pytest.raises(ValueError, match="^" + message):
        recorder(**settings)


@pytest.mark.parametrize(
    "setting",
    [
        *({"top_p": 0.9}, {"top_k": None}, {"typical_p": 0.9}, {"epsilon_cutoff": 0.1}, {"suppress_tokens": [2]}),
        *({"temperature": 0.1}, {"do_sample": False}, {"min_new_tokens": 2}, {"max_new_tokens": 2}, {"num_beams": 2}),
        *({"seed": 0}, {"stop_strings": ["a"]}, {"eos_token_id": 2}, {"num_iterations": 1}),
    ],
    ids=str,
)
def test_generation_kwargs_are_refused_unless_known_to_be_neutral(recorder, setting):
    ((name, value),) = setting.items()
    rule = rf"^{re.escape(f'args.generation_kwargs[{name!r}]')} must be .*, since .*, got {re.escape(repr(value))}"
    with pytest.raises(ValueError, match=rule):
        recorder(generation_kwargs=setting)


def test_generation_kwargs_that_repeat_what_is_neutral_are_taken(recorder):
    neutral = {"top_p": 1.0, "typical_p": 1.0, "suppress_tokens": None, "do_sample": True, "max_new_tokens": LONGEST}
    drawn = recorder(temperature=0.7, generation_kwargs={**neutral, "temperature": 0.7}).generation_config
    assert (drawn.temperature, drawn.top_p, drawn.do_sample, drawn.max_new_tokens) == (0.7, 1.0, True, LONGEST)


@pytest.mark.parametrize("setting", [{"min_p": 0.1}, {"typical_p": 0.9}, {"suppress_tokens": [2]}], ids=str)
def test_truncation_that_the_model_ships_is_refused_unless_settings_undo_it(recorder, setting):
    ((name, value),) = setting.items()
    model = policy()
    setattr(model.generation_config, name, value)
    rule = rf"^model.generation_config.{name} must be .*, since another value draws .*, got {re.escape(repr(value))}"
    with pytest.raises(ValueError, match=rule):
        recorder(model=model)
    if name != "suppress_tokens":  # which None leaves to the model
        undone = {"min_p": 0.0, "typical_p": 1.0}[name]
        recorder(model=model, generation_kwargs={name: undone})


def test_neutral_settings_that_the_model_ships_are_taken(recorder):
    model = policy()
    model.generation_config.update(typical_p=1.0, no_repeat_ngram_size=0, num_beams=1, top_k=20, top_p=0.8)
    drawn = recorder(model=model).generation_config
    assert (drawn.top_k, drawn.top_p) == (0, 1.0)  # the trainer's own, over the model's


@pytest.mark.parametrize("mode", ["sequence_mask", "token_mask"])
def test_masks_of_vllm_rollouts_are_refused_where_they_mask(mode):
    vllm = {"use_vllm": True, "vllm_importance_sampling_mode": mode}
    with pytest.raises(ValueError, match=rf"^args.vllm_importance_sampling_mode must be .*, since masks .* '{mode}'"):
        check_gradient(arguments("unused", **vllm))
    check_gradient(arguments("unused", **vllm, vllm_importance_sampling_clip_max=None))
    check_gradient(arguments("unused", **vllm, vllm_importance_sampling_correction=False))
    check_gradient(arguments("unused", vllm_importance_sampling_mode=mode))
    check_gradient(arguments("unused", use_vllm=True, vllm_importance_sampling_mode="sequence_truncate"))


def test_what_vllm_leaves_of_the_mean_is_a_warning():
    with pytest.warns(UserWarning, match=r"^args.vllm_importance_sampling_clip_max = 3.0 cuts off the ratios"):
        warn_of_changes(arguments("unused", use_vllm=True))
    with pytest.warns(UserWarning, match=r"^args.vllm_importance_sampling_correction = False takes the rollouts"):
        warn_of_changes(arguments("unused", use_vllm=True, vllm_importance_sampling_correction=False))
    with warnings.catch_warnings(action="error", category=UserWarning):
        warn_of_changes(arguments("unused", use_vllm=True, vllm_importance_sampling_clip_max=None))


class WithTools(Recorder):
    """The third completion is of tools, all of it or all but its last token."""

    last = 0

    def _generate(self, prompts):
        prompt_ids, completion_ids, _, *others = super()._generate(prompts)
        masks = [[1] * len(ids) for ids in completion_ids]
        masks[2] = [0] * (len(masks[2]) - 1) + [self.last]
        return prompt_ids, completion_ids, masks, *others


def test_a_completion_without_a_token_of_the_policy_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^completion_mask\[2\] must have a token that is the policy's, .* got none$"):
        WithTools(tmp_path).train()


def test_tokens_of_tools_leave_advantages_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(WithTools, "last", 1)
    trainer = WithTools(tmp_path)
    trainer.train()
    (batch,) = trainer.batches
    assert int(batch["tool_mask"][2, : int(batch["completion_mask"][2].sum())].sum()) == 1
    rewards = np.float32(share_of_ones(completions(batch))).reshape(-1, N)
    np.testing.assert_array_equal(batch["advantages"].numpy(), mx.advantages(rewards).ravel())


@pytest.mark.parametrize("setting", [{"beta": 0.1}, {"entropy_coef": 0.01}, {"use_adaptive_entropy": True}], ids=str)
def test_a_term_that_is_added_to_the_gradient_is_a_warning(setting):
    ((name, value),) = setting.items()
    with pytest.warns(UserWarning, match=f"^args.{name} = {value} adds a term to the gradient"):
        warn_of_changes(arguments("unused", **setting))


def test_the_auxiliary_loss_of_a_mixture_of_experts_is_a_warning_and_does_bend_the_gradient(recorder):
    with pytest.warns(UserWarning, match=r"^args.router_aux_loss_coef = None stands for 0.001 with this"):
        bent = recorder(model=mixture())
    with warnings.catch_warnings(action="error", category=UserWarning):
        exact = recorder(model=mixture(), router_aux_loss_coef=0.0)
    for trainer in (exact, bent):
        trainer.train()
        expected = gradient_by_definition(trainer.start, trainer.batches, advantages_of(trainer.batches)) / LONGEST
        assert (off(trainer.gradient(), expected) < GRADIENT) == (trainer is exact)


def test_clipping_is_a_warning_and_does_scale_the_gradient(recorder):
    with pytest.warns(UserWarning, match=r"^args.max_grad_norm = 0.01 scales each longer gradient down"):
        trainer = recorder(max_grad_norm=0.01)
    trainer.train()
    expected = gradient_by_definition(trainer.start, trainer.batches, advantages_of(trainer.batches)) / LONGEST
    assert float(expected.norm()) > 0.02
    assert float(trainer.gradient().norm()) == pytest.approx(0.01, rel=1e-3)


def test_settings_that_leave_the_gradient_alone_are_not_remarked(recorder):
    with warnings.catch_warnings(action="error", category=UserWarning):
        recorder(
            scale_rewards="batch", multi_objective_aggregation="normalize_then_sum", importance_sampling_level="token"
        )


def test_the_model_card_names_the_method_that_was_used(recorder, tmp_path):
    recorder().create_model_card()
    card = (tmp_path / "README.md").read_text()
    assert "MaxRL" in card
    assert "2602.02710" in card
    assert "DeepSeekMath" not in card


# the advantages that TRL ships


def test_shipped_rloo_ascends_exactly_the_pass_rate_and_passes_every_check():
    rloo = as_estimator(RLOOTrainer, RLOOConfig)
    assert rloo.__name__ == "trl.rloo()"
    assert [str(mx.effective_weight(rloo, n).nearest()) for n in (2, 3, 8, 16)] == [
        "J_1 to the rounding of float32"
    ] * 4
    assert mx.check_estimator(rloo, objective=mx.Objective.expected(), group_sizes=(1, 2, 4)).passed


def test_shipped_grpo_without_scaling_is_the_pass_rate_less_a_share():
    grpo = as_estimator(GRPOTrainer, GRPOConfig, scale_rewards="none")
    assert grpo.__name__ == "trl.grpo(scale_rewards=none)"
    for n in (2, 4, 8, 16):
        assert str(mx.effective_weight(grpo, n).nearest()) == f"{n - 1}/{n} x J_1 to the rounding of float32"


def test_shipped_grpo_ascends_no_objective():
    grpo = as_estimator(GRPOTrainer, GRPOConfig, scale_rewards="group")
    assert str(mx.effective_weight(grpo, 8).nearest()) == "no known objective; nearest 1.964 x J_1 (off by 0.11)"
    report = mx.check_estimator(grpo, group_sizes=(1, 4), on_fail=None)
    failed = [check.name for check in report.checks if check.status == "failed"]
    assert failed == ["is a gradient", "effective objective", "leave-one-out", "bias on graded likelihoods"]
    assert report["groups of one"].message.startswith("refused: ValueError: GRPO requires at least 2 generations")
    assert "as_estimator(GRPOTrainer, GRPOConfig, scale_rewards='group')" in report["effective objective"].reproduce


@pytest.mark.parametrize(
    ("trainer", "config", "settings"),
    [
        (GRPOTrainer, GRPOConfig, {"scale_rewards": "batch"}),
        (GRPOTrainer, GRPOConfig, {"multi_objective_aggregation": "normalize_then_sum"}),
        (RLOOTrainer, RLOOConfig, {"normalize_advantages": True}),
    ],
    ids=["scale_rewards", "normalize_then_sum", "normalize_advantages"],
)
def test_shipped_scaling_over_the_batch_is_found_to_depend_on_it(trainer, config, settings):
    with pytest.raises(ValueError, match="depends on the batch"):
        mx.effective_weight(as_estimator(trainer, config, **settings), 4)


def test_shipped_advantages_are_the_rows_of_the_table_to_float32():
    likelihoods = np.random.default_rng(0).random((2, 3, 5))
    centred = likelihoods - likelihoods.mean(-1, keepdims=True)
    scale = likelihoods.std(-1, ddof=1, keepdims=True) + 1e-4
    for got, expected in (
        (as_estimator(GRPOTrainer, GRPOConfig)(likelihoods), centred / scale),
        (as_estimator(GRPOTrainer, GRPOConfig, scale_rewards="none")(likelihoods), centred),
        (as_estimator(RLOOTrainer, RLOOConfig)(likelihoods), mx.estimators.get("rloo")(likelihoods)),
    ):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, expected, rtol=0, atol=SHIPPED)


def test_our_own_trainer_is_judged_by_the_same_means():
    ours = as_estimator(MaxRLTrainer, GRPOConfig, loss_type="dr_grpo")
    with warnings.catch_warnings(action="error", category=UserWarning):
        assert str(mx.effective_weight(ours, 8).nearest()) == "J_8 to the rounding of float32"
    assert mx.check_estimator(ours, objective=mx.Objective.maxrl, group_sizes=(2, 4)).passed


def test_groups_have_prompts_of_their_own_and_completions_of_several_tokens():
    seen = []

    class Watching(RLOOTrainer):
        def _calculate_rewards(self, inputs, prompts, completions, completion_ids):
            seen.append((prompts, [len(ids) for ids in completion_ids]))
            return super()._calculate_rewards(inputs, prompts, completions, completion_ids)

    watched = as_estimator(Watching, RLOOConfig)
    for groups in (np.eye(4)[:2], np.zeros((2, 4))):
        watched(groups)
    (prompts, lengths), again = seen
    assert prompts == ["prompt 0"] * 4 + ["prompt 1"] * 4
    assert len(set(lengths)) > 1
    assert again == (prompts, lengths)
    assert watched.ragged is None


def test_advantages_that_count_tokens_are_found_out():
    class PerToken(GRPOTrainer):
        def _generate_and_score_completions(self, inputs):
            batch = super()._generate_and_score_completions(inputs)
            return {**batch, "advantages": batch["advantages"] / batch["completion_mask"].sum(-1)}

    judged = as_estimator(PerToken, GRPOConfig, scale_rewards="none")
    assert not mx.check_estimator(judged, group_sizes=(4,), on_fail=None).passed


def test_an_estimator_outlives_the_trainers_that_are_built_after_it(recorder):
    rloo = as_estimator(RLOOTrainer, RLOOConfig)
    before = rloo(np.eye(3))
    recorder()
    np.testing.assert_array_equal(rloo(np.eye(3)), before)


def test_an_estimator_refuses_what_is_no_likelihood():
    with pytest.raises(ValueError, match=r"^likelihoods\[0, 1\] must lie in \[0, 1\], got 1\.5$"):
        as_estimator(RLOOTrainer, RLOOConfig)(np.array([[0.0, 1.5]]))


def test_arguments_are_by_default_those_of_an_exact_gradient(monkeypatch, tmp_path):
    asked = []

    def config(**settings):
        asked.append(settings)
        return arguments(tmp_path, **settings)

    monkeypatch.setattr(adapter, "GRPOConfig", config)
    with warnings.catch_warnings(action="error", category=UserWarning):
        MaxRLTrainer(policy(), share_of_ones, train_dataset=PROMPTS, processing_class=tokenizer())
    assert asked == [{"loss_type": "dr_grpo", "max_grad_norm": 0.0}]


def test_a_trainer_goes_to_a_verdict_by_one_command(capsys):
    assert main(["check", "trl:GRPOTrainer", "--group-sizes", "2", "4"]) == 1
    assert capsys.readouterr().out.startswith(
        "FAILED  trl:GRPOTrainer: is a gradient, effective objective, leave-one-out, b"
    )
    assert main(["check", "trl:GRPOTriner"]) == 2
    assert "no 'GRPOTriner' in trl; did you mean 'GRPOTrainer'?" in capsys.readouterr().err
