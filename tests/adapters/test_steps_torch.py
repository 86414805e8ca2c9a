"""torch: a step read off a loss is the one that its formula says, and what is no loss is refused."""

from __future__ import annotations

import re
from fractions import Fraction as F

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")

from maxrl_est.adapters.torch import as_step  # noqa: E402
from maxrl_est.steps import exact_step  # noqa: E402
from steps_batches import EASY, HARD, random_batch  # noqa: E402


def reinforce(log_probs, batch):
    """The mean over rollouts of reward times log-probability: what should be ascended."""
    return -(batch.rewards * (log_probs * batch.mask).sum(-1)).mean()


def clipped(log_probs, batch):
    """PPO's loss with the mean of the group as baseline, mean over tokens, and a KL term to the reference."""
    advantages = (batch.rewards - batch.rewards.mean(-1, keepdim=True))[..., None]
    ratios = (log_probs - batch.old_log_probs).exp()
    each = -torch.min(ratios * advantages, ratios.clamp(0.8, 1.2) * advantages)
    apart = batch.ref_log_probs - log_probs
    return ((each + 0.1 * (apart.exp() - apart - 1)) * batch.mask).sum() / batch.mask.sum()


def clipped_by_hand(batch):
    """Its coefficients, in NumPy: a ratio that is cut off has none."""
    advantages = (batch.rewards - batch.rewards.mean(-1, keepdims=True))[..., None]
    kept = np.where(advantages > 0, batch.ratios <= 1.2, batch.ratios >= 0.8)
    apart = 1 - 1 / batch.reference_ratios
    return (kept * batch.ratios * advantages - 0.1 * apart) * batch.mask / batch.mask.sum()


def test_the_coefficient_of_a_token_is_minus_the_derivative_of_the_loss():
    batch = random_batch(0)
    found, expected = as_step(clipped)(batch), clipped_by_hand(batch)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert not np.allclose(-found, expected, atol=1e-3)  # the other sign is another answer


def test_a_stack_of_batches_is_answered_one_by_one():
    batch = random_batch(1)
    stack = batch.map(lambda array: np.stack([array, array[::-1]]))
    found = as_step(clipped)(stack)
    assert found.shape == stack.mask.shape
    for got, one in zip(found, stack.each(), strict=True):
        np.testing.assert_array_equal(got, as_step(clipped)(one))
    mixed = clipped_by_hand(stack)  # divides by the tokens of both
    assert not np.allclose(found, mixed, atol=1e-3)


def test_the_mean_step_of_reinforce_is_the_gradient_and_that_by_length_is_not():
    found = exact_step(as_step(reinforce), [HARD, EASY], 2)
    np.testing.assert_allclose([float(x) for x in found.shares], 1, atol=1e-12)
    assert found.angle < 1e-6
    assert found.is_gradient

    def by_length(log_probs, batch):
        return -(batch.rewards * (log_probs * batch.mask).sum(-1) / batch.lengths).mean()

    assert exact_step(as_step(by_length), [HARD, EASY], 2).angle > 10


def test_micro_batches_are_averaged_unless_they_add():
    def whole_tokens(log_probs, batch):
        return -(batch.rewards[..., None] * log_probs * batch.mask).sum() / batch.whole.lengths.sum()

    def divided(log_probs, batch):
        return reinforce(log_probs, batch) / batch.parts

    for loss, other, adds in ((reinforce, reinforce, False), (divided, reinforce, True)):
        one = exact_step(as_step(other), [HARD, EASY], 2)
        two = exact_step(as_step(loss, adds=adds), [HARD, EASY], 2, parts=2)
        np.testing.assert_allclose(np.concatenate(two.mean), np.concatenate(one.mean).astype(float), atol=1e-12)
    one = exact_step(as_step(whole_tokens), [HARD, EASY], 2)
    two = exact_step(as_step(whole_tokens, adds=True), [HARD, EASY], 2, parts=2)
    half = exact_step(as_step(whole_tokens), [HARD, EASY], 2, parts=2)  # divided once too often
    np.testing.assert_allclose(np.concatenate(two.mean), np.concatenate(one.mean), atol=1e-12)
    np.testing.assert_allclose(2 * np.concatenate(half.mean), np.concatenate(one.mean), atol=1e-12)


def test_a_loss_sees_the_other_policies_as_constants_and_fractions_as_floats():
    seen = {}

    def look(log_probs, batch):
        seen.update(log_probs=log_probs, batch=batch)
        return log_probs.sum()

    batch = random_batch(2)
    as_step(look)(batch)
    logs, given = seen["log_probs"].detach(), seen["batch"]
    assert logs.dtype == given.rewards.dtype == given.mask.dtype == torch.float64
    assert not given.old_log_probs.requires_grad
    np.testing.assert_allclose((logs - given.old_log_probs).numpy(), batch.log_ratios, atol=1e-12)
    np.testing.assert_allclose((logs - given.ref_log_probs).numpy(), batch.log_reference_ratios, atol=1e-12)
    np.testing.assert_array_equal(given.lengths.numpy(), batch.lengths)
    assert given.parts == 1
    assert given.whole is given
    part = batch.split(2)[1]
    as_step(look)(part)
    assert seen["batch"].parts == 2
    assert seen["batch"].whole.rewards.shape == batch.rewards.shape
    fractions = batch.map(lambda a: np.vectorize(F, otypes=[object])(a) if a.dtype == float else a)
    np.testing.assert_allclose(as_step(clipped)(fractions), as_step(clipped)(batch), atol=1e-12)


WRONG = {
    "a number": (lambda logs, batch: 1.0, TypeError, "loss must return a scalar tensor, got 1.0"),
    "a loss for each": (
        lambda logs, batch: logs.sum(-1),
        TypeError,
        "loss must return a scalar tensor, got shape (2, 2)",
    ),
    "a constant": (
        lambda logs, batch: batch.rewards.sum(),
        ValueError,
        "loss must depend on log_probs, got one that does not",
    ),
    "of something else": (
        lambda logs, batch: torch.ones((), requires_grad=True) * 2,
        ValueError,
        "loss must depend on log_probs, got one that does not",
    ),
    "not a number": (
        lambda logs, batch: logs.sum() * float("nan"),
        ValueError,
        "loss must be finite, got nan for rewards ",
    ),
    "of infinite slope": (
        lambda logs, batch: (logs - logs.detach()).abs().sqrt().sum() * 0.0 + logs.sum(),
        ValueError,
        "the derivative of loss by log_probs[0, 0, 0] must be finite, got nan for rewards ",
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_is_no_loss_of_log_probabilities_is_refused_in_one_line(wrong):
    loss, error, message = wrong
    with pytest.raises(error, match="^" + re.escape(message)):
        as_step(loss)(random_batch(3))
    with pytest.raises(TypeError, match=r"^loss must be a function of log_probs and a batch, got 3$"):
        as_step(3)
