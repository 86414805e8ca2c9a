"""`TokenAdvantages` through verl's own dispatch, and the advantage functions that verl ships, judged."""

import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
with warnings.catch_warnings(action="ignore"):  # verl warns of engines that are not installed
    pytest.importorskip("verl", reason="needs verl")
    pytest.importorskip("verl.trainer.ppo.ray_trainer", reason="needs cachetools, uvicorn and fastapi")
    from verl import DataProto
    from verl.trainer.config import AlgoConfig
    from verl.trainer.ppo import core_algos
    from verl.trainer.ppo.ray_trainer import compute_advantage
    from verl.workers.config import ActorConfig

import maxrl_est as mx  # noqa: E402
from maxrl_est.adapters import verl as adapter  # noqa: E402
from maxrl_est.adapters.verl import TokenAdvantages, as_estimator  # noqa: E402
from maxrl_est.estimates.baselines import BASELINES  # noqa: E402

ROUNDED = 2e-7  # float32 advantages, of the largest; worst measured 4.1e-8
GRADIENT = 1e-12  # relative, in float64; worst measured 1.5e-16
NAMED = {  # order and baseline
    "maxrl_est": (None, None),
    "maxrl_est_t2": (2, None),
    **{f"maxrl_est_{baseline}": (None, baseline) for baseline in BASELINES},
}

GROUPS = {  # ragged
    "6f1b": [0.0, 1.0, 0.25],
    "a902": [0.5, 0.0, 0.75, 1.0, 0.125],
    "03cc": [0.0, 0.0, 0.0],
    "e7d4": [1.0, 0.875],
}


@pytest.fixture(autouse=True)
def registry(monkeypatch):
    """verl's registry as it is shipped, with the default names."""
    monkeypatch.setattr(core_algos, "ADV_ESTIMATOR_REGISTRY", dict(core_algos.ADV_ESTIMATOR_REGISTRY))
    adapter.load()
    return core_algos.ADV_ESTIMATOR_REGISTRY


def batch_of(groups, *, seed=0, length=4, dtype=torch.float32):
    """Token rewards, masks and uids of groups whose responses are interleaved at random."""
    rng = np.random.default_rng(seed)
    responses = [(uid, likelihood) for uid, likelihoods in groups.items() for likelihood in likelihoods]
    responses = [responses[i] for i in rng.permutation(len(responses))]
    mask = torch.tensor([[int(t < rng.integers(1, length + 1)) for t in range(length)] for _ in responses])
    mask[:, 0] = 1
    rewards = torch.zeros(mask.shape, dtype=dtype)
    last = (mask * torch.arange(length)).argmax(dim=1)
    rewards[torch.arange(len(responses)), last] = torch.tensor([x for _, x in responses], dtype=dtype)
    return rewards, mask, np.array([uid for uid, _ in responses], dtype=object)


def through_verl(name, rewards, mask, uids):
    data = DataProto.from_dict(
        tensors={"token_level_rewards": rewards, "response_mask": mask}, non_tensors={"uid": uids}
    )
    data = compute_advantage(data, adv_estimator=name, config=AlgoConfig(adv_estimator=name))
    assert torch.equal(data.batch["advantages"], data.batch["returns"])
    return data.batch["advantages"]


def by_definition(rewards, mask, uids, *arguments, **keywords):
    """Advantages (B N, L), one group at a time."""
    likelihoods = rewards.double().sum(-1).numpy()
    expected = np.zeros(len(uids))
    for uid in set(uids):
        expected[uids == uid] = mx.advantages(likelihoods[uids == uid], *arguments, **keywords)
    return torch.from_numpy(expected)[:, None] * mask


# through verl's dispatch


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_ragged_interleaved_groups_have_the_advantages_of_the_package(name, dtype):
    rewards, mask, uids = batch_of(GROUPS, dtype=dtype)
    order, baseline = NAMED[name]
    got = through_verl(name, rewards, mask, uids)
    expected = by_definition(rewards, mask, uids, order, baseline=baseline)
    assert got.dtype == dtype
    assert float((got - expected).abs().max() / expected.abs().max()) <= (ROUNDED if dtype == torch.float32 else 0)


@pytest.mark.parametrize("baseline", [None, "none", "one", "one_over_n", 0.25], ids=str)
def test_groups_of_one_have_the_advantages_of_the_package(baseline):
    rewards, mask, uids = torch.tensor([[0.5], [0.25]]), torch.ones(2, 1), np.array(["a", "b"], dtype=object)
    got, _ = TokenAdvantages(baseline=baseline)(rewards, mask, uids)
    assert got.tolist() == mx.advantages(rewards.numpy(), baseline=baseline).tolist()
    assert (got.tolist() == rewards.tolist()) == (baseline in (None, "none"))


def test_groups_are_found_by_their_uid_and_not_by_their_place():
    rewards, mask, uids = batch_of({"a": [1.0, 0.0, 0.0], "b": [0.0, 0.5, 1.0]})
    got = through_verl("maxrl_est", rewards, mask, uids)
    assert torch.equal(got, by_definition(rewards, mask, uids).float())
    wrong = mx.advantages(rewards.sum(-1).numpy().reshape(-1, 3)).ravel()  # the wrong version: neighbours are a group
    assert abs(wrong - got[:, 0].numpy()).max() > 0.1


def test_a_response_is_the_sum_of_its_token_rewards_rounded_to_their_dtype():
    rewards = torch.tensor([[0.6, 0.4], [0.0, 0.0]])
    assert float(rewards.double().sum(-1)[0]) > 1  # the wrong version refuses it
    got, _ = TokenAdvantages(baseline="one")(rewards, torch.ones(2, 2), np.array(["a", "a"], dtype=object))
    assert got.tolist() == [[1.0, 1.0], [-1.0, -1.0]]


@pytest.mark.parametrize("parts", [[0.6, 0.4], [0.8, 0.2], [0.5, 0.3, 0.2], [0.1] * 10], ids=str)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_a_sum_in_half_precision_has_no_digits_that_rewards_lack(parts, dtype):
    rewards = torch.tensor([parts, [0.0] * len(parts)]).to(dtype)
    got, _ = TokenAdvantages(baseline="one")(rewards, torch.ones(rewards.shape), np.array(["a", "a"], dtype=object))
    assert got[:, 0].tolist() == pytest.approx([1, -1], abs=0.02)


def test_uids_are_values_whatever_holds_them():
    rewards, mask = torch.tensor([[1.0], [0.0], [0.0], [1.0]]), torch.ones(4, 1)
    for uids in ([0, 0, 1, 1], np.array(["a", "a", "b", "b"], dtype=object), torch.tensor([0, 0, 1, 1])):
        assert TokenAdvantages(baseline="one")(rewards, mask, uids)[0].ravel().tolist() == [1, -1, -1, 1]
    with pytest.raises(ValueError, match=r"^index\[1\] must be equal to itself, got nan$"):
        TokenAdvantages()(rewards, mask, np.array([0.0, np.nan, 1.0, 1.0]))
    with pytest.raises(ValueError, match=r"^index must have a uid for each of the 4 responses, got shape \(2,\)$"):
        TokenAdvantages()(rewards, mask, np.array([0, 1]))


def test_whole_numbers_as_rewards_do_not_make_whole_numbers_of_advantages():
    rewards, uids = torch.tensor([[1], [1], [0]]), np.array(["a"] * 3, dtype=object)
    got, _ = TokenAdvantages(baseline="one")(rewards, torch.ones(3, 1, dtype=torch.bool), uids)
    assert got.tolist() == [[0.5], [0.5], [-1.0]]


def test_log_likelihoods_are_as_good_as_likelihoods(registry):
    adapter.register("gaussian", 3, log_ceiling=np.float64(-0.9))  # which the rewards exceed by their rounding
    rewards, mask, uids = batch_of({"a": [-0.9, -1.5, -700.0], "b": [-2.0, -0.95, float("-inf")]})
    got = through_verl("gaussian", rewards, mask, uids)
    likelihoods = rewards.sum(-1).double().sub(float(np.float32(-0.9))).exp()[:, None]
    expected = by_definition(likelihoods, mask, uids, 3)
    assert float((got - expected).abs().max() / expected.abs().max()) <= ROUNDED


def test_padding_of_a_batch_is_passed_over():
    rewards, mask, uids = batch_of(GROUPS)
    expected = through_verl("maxrl_est_pass_loo", rewards, mask, uids)
    padding = torch.zeros(1, mask.shape[1], dtype=mask.dtype)
    padded = torch.cat([padding.float(), rewards]), torch.cat([padding, mask]), np.append("pad1c", uids)
    got = through_verl("maxrl_est_pass_loo", *padded)
    assert torch.equal(got, torch.cat([padding.float(), expected]))
    with pytest.raises(ValueError, match=r"N = 1 \(uid 'pad1c'\)$"):  # a group of one with a token is none
        through_verl("maxrl_est_pass_loo", padded[0], torch.ones_like(padded[1]), padded[2])


def test_a_response_without_tokens_still_counts_in_its_group():
    rewards, uids = torch.tensor([[1.0], [0.0], [0.0]]), np.array(["a"] * 3, dtype=object)
    got, _ = TokenAdvantages(baseline="one")(rewards, torch.tensor([[1], [1], [0]]), uids)
    assert got.tolist() == [[2.0], [-1.0], [0.0]]


def test_skyrl_calls_it_with_arguments_of_its_own():
    rewards, mask, uids = batch_of(GROUPS)
    options = {"values": None, "grpo_norm_by_std": True, "gamma": 1.0, "lambd": 1.0, "config": None}
    function = pickle.loads(pickle.dumps(TokenAdvantages()))  # as it goes to other processes
    got, _ = function(token_level_rewards=rewards, response_mask=mask.float(), index=uids, **options)
    assert torch.equal(got, through_verl("maxrl_est", rewards, mask, uids))


# the gradient


def gradient(advantages, mask, mode):
    """Of verl's own loss at the sampling policy, with respect to the log-probability of each token."""
    log_prob = torch.full(mask.shape, -1.0, dtype=torch.float64, requires_grad=True)
    config = ActorConfig(strategy="fsdp", rollout_n=1, ppo_micro_batch_size_per_gpu=1)
    loss, _ = core_algos.compute_policy_loss_vanilla(
        log_prob.detach(), log_prob, advantages, mask, loss_agg_mode=mode, config=config
    )
    loss.backward()
    return log_prob.grad


def test_the_loss_has_the_gradient_of_the_advantages_where_the_docstring_says_so():
    rewards, mask, uids = batch_of(GROUPS, dtype=torch.float64)
    advantages = through_verl("maxrl_est", rewards, mask, uids)
    expected = -advantages / len(uids)
    off = {}
    for mode in ("seq-mean-token-sum", "seq-mean-token-sum-norm", "token-mean", "seq-mean-token-mean"):
        got = gradient(advantages, mask, mode)
        scale = float((got * expected).sum() / (expected**2).sum())
        off[mode] = scale, float((got - scale * expected).norm() / (scale * expected).norm())
    assert off["seq-mean-token-sum"] == pytest.approx((1, 0), abs=GRADIENT)
    assert off["seq-mean-token-sum-norm"] == pytest.approx((1 / mask.shape[1], 0), abs=GRADIENT)
    assert off["token-mean"] == pytest.approx((len(uids) / float(mask.sum()), 0), abs=GRADIENT)
    assert off["seq-mean-token-mean"][1] > 0.1


# names


def test_registering_twice_is_once_and_another_meaning_is_refused(registry):
    names = set(registry)
    adapter.load()
    assert set(registry) == names >= {*NAMED, "maxrl_est_t64", "grpo"}
    adapter.register("mine", mx.Objective.pass_at(3), baseline=0.25)
    adapter.register("mine", mx.Objective.pass_at(3), baseline=0.25)
    assert core_algos.get_adv_estimator_fn("mine") == TokenAdvantages(mx.Objective.pass_at(3), 0.25)
    with pytest.raises(ValueError, match="mine has already been registered"):
        adapter.register("mine", mx.Objective.pass_at(4), baseline=0.25)


def test_the_module_alone_imports_no_verl_and_registers_nothing():
    script = "import sys, maxrl_est.adapters.verl; assert not [m for m in sys.modules if m.split('.')[0] == 'verl']"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_verl_finds_the_names_by_itself(tmp_path):
    (tmp_path / "a_plugin.py").write_text("from maxrl_est.adapters.verl import load\n\nload()\n")
    metadata = tmp_path / "a_plugin-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: a-plugin\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[verl.plugins]\na_plugin = a_plugin\n")
    script = "from verl.trainer.ppo.core_algos import ADV_ESTIMATOR_REGISTRY as r; print('maxrl_est_t4' in r)"
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    for allowed, expected in (("a_plugin", "True"), ("none", "False")):
        environment = {**os.environ, "PYTHONPATH": path, "VERL_USE_EXTERNAL_PLUGINS": allowed}
        run = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script],
            check=True,
            timeout=100,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert run.stdout.split()[-1] == expected


# what is refused


@pytest.mark.parametrize(
    ("name", "reward", "message"),
    [
        ("maxrl_est", 1.5, r"have a sum in \[0, 1\], which a KL penalty in the rewards leaves, got 1\.5"),
        ("maxrl_est", -0.25, r"have a sum in \[0, 1\], which a KL penalty in the rewards leaves, got -0\.25"),
        ("maxrl_est_t2", float("nan"), r"have a sum in \[0, 1\], which a KL penalty in the rewards leaves, got nan"),
        ("logs", -0.5, r"have a sum of at most log_ceiling = -0\.75, got -0\.5"),
        ("logs", float("nan"), r"have a sum of at most log_ceiling = -0\.75, got nan"),
    ],
)
def test_a_sum_that_is_no_likelihood_says_where_it_is(name, reward, message):
    adapter.register("logs", log_ceiling=-0.75)
    rewards = torch.full((5, 2), -1.0 if name == "logs" else 0.25)
    rewards[3] = torch.tensor([0.0, reward])
    uids = np.array(["a", "b", "a", "b", "b"], dtype=object)
    with pytest.raises(ValueError, match=rf"^token_level_rewards\[3\] must {message} \(uid 'b'\)$"):
        through_verl(name, rewards, torch.ones(5, 2), uids)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("maxrl_est_t4", r"^objective must be .*N = 3, got T = 4.* \(uid 'b'\)$"),
        (
            "maxrl_est_mean_loo",
            r"^likelihoods must have .*N >= 2 for baseline 'mean_loo', got N = 1 \(uid 'c'\)$",
        ),
        (
            "maxrl_est_pass_loo",
            r"^likelihoods must have .*N >= 2 for baseline 'pass_loo' of order 1, got N = 1 \(uid 'c'\)$",
        ),
    ],
)
def test_a_group_that_is_too_small_is_refused_by_its_uid(name, message):
    groups = {"a": [0.5] * 4, "b": [0.5] * 3} | ({} if name == "maxrl_est_t4" else {"c": [0.5]})
    with pytest.raises(ValueError, match=message):
        through_verl(name, *batch_of(groups))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"objective": 0}, "objective .*0"),
        ({"baseline": "mean"}, "baseline must be one of none, one, .*, got 'mean'"),
        ({"baseline": float("inf")}, "baseline must be finite, got inf"),
        ({"log_ceiling": float("nan")}, "log_ceiling must be finite, got nan"),
    ],
)
def test_what_no_group_could_satisfy_is_refused_when_it_is_registered(registry, arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        adapter.register("wrong", **arguments)
    assert "wrong" not in registry


# the advantages that verl ships

CONSTANT = {"old_log_probs": torch.full((1, 1), -0.5), "sum_pi_squared": torch.full((1, 1), 0.5)}


@pytest.mark.parametrize(
    ("name", "options", "verdict"),
    [
        ("grpo", {}, "no known objective; nearest 1.964 x J_1 (off by 0.11)"),
        ("grpo_vectorized", {"dtype": torch.float32}, "no known objective; nearest 1.964 x J_1 (off by 0.11)"),
        ("grpo", {"norm_adv_by_std_in_grpo": False}, "7/8 x J_1 to rounding"),
        (
            "grpo_vectorized",
            {"norm_adv_by_std_in_grpo": False, "dtype": torch.float32},
            "7/8 x J_1 to the rounding of float32",
        ),
        ("rloo", {}, "J_1 to rounding"),
        ("rloo_vectorized", {}, "J_1 to rounding"),
        ("remax", {"reward_baselines": torch.tensor([0.25])}, "J_1 to rounding"),
        ("opo", {}, "7/8 x J_1 to rounding"),
        ("optimal_token_baseline", CONSTANT, "7/8 x J_1 to rounding"),
        ("tir_optimal_token_baseline", {**CONSTANT, "dtype": torch.float32}, "7/8 x J_1 to the rounding of float32"),
        ("grpo_passk", {}, "0.3536 x pass@8 to rounding"),
        ("grpo_passk", {"config": AlgoConfig(norm_adv_by_std_in_grpo=False)}, "1/8 x pass@8 to rounding"),
        ("maxrl_est", {}, "J_8 to rounding"),
        ("maxrl_est_t4", {}, "J_4 to rounding"),
        ("maxrl_est_pass_loo", {}, "J_7 to rounding"),
    ],
    ids=str,
)
def test_what_is_shipped_ascends(name, options, verdict):
    assert str(mx.effective_weight(as_estimator(name, **options), 8).nearest()) == verdict


@pytest.mark.parametrize("name", ["gpg", "gdpo", "reinforce_plus_plus", "reinforce_plus_plus_baseline"])
def test_what_is_normalised_over_the_batch_is_found_out(name):
    with pytest.raises(ValueError, match="estimator depends on the batch"):
        mx.effective_weight(as_estimator(name), 8)


def test_shipped_rloo_and_the_packages_own_pass_every_check():
    assert mx.check_estimator(as_estimator("rloo"), objective=mx.Objective.expected(), group_sizes=(1, 2, 4)).passed
    assert mx.check_estimator(as_estimator("maxrl_est"), objective=mx.Objective.maxrl, group_sizes=(1, 2, 4)).passed


def test_shipped_grpo_fails_where_it_should():
    report = mx.check_estimator(as_estimator("grpo"), group_sizes=(1, 4), on_fail=None)
    failed = [check.name for check in report.checks if check.status == "failed"]
    assert failed == ["effective objective", "leave-one-out", "bias on graded likelihoods"]
    assert "as_estimator('grpo')" in report["effective objective"].message


@pytest.mark.parametrize("name", ["opo", "grpo_passk"])
def test_shipped_functions_that_ascend_a_multiple_are_no_estimate_of_it_on_graded_likelihoods(name):
    report = mx.check_estimator(as_estimator(name), group_sizes=(4,), on_fail=None)
    assert report["bias on graded likelihoods"].status == "failed"


@pytest.mark.parametrize(("name", "expected"), [("grpo", 1 / (1 + 1e-6)), ("rloo", 1.0), ("rloo_vectorized", 0.0)])
def test_shipped_functions_disagree_about_groups_of_one(name, expected):
    assert as_estimator(name)(np.ones(1)).tolist() == pytest.approx([expected], rel=1e-7)  # verl has float32 there


def test_any_function_of_the_same_signature_can_be_judged():
    def maxrl(token_level_rewards, response_mask, index, **_):
        """As shipped elsewhere, and wrong: it takes the batch for one group."""
        rewards = token_level_rewards.sum(-1)
        return ((rewards - rewards.mean()) / (rewards.mean() + 1e-6))[:, None] * response_mask, None

    with pytest.raises(ValueError, match="estimator depends on the batch"):
        mx.effective_weight(as_estimator(maxrl), 4)
    assert as_estimator(maxrl).__name__ == "maxrl()"


def test_an_estimator_refuses_what_is_no_likelihood():
    with pytest.raises(ValueError, match=r"^likelihoods\[0, 1\] must lie in \[0, 1\], got 1\.5$"):
        as_estimator("rloo")(np.array([[0.0, 1.5]]))
