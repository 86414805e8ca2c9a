"""One training step: a network runs forward once in it, and no bit of the step is another."""

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.training._one_pass import in_one_pass
from maxrl_est.training._run import Exact, Run
from maxrl_est.training.optimisers import SGD
from maxrl_est.training.policies import MLP, GaussianPolicy, SoftmaxPolicy, Tabular

RNG = np.random.default_rng(11)
INPUTS = RNG.standard_normal((6, 3))
BANDIT = mx.tasks.ContextualBandit(INPUTS, RNG.random((6, 4))), SoftmaxPolicy(MLP((3, 5, 4)))
REGRESSION = mx.tasks.Regression(INPUTS, RNG.standard_normal((6, 2)), 0.8), GaussianPolicy(MLP((3, 5, 4, 3)))
ESTIMATORS = [mx.estimators.get("ustat"), Exact(None)]


def of_parts(run, theta, step):
    """The gradient by the task's own methods, each of which runs the network for itself."""
    prompts, task, policy = run._prompts(step), run.task, run.policy
    if isinstance(run.estimator, Exact):
        p = np.exp(task.log_pass_rates(policy, theta, prompts))
        return task.weighted_gradient(policy, theta, prompts, run.estimator.share(p) / len(p))
    likelihoods, actions = task.sample(policy, theta, prompts, run._generator(1, step), run.n)
    return task.weighted_score(policy, theta, prompts, actions, run.estimator(likelihoods) / likelihoods.size)


@pytest.mark.parametrize(("task", "policy"), [BANDIT, REGRESSION], ids=["bandit", "regression"])
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=["estimate", "exact"])
def test_a_step_runs_an_mlp_forward_once_and_has_the_bits_of_its_parts(task, policy, estimator, monkeypatch):
    """Rejects a step that runs its network for each of its parts, or keeps another pass than its own."""
    run = Run(task, policy, "it", estimator, 8, 4, SGD(1.0), 0)
    thetas = RNG.standard_normal((3, policy.network.size))
    expected = [of_parts(run, theta, step) for step, theta in enumerate(thetas)]
    passes, forward = [], MLP._activations
    monkeypatch.setattr(MLP, "_activations", lambda *given: passes.append(1) or forward(*given))
    np.testing.assert_array_equal([run.gradient(theta, step)[0] for step, theta in enumerate(thetas)], expected)
    assert len(passes) == len(thetas)


def test_a_pass_is_kept_for_its_own_parameters_and_inputs_and_out_of_reach_of_callers():
    """Rejects a pass that is told by its parameters or by its inputs alone, and one whose outputs are lent out."""
    network, theta = MLP((3, 5, 4)), RNG.standard_normal(44)
    once = in_one_pass(SoftmaxPolicy(network)).network
    for parameters, inputs in ((theta, INPUTS), (theta, INPUTS[:4]), (theta, -INPUTS[:4]), (2 * theta, -INPUTS[:4])):
        once(parameters, inputs)[:] = np.nan
        np.testing.assert_array_equal(once(parameters, inputs), network(parameters, inputs))
        cotangents = RNG.standard_normal((len(inputs), 4))
        for _ in range(2):
            got = once.pullback(parameters, inputs, cotangents)
            np.testing.assert_array_equal(got, network.pullback(parameters, inputs, cotangents))


def test_a_pass_is_not_kept_for_numbers_that_were_changed_in_place():
    """Rejects a pass that holds the caller's own arrays: a task may have one buffer for all its observations."""
    network, theta, buffer = MLP((3, 5, 4)), RNG.standard_normal(44), INPUTS[:2].copy()
    once = in_one_pass(SoftmaxPolicy(network)).network
    for changed in (buffer, theta):
        once(theta, buffer)
        changed += 1
        np.testing.assert_array_equal(once(theta, buffer), network(theta, buffer))


def test_what_a_class_of_ones_own_overrides_is_not_passed_by():
    class Halved(MLP):
        def __call__(self, theta, inputs):
            return MLP.__call__(self, theta, inputs) / 2

    class Sharp(SoftmaxPolicy):
        def sample(self, outputs, rng, n):
            return outputs.argmax(axis=1)[:, None].repeat(n, axis=1)

    for policy in (SoftmaxPolicy(Halved((3, 4))), Sharp(MLP((3, 4))), SoftmaxPolicy(Tabular(3, 4))):
        assert in_one_pass(policy) is policy
