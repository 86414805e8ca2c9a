"""verl: its steps are what NumPy says of losses, ways to add tokens up and KL terms; their means are judged."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip("verl", reason="needs verl")

from maxrl_est.adapters.verl import TokenAdvantages, as_step
from maxrl_est.problems import TokenChain
from maxrl_est.steps import Batch, exact_step
from steps_batches import EASY, HARD, random_batch

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
MODES = ("token-mean", "token-sum", "seq-mean-token-sum", "seq-mean-token-sum-norm", "seq-mean-token-mean")
SHORT = [TokenChain([0.5], [0.0, 0.25]), TokenChain([0.3], [0.5, 1.0])]
LOW, HIGH = 0.2, 0.3


def advantages(batch):
    """(B, N, 1): leave-one-out, of two rollouts."""
    return (batch.rewards - batch.rewards[:, ::-1])[..., None]


def clipped(c, A):
    return c * np.where(A > 0, c <= 1 + HIGH, c >= 1 - LOW) * ((A >= 0) | (c <= 3))  # 3 is the bound of dual clipping


def sequence(batch):
    return np.exp((batch.log_ratios * batch.mask).sum(-1, keepdims=True) / batch.lengths[..., None])


WEIGHTS = {
    "vanilla": lambda batch, A: clipped(batch.ratios, A),
    "gspo": lambda batch, A: clipped(sequence(batch), A),
    "gpg": lambda batch, A: np.ones_like(batch.ratios),
    "cispo": lambda batch, A: np.clip(batch.ratios, 1 - LOW, 1 + HIGH),
}
HELD = {
    "k1": lambda r: np.ones_like(r),
    "k2": np.log,
    "low_var_kl": lambda r: 1 - 1 / r,
    "k3+": np.log,
}


def divisor(mode, batch):
    """(B, N, 1): of the whole step, whatever the micro-batch is."""
    rows, lengths = batch.whole.rewards.size, batch.lengths[..., None]
    return {
        "token-mean": batch.whole.lengths.sum(),
        "token-sum": 1,
        "seq-mean-token-sum": rows,
        "seq-mean-token-sum-norm": rows * batch.mask.shape[-1],
        "seq-mean-token-mean": rows * lengths,
    }[mode]


def by_hand(loss, mode, batch, held=0.0):
    A = advantages(batch)
    return (WEIGHTS[loss](batch, A) * A - held) * batch.mask / divisor(mode, batch)


def parts_of(*seeds):
    return [part for seed in seeds for part in (random_batch(seed), *random_batch(seed).split(2))]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("loss", WEIGHTS)
def test_each_loss_clips_and_adds_up_as_numpy_says_and_in_no_other_way(loss, mode):
    step, parts = as_step(loss, mode, "rloo", clip_ratio_low=LOW, clip_ratio_high=HIGH), parts_of(0, 1, 2)
    found = [step(part) for part in parts]
    for other in MODES:
        expected = [by_hand(loss, other, part) for part in parts]
        same = all(np.allclose(a, b, rtol=0, atol=1e-6) for a, b in zip(found, expected, strict=True))
        assert same == (other == mode)


@pytest.mark.parametrize("kind", HELD)
def test_each_kl_term_holds_on_to_the_reference_as_numpy_says(kind):
    step = as_step("gpg", "token-mean", "rloo", use_kl_loss=True, kl_loss_coef=0.1, kl_loss_type=kind)
    for part in parts_of(3):
        held = 0.1 * HELD[kind](part.reference_ratios)
        np.testing.assert_allclose(step(part), by_hand("gpg", "token-mean", part, held), rtol=0, atol=1e-6)
        assert not np.allclose(step(part), by_hand("gpg", "token-mean", part), atol=1e-3)


def test_what_does_not_divide_by_the_whole_grows_with_micro_batches():
    batch = random_batch(4)
    for loss, factor in (("vanilla", 1), ("geo_mean", 2)):
        step = as_step(loss, "token-mean", "rloo")
        both = np.concatenate([step(part) for part in batch.split(2)])
        np.testing.assert_allclose(both, factor * step(batch), rtol=0, atol=1e-6)


def test_advantages_are_those_of_the_whole_step_and_may_be_a_function_of_ones_own():
    batch = random_batch(5)
    step = as_step("gpg", "seq-mean-token-sum", "reinforce_plus_plus")  # normalised over all tokens of the batch
    both = np.concatenate([step(part) for part in batch.split(2)])
    np.testing.assert_allclose(both, step(batch), rtol=0, atol=1e-6)
    part = batch.split(2)[0]
    alone = step(Batch.of(part.rewards, part.mask.astype(int))) / 2  # as a step of its own
    assert not np.allclose(alone, both[:1], atol=1e-3)
    own = as_step("gpg", "seq-mean-token-sum", TokenAdvantages(1))
    np.testing.assert_allclose(own(batch), by_hand("gpg", "seq-mean-token-sum", batch), rtol=0, atol=1e-6)
    plain = as_step("gpg", "seq-mean-token-sum", "grpo", norm_adv_by_std_in_grpo=False)
    np.testing.assert_allclose(plain(batch), own(batch) / 2, rtol=0, atol=1e-6)
    assert not np.allclose(as_step("gpg", "seq-mean-token-sum", "grpo")(batch), own(batch) / 2, atol=1e-3)


def test_the_mean_of_sums_over_tokens_is_the_gradient_and_that_of_means_over_each_response_is_far_off():
    found = exact_step(as_step("vanilla", "seq-mean-token-sum", "rloo"), SHORT, 2)
    np.testing.assert_allclose(np.array(found.shares, dtype=float), 1, atol=1e-6)
    assert found.is_gradient
    by_tokens = exact_step(as_step("vanilla", "token-mean", "rloo"), SHORT, 2)
    assert max(abs(np.array(by_tokens.ratios, dtype=float) - 1)) > 0.01
    assert exact_step(as_step("vanilla", "seq-mean-token-mean", "rloo"), [HARD, EASY], 2).angle > 10


REFUSED = {
    "a loss": (("other",), {}, ValueError, "policy_loss must be one of vanilla, "),
    "a mode": (("vanilla", "mean"), {}, ValueError, "Invalid loss_agg_mode: mean"),
    "a size": ((), {"ppo_mini_batch_size": 8}, ValueError, "ppo_mini_batch_size must be left out, since batches"),
    "entropies": ((), {"entropy_coeff": 0.1}, ValueError, "entropy_coeff must be 0, since a batch has no entropies"),
    "KL in rewards": ((), {"use_kl_in_reward": True}, ValueError, "use_kl_in_reward must be False, since rewards are"),
    "a typing error": ((), {"clip_ratio_hihg": 0.3}, TypeError, "grpo takes no option 'clip_ratio_hihg'"),
}


@pytest.mark.parametrize("wrong", REFUSED.values(), ids=REFUSED)
def test_what_verl_lacks_or_a_batch_decides_is_refused_in_one_line(wrong):
    names, config, error, message = wrong
    with pytest.raises(error, match="^" + re.escape(message)):
        as_step(*names, **config)
