"""`GroupAdvantages` in the registry of tunix, and the functions that tunix has there, judged."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs jax")
pytest.importorskip("tunix.rl.grpo.grpo_learner", reason="needs google-tunix", exc_type=ImportError)

from tunix.rl.common import aggregate_loss  # noqa: E402
from tunix.rl.function_registry import get_advantage_estimator  # noqa: E402
from tunix.rl.grpo.grpo_learner import GRPOConfig  # noqa: E402

import maxrl_est as mx  # noqa: E402
from maxrl_est.adapters.tunix import GroupAdvantages, as_estimator, register  # noqa: E402

GROUPS = np.array([[1.0, 0.0, 0.25, 0.5], [0.0, 0.0, 1.0, 0.0]])


def called(function, groups):
    """As learners do: flat float32 rewards, a prompt's one after the other."""
    return function(rewards=groups.astype(np.float32).ravel(), num_generations=groups.shape[1])


@pytest.mark.parametrize(("objective", "baseline"), [(None, None), (2, "one"), (mx.Objective.expected(), "pass_loo")])
def test_a_registered_name_has_the_advantages_of_this_package(objective, baseline):
    """Rejects groups by strides, which tunix has in blocks, and the default baseline where another is asked for."""
    name = f"test of {objective} and {baseline}"
    register(name, objective, baseline=baseline)
    config = GRPOConfig(advantage_estimator=name, num_generations=4)
    found = called(get_advantage_estimator(config.advantage_estimator), GROUPS)
    expected = mx.advantages(GROUPS, objective, baseline=baseline)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected.ravel(), rtol=2e-7)
    assert abs(found - mx.advantages(GROUPS.reshape(4, 2).T, objective, baseline=baseline).ravel()).max() > 0.1


def test_rewards_may_be_arrays_of_jax():
    found = GroupAdvantages()(jax.numpy.asarray(GROUPS.ravel(), dtype=jax.numpy.float32), 4)
    np.testing.assert_allclose(found, mx.advantages(GROUPS).ravel(), rtol=2e-7)


def test_log_likelihoods_have_the_advantages_of_their_likelihoods():
    logs = np.log(np.array([1.0, 0.5, 0.25, 0.25]))
    found = GroupAdvantages(log_ceiling=0.0)(logs, 4)
    np.testing.assert_allclose(found, mx.advantages(np.exp(logs)))


def test_a_name_of_tunix_is_not_taken_away():
    """Rejects tunix's own answer, which is to replace its function with a warning in a log."""
    shipped = get_advantage_estimator("grpo")
    with pytest.raises(ValueError, match=r"^name must be one that means nothing else to tunix, got 'grpo'$"):
        register("grpo")
    assert get_advantage_estimator("grpo") is shipped
    register("test of twice", 3)
    register("test of twice", 3)
    with pytest.raises(ValueError, match=r"^name must be one that"):
        register("test of twice", 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: called(GroupAdvantages(), GROUPS + 0.5), r"^likelihoods\[0, 0\] must lie in \[0, 1\], got 1.5$"),
        (lambda: called(GroupAdvantages(8), GROUPS), "8"),
        (lambda: GroupAdvantages(baseline="mean"), "baseline"),
    ],
    ids=["no likelihood", "order above N", "no baseline"],
)
def test_what_has_no_advantages_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("mode", "same"),
    [("seq-mean-token-sum", 1.0), ("sequence-mean-token-scale", 1 / 3), ("sequence-mean-token-mean", None)],
)
def test_the_gradient_of_a_mode_is_that_of_the_advantages(mode, same):
    """Rejects the default of GRPOConfig, which divides each rollout by its length."""
    assert GRPOConfig().loss_agg_mode == "sequence-mean-token-mean"
    advantages = GroupAdvantages()(np.array([1.0, 0.0]), 2)
    mask = jax.numpy.asarray([[1, 1, 1], [1, 0, 0]])
    loss = jax.grad(lambda logp: aggregate_loss(-advantages[:, None] * logp, mask, mode))(jax.numpy.zeros((2, 3)))
    ratios = (loss / (-advantages[:, None] * mask / 2))[mask != 0]
    assert (float(ratios.max() - ratios.min()) < 1e-6) == (same is not None)
    assert same is None or ratios[0] == pytest.approx(same)


def test_what_tunix_ships_is_judged():
    assert mx.effective_weight(as_estimator("rloo"), 4).nearest().name == "J_1"
    assert mx.effective_weight(as_estimator("drgrpo"), 4).nearest().name == "3/4 x J_1"
    assert not mx.effective_weight(as_estimator("grpo"), 4).nearest().known
    assert mx.effective_weight(as_estimator(GroupAdvantages(2)), 4).nearest().name == "J_2"
    with pytest.raises(LookupError, match="no_such"):
        as_estimator("no_such")
