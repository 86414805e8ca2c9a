"""`TokenAdvantages` through verl's own dispatch, and the advantage functions that verl ships, judged."""

import itertools
import math
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
from maxrl_est.cli import main  # noqa: E402
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


# responses that are masked


def test_a_masked_response_is_refused_unless_it_is_to_be_left_out_of_its_group():
    rewards, mask = torch.tensor([[1.0], [0.0], [0.0], [1.0]]), torch.tensor([[1], [1], [1], [0]])
    uids = np.array(["a"] * 4, dtype=object)
    with pytest.raises(ValueError, match=r"^response_mask\[3\] must have a token, .*, got none \(uid 'a'\)$"):
        TokenAdvantages(baseline="one")(rewards, mask, uids)
    got, _ = TokenAdvantages(baseline="one", masked="leave_out")(rewards, mask, uids)
    assert got.ravel().tolist() == [2, -1, -1, 0]  # the wrong version, which keeps it: 1, -1, -1, 0
    got, _ = TokenAdvantages(masked="leave_out")(rewards, mask, uids)
    assert got.ravel().tolist() == pytest.approx([*mx.advantages([1, 0, 0]), 0], rel=1e-15)


def test_left_out_responses_are_those_of_a_batch_without_them(registry):
    adapter.register("kept", masked="leave_out")
    rewards, mask, uids = batch_of(GROUPS)
    out = np.isin(np.arange(len(uids)), [1, 4, 5])
    got = through_verl("kept", rewards, mask * torch.from_numpy(~out)[:, None], uids)
    assert not got[out].any()
    assert torch.equal(got[~out], through_verl("maxrl_est", rewards[~out], mask[~out], uids[~out]))
    rewards[1, 0] = 7.0  # no likelihood, and nobody's
    assert torch.equal(through_verl("kept", rewards, mask * torch.from_numpy(~out)[:, None], uids), got)


def test_a_group_that_is_too_small_for_its_order_without_those_left_out_is_refused():
    rewards, uids = torch.tensor([[1.0], [0.0], [0.0]]), np.array(["a"] * 3, dtype=object)
    with pytest.raises(ValueError, match=r"N = 2, got T = 3.* \(uid 'a'\)$"):
        TokenAdvantages(3, masked="leave_out")(rewards, torch.tensor([[1], [1], [0]]), uids)


def test_what_is_to_be_done_with_masked_responses_is_one_of_two():
    with pytest.raises(ValueError, match=r"^masked must be one of refuse, leave_out, got 'leaveout'; did you mean"):
        TokenAdvantages(masked="leaveout")


# four responses: their chances, likelihoods, and whether they are kept; the parameters are those of a softmax
CHANCES, LIKELIHOODS = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.0, 1.0, 0.5, 1.0])
KEPT = np.array([True, True, True, False])
SCORES, P_KEPT = np.eye(4) - CHANCES, CHANCES @ KEPT


def gradient_of_mean(values):
    """grad E values (d,)."""
    return (CHANCES * values) @ SCORES


def enumerated(estimator, kept):
    """All groups of N = 3 of which so many are kept: the mean of (1/N) sum_i A_i S_i (d,), and of the A_i of those."""
    responses = np.array(list(itertools.product(range(4), repeat=3)))
    responses = responses[KEPT[responses].sum(axis=1) == kept]  # (groups, N)
    rewards, mask = (torch.from_numpy(values[responses].reshape(-1, 1)) for values in (LIKELIHOODS, KEPT))
    tokens, _ = estimator(rewards, mask.int(), np.repeat(np.arange(len(responses)), 3))
    found = tokens.numpy().reshape(responses.shape) * KEPT[responses]
    chances = CHANCES[responses].prod(axis=1)
    chances /= chances.sum()
    return chances @ (found[..., None] * SCORES[responses]).mean(axis=1), chances @ found.sum(axis=1) / kept


@pytest.mark.parametrize("baseline", ["none", "one", 0.25])
def test_responses_that_are_masked_within_their_group_would_have_the_bias_of_the_docstring(baseline):
    def unmasked(rewards, mask, uids):
        return TokenAdvantages(baseline=baseline)(rewards, torch.ones_like(mask), uids)

    chances = [math.comb(3, m) * P_KEPT**m * (1 - P_KEPT) ** (3 - m) for m in range(4)]
    got = sum(chances[m] * enumerated(unmasked, m)[0] for m in (1, 2, 3))
    weight = mx.Objective.maxrl(3).weight(CHANCES @ LIKELIHOODS)
    constant = {"none": 0, "one": 1}.get(baseline, baseline)
    expected = weight * gradient_of_mean(LIKELIHOODS * KEPT) - constant * gradient_of_mean(KEPT)
    np.testing.assert_allclose(got, expected, rtol=0, atol=GRADIENT)


@pytest.mark.parametrize("kept", [1, 2, 3])
@pytest.mark.parametrize("objective", [None, 1])
@pytest.mark.parametrize("baseline", [None, *BASELINES, 0.25])
def test_responses_that_are_left_out_have_the_consequence_of_the_docstring(objective, baseline, kept):
    estimator = TokenAdvantages(objective, baseline, masked="leave_out")
    if kept == 1 and baseline in ("pass_loo", "mean_loo"):
        with pytest.raises(ValueError, match="N >= 2"):
            enumerated(estimator, kept)
        return
    got, mean = enumerated(estimator, kept)
    order = objective or (kept - 1 if baseline == "pass_loo" else kept)
    passed = (CHANCES * KEPT) @ LIKELIHOODS / P_KEPT
    weight = mx.Objective.maxrl(order).weight(passed)
    grad_kept = gradient_of_mean(KEPT) / P_KEPT  # of log P(kept)
    grad_passed = gradient_of_mean(LIKELIHOODS * KEPT) / P_KEPT - passed * grad_kept
    np.testing.assert_allclose(got, kept / 3 * (weight * grad_passed + mean * grad_kept), rtol=0, atol=GRADIENT)
    if baseline == "pass_loo" or (order == 1 and kept > 1 and baseline in (None, "mean_loo")):
        assert mean == pytest.approx(0, abs=GRADIENT)
    elif baseline in (None, "mean_loo") and kept > 1:
        assert 0.01 < mean < passed * weight
    else:
        constant = {None: 0, "none": 0, "one": 1, "one_over_n": 1 / kept}.get(baseline, baseline)
        assert mean == pytest.approx(passed * weight - constant, abs=GRADIENT)
        assert passed * weight == pytest.approx(1 - (1 - passed) ** order)


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
            core_algos.compute_grpo_vectorized_outcome_advantage,
            {"norm_adv_by_std_in_grpo": False, "dtype": torch.float32},
            "7/8 x J_1 to the rounding of float32",
        ),
        ("rloo", {}, "J_1 to rounding"),
        ("rloo_vectorized", {}, "J_1 to rounding"),
        ("remax", {"reward_baselines": torch.tensor([0.25])}, "J_1 to rounding"),
        ("opo", {}, "no known objective; nearest 0.875 x J_1 (off by 0.1)"),  # its baseline counts tokens
        ("opo", {"longest": 1}, "7/8 x J_1 to rounding"),
        ("optimal_token_baseline", {**CONSTANT, "longest": 1}, "7/8 x J_1 to rounding"),
        (
            "tir_optimal_token_baseline",
            {**CONSTANT, "longest": 1, "dtype": torch.float32},
            "7/8 x J_1 to the rounding of float32",
        ),
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
    assert failed == ["is a gradient", "effective objective", "leave-one-out", "bias on graded likelihoods"]
    assert "as_estimator('grpo')" in report["effective objective"].reproduce


def test_pass_at_k_of_the_best_alone_is_no_estimate_of_it_on_graded_likelihoods():
    report = mx.check_estimator(as_estimator("grpo_passk"), group_sizes=(4,), on_fail=None)
    assert report["bias on graded likelihoods"].status == "failed"


def test_a_baseline_by_lengths_leaves_the_gradient_of_an_objective_without_a_name():
    """All of a group share it; so it is no known objective's estimate, and still a gradient."""
    report = mx.check_estimator(as_estimator("opo"), group_sizes=(4,), on_fail=None)
    assert report["is a gradient"].status == "passed"
    assert report["effective objective"].status == "failed"


@pytest.mark.parametrize(("name", "expected"), [("grpo", 1 / (1 + 1e-6)), ("rloo", 1.0), ("rloo_vectorized", 0.0)])
def test_shipped_functions_disagree_about_groups_of_one(name, expected):
    assert as_estimator(name)(np.ones(1)).tolist() == pytest.approx([expected], rel=1e-7)  # verl has float32 there


# how they are called


def recorded(groups, **options):
    """What a function is given for groups, and what becomes of its advantages, the numbers of the rows."""
    calls = []

    def numbers(token_level_rewards, response_mask, index):
        calls.append((token_level_rewards, response_mask, index))
        return torch.arange(len(index)).double()[:, None] * response_mask, None

    return as_estimator(numbers, **options).ragged(groups), *calls


def test_a_batch_is_as_trainers_feed_it():
    rows, (rewards, mask, uids) = recorded([np.array([0.0, 1.0]), np.array([0.5, 0.25, 1.0])])
    assert uids.tolist() == ["prompt 2", "prompt 1", "prompt 1", "prompt 2", "prompt 1"]
    assert [x.tolist() for x in rows] == [[0, 3], [1, 2, 4]]
    assert rewards.tolist() == [[0, 0, 0, 0], [0, 0, 0.5, 0], [0, 0, 0, 0.25], [1, 0, 0, 0], [1, 0, 0, 0]]
    assert mask.tolist() == [[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0]]
    again = recorded([np.array([0.5, 0.25]), np.array([0.0, 0.0, 1.0])])[1][2]
    assert uids.tolist() == again.tolist()
    assert recorded([np.array([0.0, 1.0])], longest=1)[1][0].tolist() == [[0.0], [1.0]]


def test_groups_of_several_sizes_go_in_as_one_batch():
    for name in ("rloo", "rloo_vectorized", "grpo", "maxrl_est"):
        function = as_estimator(name)
        groups = [np.array(values) for values in GROUPS.values()]
        for got, group in zip(function.ragged(groups), groups, strict=True):
            np.testing.assert_array_equal(got, function(group))
    assert as_estimator("rloo").ragged([]) == []


def test_rewards_that_are_no_likelihoods_are_refused_in_ragged_groups_too():
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\], got 1\.5$"):
        as_estimator("rloo").ragged([np.array([0.0, 1.0]), np.array([1.5])])


def stride_rloo(token_level_rewards, response_mask, index, **_):
    """RLOO of neighbours, whatever their uids are: wrong."""
    size = len(index) // len(set(index))
    rewards = token_level_rewards.sum(-1).reshape(-1, size)
    advantages = (rewards - rewards.mean(-1, keepdim=True)) * size / (size - 1)
    return advantages.reshape(-1, 1) * response_mask, None


def column_rloo(token_level_rewards, response_mask, index, **_):
    """RLOO of rows at equal distances: wrong."""
    groups = len(set(index))
    rewards = token_level_rewards.sum(-1).reshape(-1, groups)
    advantages = (rewards - rewards.mean(0)) * len(rewards) / (len(rewards) - 1)
    return advantages.reshape(-1, 1) * response_mask, None


@pytest.mark.parametrize("function", [stride_rloo, column_rloo])
@pytest.mark.parametrize("size", [2, 3, 8])
def test_what_finds_groups_by_their_places_fails(function, size):
    judged = as_estimator(function)
    np.testing.assert_allclose(judged(np.eye(size)[0]), as_estimator("rloo")(np.eye(size)[0]), atol=1e-12)
    report = mx.check_estimator(judged, objective=mx.Objective.expected(), group_sizes=(size,), on_fail=None)
    assert not report.passed
    assert report["batch independence"].status == "failed"
    two = [np.array([1.0, 1.0]), np.array([0.0, 0.0])]  # uids a b b a
    assert any(abs(advantages).max() > 0.5 for advantages in judged.ragged(two))
    assert not any(advantages.any() for advantages in as_estimator("rloo").ragged(two))
    with pytest.raises(RuntimeError):
        judged.ragged([np.array([1.0, 0.0]), np.array([1.0, 0.0, 0.0])])
    right = as_estimator("rloo").ragged([np.array([1.0, 0.0]), np.array([1.0, 0.0, 0.0])])
    assert [advantages.tolist() for advantages in right] == [[1, -1], [1, -0.5, -0.5]]


def test_a_baseline_that_counts_tokens_fails():
    def token_mean(token_level_rewards, response_mask, index):
        """The mean over the tokens of a group in place of that over its rollouts."""
        _, group = np.unique(index, return_inverse=True)
        same = torch.from_numpy(group[:, None] == group).double()
        rewards, lengths = token_level_rewards.sum(-1), response_mask.sum(-1).double()
        return (rewards - same @ (rewards * lengths) / (same @ lengths))[:, None] * response_mask, None

    def is_known(longest):
        judged = as_estimator(token_mean, longest=longest)
        return mx.effective_weight(judged, 4).nearest().known

    assert not is_known(4)
    assert is_known(1)  # where all have one length it is the mean over rollouts, as it was when responses had one token


def test_advantages_that_differ_within_a_response_are_an_error():
    with pytest.raises(ValueError, match=r"^reinforce_plus_plus differs within a response: .* \[.*longest=1"):
        as_estimator("reinforce_plus_plus", gamma=0.5)(np.array([0.0, 0.5]))
    for longest, status in ((4, "failed"), (1, "passed")):
        judged = as_estimator("optimal_token_baseline", longest=longest, **CONSTANT)
        assert mx.check_estimator(judged, group_sizes=(4,), on_fail=None)["shape and dtype"].status == status


def test_names_are_called_as_the_trainer_calls_them():
    with pytest.warns(UserWarning, match="^norm_adv_by_std_in_grpo = False changes nothing in grpo_vectorized$"):
        dropped = as_estimator("grpo_vectorized", norm_adv_by_std_in_grpo=False, dtype=torch.float32)
    group = np.array([1.0, 0.0, 0.0])
    np.testing.assert_array_equal(dropped(group), as_estimator("grpo_vectorized", dtype=torch.float32)(group))
    assert str(mx.effective_weight(dropped, 8).nearest()) == "no known objective; nearest 1.964 x J_1 (off by 0.11)"
    rewards, mask, uids = torch.from_numpy(group)[:, None].float(), torch.ones(3, 1), np.array(["a"] * 3, dtype=object)
    data = DataProto.from_dict({"token_level_rewards": rewards, "response_mask": mask}, {"uid": uids})
    config = AlgoConfig(norm_adv_by_std_in_grpo=False)
    data = compute_advantage(data, "grpo_vectorized", norm_adv_by_std_in_grpo=False, config=config)
    np.testing.assert_array_equal(dropped(group), data.batch["advantages"].ravel().numpy())


@pytest.mark.parametrize(
    ("shipped", "options", "message"),
    [
        ("rloo", {"nonsense": 3}, "rloo takes no option 'nonsense' from verl's trainer, which has the fields of Algo"),
        ("gpg", {"alpha": 0.25}, "gpg takes no option 'alpha' from verl's trainer"),
        ("grpo", {"norm_adv_by_std": False}, ".*; did you mean 'norm_adv_by_std_in_grpo'?"),
        ("grpo", {"config": AlgoConfig(), "gamma": 0.5}, "gamma must be in the config that is given"),
        (core_algos.compute_grpo_outcome_advantage, {"eps": 1}, "compute_grpo_outcome_advantage takes no option 'eps'"),
    ],
    ids=str,
)
def test_options_that_nothing_takes_are_refused(shipped, options, message):
    with pytest.raises(TypeError, match=f"^{message}"):
        as_estimator(shipped, **options)


@pytest.mark.parametrize(
    ("shipped", "options", "message"),
    [
        (core_algos.compute_gpg_outcome_advantage, {"alpha": 0.25}, r"alpha = 0\.25 changes nothing in compute_gpg_"),
        (core_algos.compute_rloo_outcome_advantage, {"nonsense": 3}, "nonsense = 3 changes nothing in compute_rloo_"),
        ("rloo", {"gamma": 0.5}, r"gamma = 0\.5 changes nothing in rloo$"),
        ("maxrl_est_t16", {"norm_adv_by_std_in_grpo": False}, "norm_adv_by_std_in_grpo = False changes nothing"),
        ("grpo", {"sum_pi_squared": torch.ones(1, 1)}, "sum_pi_squared = tensor.* changes nothing in grpo$"),
    ],
    ids=str,
)
def test_options_that_do_nothing_are_a_warning(shipped, options, message):
    with pytest.warns(UserWarning, match=f"^{message}"):
        as_estimator(shipped, **options)


def test_options_that_do_something_are_not_remarked():
    as_estimator("grpo", norm_adv_by_std_in_grpo=True)  # what it is anyway
    as_estimator(core_algos.compute_grpo_outcome_advantage, epsilon=0.1, config=None)
    as_estimator(core_algos.compute_gpg_outcome_advantage, f_norm=2.0)
    as_estimator("remax", reward_baselines=torch.tensor([0.25]))


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


def test_a_name_of_the_registry_goes_to_a_verdict_by_one_command(capsys):
    assert main(["check", "verl:grpo", "verl:rloo", "--group-sizes", "2", "4"]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("FAILED  verl:grpo: is a gradient, effective objective, leave-one-out, bias on")
    assert "PASSED  verl:rloo: on 0/1 rewards J_1 at N = 2, 4" in printed
    assert main(["check", "verl:grop"]) == 2
    assert "verl:grop" in capsys.readouterr().err


def test_gpg_gets_a_report_that_names_the_batch():
    report = mx.check_estimator(as_estimator("gpg"), group_sizes=(2, 4), on_fail=None)
    assert report["batch independence"].status == "failed"
    assert report["batch independence"].message.startswith("depends on the batch")
    assert report["effective objective"].status == "skipped"
