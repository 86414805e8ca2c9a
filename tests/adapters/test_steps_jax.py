"""JAX: a step read off a loss is the one that its formula says, and what is no loss is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs JAX")
pytest.importorskip("array_api_compat", reason="needs array-api-compat")

import jax.numpy as jnp  # noqa: E402

from maxrl_est.adapters.jax import as_step  # noqa: E402
from maxrl_est.steps import exact_step  # noqa: E402
from steps_batches import EASY, HARD, random_batch  # noqa: E402


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def clipped(log_probs, batch):
    """PPO's loss with the mean of the group as baseline, over the tokens of the whole step, and a KL term."""
    advantages = (batch.rewards - batch.rewards.mean(-1, keepdims=True))[..., None]
    ratios = jnp.exp(log_probs - batch.old_log_probs)
    each = -jnp.minimum(ratios * advantages, ratios.clip(0.8, 1.2) * advantages)
    apart = batch.ref_log_probs - log_probs
    return ((each + 0.1 * (jnp.exp(apart) - apart - 1)) * batch.mask).sum() / batch.whole.lengths.sum()


def by_hand(batch):
    advantages = (batch.rewards - batch.rewards.mean(-1, keepdims=True))[..., None]
    kept = np.where(advantages > 0, batch.ratios <= 1.2, batch.ratios >= 0.8)
    apart = 1 - 1 / batch.reference_ratios
    return (kept * batch.ratios * advantages - 0.1 * apart) * batch.mask / batch.whole.lengths.sum()


def test_the_coefficient_of_a_token_is_minus_the_derivative_of_the_loss():
    step, batch = as_step(clipped, adds=True), random_batch(0)
    for part in (batch, *batch.split(2)):
        np.testing.assert_allclose(step(part), by_hand(part), rtol=0, atol=1e-12)
        assert not np.allclose(-step(part), by_hand(part), atol=1e-4)  # the other sign is another answer
    stack = batch.map(lambda array: np.stack([array, array[::-1]]))
    np.testing.assert_array_equal(step(stack)[0], step(batch))


def test_the_mean_step_of_reinforce_is_the_gradient_and_that_by_length_is_not():
    def reinforce(log_probs, batch):
        return -(batch.rewards * (log_probs * batch.mask).sum(-1)).mean()

    def by_length(log_probs, batch):
        return -(batch.rewards * (log_probs * batch.mask).sum(-1) / batch.lengths).mean()

    for parts in (1, 2):
        found = exact_step(as_step(reinforce), [HARD, EASY], 2, parts=parts)
        np.testing.assert_allclose(np.array(found.shares, dtype=float), 1, atol=1e-12)
    assert exact_step(as_step(by_length), [HARD, EASY], 2).angle > 10


WRONG = {
    "a loss for each": (
        lambda logs, batch: logs.sum(-1),
        TypeError,
        "loss must return a scalar of floats, got float64 of shape (2, 2)",
    ),
    "a count": (
        lambda logs, batch: batch.lengths.sum(),
        TypeError,
        "loss must return a scalar of floats, got int64 of shape ()",
    ),
    "not a number": (lambda logs, batch: logs.sum() * jnp.nan, ValueError, "loss must be finite, got nan for rewards "),
    "of infinite slope": (
        lambda logs, batch: jnp.sqrt(jnp.abs(logs - jax.lax.stop_gradient(logs))).sum() * 0.0,
        ValueError,
        "the derivative of loss by log_probs[0, 0, 0] must be finite, got nan for rewards ",
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_is_no_loss_is_refused_in_one_line(wrong):
    loss, error, message = wrong
    with pytest.raises(error, match="^" + re.escape(message)):
        as_step(loss)(random_batch(3))
    with pytest.raises(TypeError, match=r"^loss must be a function of log_probs and a batch, got 3$"):
        as_step(3)
