"""The loss, the compiled kernel and the judge for JAX: against explicit sums, exact expectations and the package."""

import itertools

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs JAX")
pytest.importorskip("array_api_compat", reason="needs array-api-compat")

import jax.numpy as jnp  # noqa: E402

import maxrl_est as mx  # noqa: E402
from maxrl_est.adapters.jax import (  # noqa: E402
    advantages,
    as_estimator,
    kernel_loo_weights,
    loo_weights,
    maxrl_loss,
    objective_estimate,
)
from maxrl_est.estimates.baselines import BASELINES  # noqa: E402

TOLERANCE = 4e-15  # absolute, for numbers up to N; measured worst: 1e-15

RNG = np.random.default_rng(0)
LIKELIHOODS = RNG.random((3, 5))
LOGPROBS = RNG.normal(size=(3, 5))


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def close(got, expected):
    return np.max(np.abs(np.asarray(got) - expected)) <= TOLERANCE


# The loss.


@pytest.mark.parametrize("baseline", [None, *BASELINES, 0.3, ("beta", 0.5, 2)])
@pytest.mark.parametrize("objective", [None, 2, mx.Objective.pass_at(3), mx.Objective.all_of(3)], ids=str)
def test_the_loss_is_minus_the_estimate_and_its_gradient_the_sum_that_it_stands_for(baseline, objective):
    loss = jax.jit(jax.value_and_grad(lambda m, l: maxrl_loss(m, l, objective, baseline=baseline), argnums=(0, 1)))
    value, (by_logprobs, by_likelihoods) = loss(LOGPROBS, LIKELIHOODS)
    ascended = 4 if objective is None and baseline == "pass_loo" else objective
    assert close(value, -mx.objective_estimate(LIKELIHOODS, ascended).mean())
    assert close(-15 * by_logprobs, mx.advantages(LIKELIHOODS, ascended, baseline=baseline))
    assert close(-15 * by_likelihoods, mx.loo_weights(LIKELIHOODS, ascended))


@pytest.mark.parametrize("baseline", [None, "none", "one", "one_over_n", 0.3])
def test_groups_of_one_have_the_loss_of_their_likelihood(baseline):
    """Its gradient by likelihoods is -1, that of the expected likelihood; by default nothing is subtracted."""
    value, (by_logprobs, by_likelihoods) = jax.value_and_grad(
        lambda m, l: maxrl_loss(m, l, baseline=baseline), argnums=(0, 1)
    )(LOGPROBS[:, :1], LIKELIHOODS[:, :1])
    assert close(value, (1 - LIKELIHOODS[:, 0]).mean())
    assert close(-3 * by_logprobs, mx.advantages(LIKELIHOODS[:, :1], baseline=baseline))
    assert close(by_likelihoods, -1 / 3)


def test_a_baseline_that_multiplies_the_gradient_of_likelihoods_is_rejected():
    def wrong(likelihoods):
        scores = advantages(likelihoods)
        return -jnp.mean(jax.lax.stop_gradient(scores / likelihoods) * likelihoods)

    expected = -mx.loo_weights(LIKELIHOODS) / 15
    assert not close(jax.grad(wrong)(jnp.asarray(LIKELIHOODS)), expected)
    assert close(jax.grad(lambda l: maxrl_loss(LOGPROBS, l))(jnp.asarray(LIKELIHOODS)), expected)


@pytest.mark.parametrize("objective", [None, 2])
def test_gradients_go_through_log_likelihoods(objective):
    logs = np.log(LIKELIHOODS) - 2.0
    logs[0, :2] = -702.0, -np.inf
    likelihoods = np.exp(logs + 2.0)
    value, got = jax.value_and_grad(
        lambda x: maxrl_loss(LOGPROBS, objective=objective, log_likelihoods=x, log_ceiling=-2.0)
    )(jnp.asarray(logs))
    assert close(value, -mx.objective_estimate(likelihoods, objective).mean())
    expected = -mx.loo_weights(likelihoods, objective) * likelihoods / 15
    assert np.asarray(got) == pytest.approx(expected, rel=1e-13, abs=0)


def expected_gradient(loss, theta, n):
    """The exact expectation of the gradient of a loss over all groups of n rollouts of a policy with three actions."""
    probabilities = jax.nn.softmax(theta[:3])
    total = jnp.zeros_like(theta)
    gradient = jax.jit(jax.grad(loss))
    for rollouts in itertools.product(range(3), repeat=n):
        rollouts = jnp.array(rollouts)
        total += jnp.prod(probabilities[rollouts]) * gradient(theta, rollouts)
    return total


@pytest.mark.parametrize(
    ("objective", "baseline"), [(3, "one"), (2, "pass_loo"), (2, "mean_loo"), (mx.Objective.all_of(2), "pass_loo")]
)
def test_the_gradient_is_unbiased_where_likelihoods_depend_on_the_parameters(objective, baseline):
    def pass_rate(theta):
        return jax.nn.softmax(theta[:3]) @ jax.nn.sigmoid(theta[3:])

    def minus_objective(p):
        if isinstance(objective, mx.Objective):
            return 1 - p**objective.order
        return sum((1 - p) ** k / k for k in range(1, objective + 1))

    def loss(theta, rollouts):
        logprobs = jax.nn.log_softmax(theta[:3])[rollouts]
        return maxrl_loss(logprobs, jax.nn.sigmoid(theta[3:])[rollouts], objective, baseline=baseline)

    def loss_without_pathwise_term(theta, rollouts):
        logprobs = jax.nn.log_softmax(theta[:3])[rollouts]
        likelihoods = jax.lax.stop_gradient(jax.nn.sigmoid(theta[3:]))[rollouts]
        return maxrl_loss(logprobs, likelihoods, objective, baseline=baseline)

    theta = jnp.array([0.3, -0.5, 0.1, 1.0, -2.0, 0.2])
    exact = jax.grad(lambda t: minus_objective(pass_rate(t)))(theta)
    assert close(expected_gradient(loss, theta, 3), exact)
    assert not close(expected_gradient(loss_without_pathwise_term, theta, 3), exact)


def test_the_loss_takes_rewards_of_numpy_and_lists_beside_logprobs_of_jax():
    rewards = [[1, 0, 0, 0], [1, 1, 0, 0]]
    for given in (rewards, np.array(rewards), np.array(rewards, bool)):
        got = jax.grad(maxrl_loss)(jnp.zeros((2, 4)), given)
        assert -8 * np.asarray(got) == pytest.approx(mx.advantages(rewards), abs=1e-6)


def test_the_loss_is_mapped_over_axes_and_needs_no_batch():
    losses = jax.jit(jax.vmap(maxrl_loss))(jnp.asarray(LOGPROBS), jnp.asarray(LIKELIHOODS))
    assert close(losses.mean(), maxrl_loss(LOGPROBS, LIKELIHOODS))
    assert close(losses[0], maxrl_loss(LOGPROBS[0], LIKELIHOODS[0]))


@pytest.mark.parametrize(
    ("logprobs", "arguments", "message"),
    [
        (np.zeros((3, 4)), {}, r"^logprobs must have the shape \(3, 5\) of likelihoods, got \(3, 4\)$"),
        (np.where(np.eye(3, 5), np.nan, 0), {}, r"^logprobs\[0, 0\] must be finite, got nan"),
        (np.full((3, 5), -np.inf), {}, r"^logprobs\[0, 0\] must be finite, got -inf"),
        (
            np.zeros((0, 5)),
            {"likelihoods": np.zeros((0, 5))},
            r"one group or more, got shape \(0, 5\)$",
        ),
        (None, {}, r"^logprobs must be an array \(..., N\) of floats, got None$"),
        (np.zeros((3, 5), int), {}, r"^logprobs must be an array \(..., N\) of floats, got dtype int64$"),
        (np.zeros((3, 5), complex), {}, "^logprobs must be .*, got dtype complex128$"),
        (LOGPROBS, {"objective": 6}, "^objective must be of order .* N = 5, got T = 6"),
        (LOGPROBS, {"baseline": "best"}, "^baseline must be one of none, .*, got 'best'"),
        (LOGPROBS, {"likelihoods": 2 * LIKELIHOODS}, r"^likelihoods\[0, 0\] must lie in \[0, 1\], got 1\.27"),
    ],
    ids=str,
)
def test_bad_arguments_of_the_loss_are_errors_that_name_them(logprobs, arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        maxrl_loss(logprobs, **{"likelihoods": LIKELIHOODS, **arguments})


def test_errors_name_the_value_under_a_derivative_too():
    logprobs, likelihoods = jnp.array([0.0, jnp.nan, 0.0]), jnp.array([1.0, 0.0, 0.5])
    with pytest.raises(ValueError, match=r"^logprobs\[1\] must be finite, got nan"):
        jax.value_and_grad(maxrl_loss)(logprobs, likelihoods)
    with pytest.raises(ValueError, match=r"^likelihoods\[0\] must lie in \[0, 1\], got 2.0"):
        jax.grad(lambda l: loo_weights(l).sum())(likelihoods + 1)


def test_the_loss_has_the_dtype_of_the_logprobs():
    assert maxrl_loss(LOGPROBS, LIKELIHOODS.astype(np.float32)).dtype == np.float64
    loss = maxrl_loss(LOGPROBS.astype(np.float32), LIKELIHOODS)
    assert loss.dtype == np.float32
    assert float(loss) == pytest.approx(-mx.objective_estimate(LIKELIHOODS).mean(), rel=1e-6)


# The compiled kernel.


@pytest.mark.parametrize("objective", [None, 2, mx.Objective.pass_at(3), mx.Objective.all_of(3)], ids=str)
def test_the_kernel_gives_its_very_numbers_traced_or_not(objective):
    expected = mx.loo_weights(LIKELIHOODS, objective)
    likelihoods = jnp.asarray(LIKELIHOODS)

    def weights(x):
        return kernel_loo_weights(x, objective)

    for got in (weights(likelihoods), jax.jit(weights)(likelihoods), jax.vmap(jax.jit(weights))(likelihoods)):
        assert (np.asarray(got) == expected).all()


def test_the_kernel_takes_logarithms_and_float32():
    logs = jnp.asarray(np.log(LIKELIHOODS))
    got = jax.jit(lambda x: kernel_loo_weights(log_likelihoods=x))(logs)
    assert np.asarray(got) == pytest.approx(mx.loo_weights(LIKELIHOODS), rel=1e-14)
    with jax.enable_x64(False):
        got = kernel_loo_weights(jnp.asarray(LIKELIHOODS, np.float32))
    assert got.dtype == np.float32
    assert np.asarray(got) == pytest.approx(mx.loo_weights(LIKELIHOODS), rel=1e-6)


@pytest.mark.parametrize("objective", [None, 3])
def test_derivatives_of_the_kernel_are_exact(objective):
    """Weights are affine in every likelihood."""
    group = LIKELIHOODS[0]
    columns = []
    for i in range(5):
        one, zero = group.copy(), group.copy()
        one[i], zero[i] = 1.0, 0.0
        columns.append(mx.loo_weights(one, objective) - mx.loo_weights(zero, objective))
    expected = np.stack(columns, axis=-1)
    for jacobian in (jax.jacrev, jax.jacfwd):
        assert close(jax.jit(jacobian(lambda x: kernel_loo_weights(x, objective)))(group), expected)


def test_the_kernel_refuses_what_is_no_likelihood_in_compiled_code_too():
    with pytest.raises(ValueError, match=r"likelihoods\[0\] must lie in \[0, 1\], got 1.5"):
        kernel_loo_weights(jnp.array([1.5, 0.0]))
    with pytest.raises(jax.errors.JaxRuntimeError, match=r"likelihoods\[0\] must lie in \[0, 1\], got 1.5"):
        jax.jit(kernel_loo_weights)(jnp.array([1.5, 0.0])).block_until_ready()


# The judge.


def test_functions_of_jax_are_judged_as_those_of_numpy():
    estimator = as_estimator(jax.jit(advantages))
    assert estimator.__name__ == "advantages"
    assert mx.effective_weight(estimator, 8).nearest().known
    assert mx.check_estimator(estimator, objective=mx.Objective.maxrl, group_sizes=(1, 3), on_fail=None).passed


def test_a_wrong_function_of_jax_is_found_out():
    def centred(likelihoods):
        return likelihoods - jnp.mean(likelihoods, axis=-1, keepdims=True)

    report = mx.check_estimator(
        as_estimator(centred), objective=mx.Objective.expected(), scale=1, group_sizes=(3,), on_fail=None
    )
    assert not report.passed
    assert close(as_estimator(centred)(LIKELIHOODS), mx.estimators.get("mean_centred")(LIKELIHOODS))


def test_a_function_that_returns_another_shape_is_no_advantage_function():
    with pytest.raises(ValueError, match=r"^<lambda> must return advantages of shape \(3, 5\), got \(5, 3\)$"):
        as_estimator(lambda rewards: rewards.T)(LIKELIHOODS)


def test_functions_of_one_group_are_judged_through_vmap():
    def one_group(likelihoods):
        return likelihoods * loo_weights(likelihoods, 2)

    got = as_estimator(jax.vmap(one_group))(LIKELIHOODS[None])
    assert got.shape == (1, 3, 5)
    assert close(got[0], mx.advantages(LIKELIHOODS, 2, baseline="none"))


def test_the_objective_of_the_package_is_there_too():
    assert close(objective_estimate(jnp.asarray(LIKELIHOODS)), mx.objective_estimate(LIKELIHOODS))
