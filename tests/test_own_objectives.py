"""An objective of one's own with as many coefficients as MaxRL's is itself, wherever an objective is taken."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction as F

import numpy as np
import pytest

import maxrl_est as mx
from maxrl_est.estimators._advantages import weights_and_advantages
from maxrl_est.problems import Bandit, Bernoulli
from maxrl_est.training._run import Exact, Run
from maxrl_est.training.optimisers import SGD
from maxrl_est.training.policies import SoftmaxPolicy, Tabular

N = 4
GROUP = [F(1, 8), F(1, 2), F(7, 8), F(0)]
OWN = {  # of order N, as the default is
    "last halved": mx.Objective.from_coefficients([1, 1, 1, F(1, 2)]),
    "first doubled": mx.Objective.from_coefficients([2, 1, 1, 1]),
    "twice MaxRL": mx.Objective.from_coefficients([2] * N),
    "rising": mx.Objective.from_coefficients([1, 2, 3, 4]),
    "called J_4": mx.Objective.from_coefficients([1, 1, 0, 1], name="J_4"),
    "Tsallis": mx.Objective.tsallis(F(1, 2), N),
    "of successes": mx.Objective.all_of(N),
}
MAXRL = mx.Objective.maxrl(N)
COIN, ARMS = Bernoulli(F(1, 4)), Bandit([F(1, 2), F(1, 3), F(1, 6)], [F(1, 8), F(1, 2), F(7, 8)])
own = pytest.mark.parametrize("objective", OWN.values(), ids=OWN)


def mean_of_subsets(numbers, k):
    """E_k: of the products of all k of them, as it is defined."""
    return sum((math.prod(some) for some in itertools.combinations(numbers, k)), F(0)) / math.comb(len(numbers), k)


def weight_of(others, objective):
    q = [1 - l for l in others]
    return sum(c * mean_of_subsets(q, k) for k, c in enumerate(objective.rational_coefficients))


def weights_of(group, objective):
    return [weight_of(group[:i] + group[i + 1 :], objective) for i in range(len(group))]


def close(got, expected):
    exact = np.array([float(x) for x in expected])
    return np.max(abs(np.asarray(got, dtype=float) - exact)) <= 1e-13 * max(1, *abs(exact))


@own
def test_weights_are_those_of_its_own_coefficients(objective):
    expected = weights_of(GROUP, objective)
    floats = np.array(GROUP, dtype=np.float64)
    assert not close(expected, weights_of(GROUP, MAXRL))
    assert mx.loo_weights(GROUP, objective).tolist() == expected
    assert close(mx.loo_weights(floats, objective), expected)
    assert close(mx.loo_weights(np.tile(floats, (3, 2, 1)), objective, n_threads=2)[2, 1], expected)
    assert close(mx.loo_weights(floats, objective, groups=["a"] * N), expected)
    assert close(
        mx.loo_weights(log_likelihoods=[0.0, *np.log(floats[:3])], objective=objective)[1:],
        weights_of([F(1), *GROUP[:3]], objective)[1:],
    )
    assert close(mx.loo_weights(floats, objective, ratios=[1.0] * N, control=F(1, 2)), expected)
    single = mx.loo_weights(floats.astype(np.float32), objective)
    assert single.dtype == np.float32
    assert np.max(abs(single - np.array(expected, dtype=float))) < 1e-6 * float(max(expected))


@own
def test_estimates_are_those_of_its_own_coefficients(objective):
    assert mx.weight_estimate(GROUP[:3], objective) == weight_of(GROUP[:3], objective)
    assert close([mx.weight_estimate(np.array(GROUP[:3], dtype=float), objective)], [weight_of(GROUP[:3], objective)])
    q = [1 - l for l in GROUP]
    c = objective.rational_coefficients
    expected = -sum(c[k - 1] * mean_of_subsets(q, k) / k for k in range(1, N + 1))
    assert mx.objective_estimate(GROUP, objective) == expected
    assert close([mx.objective_estimate(np.array(GROUP, dtype=float), objective)], [expected])


def others(group):
    return [group[:i] + group[i + 1 :] for i in range(len(group))]


BASELINES = {
    "none": lambda rest, objective: 0,
    "one": lambda rest, objective: 1,
    "one_over_n": lambda rest, objective: F(1, N),
    "mean_loo": lambda rest, objective: weight_of(rest, objective) * sum(rest) / len(rest),
}


@own
@pytest.mark.parametrize("baseline", BASELINES)
def test_advantages_are_those_of_its_own_coefficients(objective, baseline):
    expected = [
        w * l - BASELINES[baseline](rest, objective)
        for w, l, rest in zip(weights_of(GROUP, objective), GROUP, others(GROUP), strict=True)
    ]
    floats = np.array(GROUP, dtype=np.float64)
    asked = {"objective": objective, "baseline": baseline}
    assert mx.advantages(GROUP, **asked).tolist() == expected
    assert close(mx.advantages(floats, **asked), expected)
    assert close(mx.advantages(floats, **asked, groups=[7] * N), expected)
    assert close(mx.advantages(floats, **asked, ratios=[1.0] * N), expected)
    weights, both = weights_and_advantages(floats, **asked)
    assert close(both, expected)
    assert close(weights, weights_of(GROUP, objective))


@pytest.mark.parametrize("coefficients", [[1, 1, F(1, 2)], [2, 1, 1], [2, 2, 2], [0, 0, 3], [1, 0, 1]])
def test_advantages_that_sum_to_zero_have_the_others_estimate_of_its_own_p_w(coefficients):
    """Of order N - 1, for which MaxRL has a way of its own: p w(p) is ``sum_k c_k ((1-p)^k - (1-p)^(k+1))``."""
    objective = mx.Objective.from_coefficients(coefficients)
    expected = []
    for l, rest in zip(GROUP, others(GROUP), strict=True):
        q = [1 - x for x in rest]
        powers = [mean_of_subsets(q, k) for k in range(N)]
        known = sum(c * (powers[k] - powers[k + 1]) for k, c in enumerate(objective.rational_coefficients))
        expected.append(weight_of(rest, objective) * l - known)
    assert sum(expected) == 0
    assert mx.advantages(GROUP, objective, baseline="pass_loo").tolist() == expected
    assert close(mx.advantages(np.array(GROUP, dtype=float), objective, baseline="pass_loo"), expected)


@pytest.mark.parametrize("coefficients", [[1, 1, F(1, 2)], [2, 1, 1], [2, 2, 2], [0, 0, 3], [1, 0, 1]])
def test_logarithms_are_of_its_own_weights(coefficients):
    positive, objective = GROUP[:3], mx.Objective.from_coefficients(coefficients)
    products = [w * l for w, l in zip(weights_of(positive, objective), positive, strict=True)]
    assert close(np.exp(mx.log_weights(np.log(np.array(positive, dtype=float)), objective)), products)


@own
def test_large_groups_by_nodes_have_its_own_weights(objective):
    """Of 300 rollouts of 0/1 rewards, where E_k is a ratio of binomials: another kernel than that of small groups."""
    n, successes = 300, 90
    rewards = np.arange(n) < successes
    for reward in (1, 0):
        q, m = n - successes - (1 - reward), n - 1
        expected = sum(c * F(math.comb(q, k), math.comb(m, k)) for k, c in enumerate(objective.rational_coefficients))
        got = mx.loo_weights(rewards.astype(float), objective)[0 if reward else -1]
        assert float(got) == pytest.approx(float(expected), rel=1e-12)


@own
def test_what_is_measured_and_checked_is_its_own(objective):
    def ours(l):
        return mx.advantages(l, objective)

    weight = mx.effective_weight(ours, N)
    assert weight.exact
    assert weight.equals(objective)
    assert not weight.equals(MAXRL)
    for law in (COIN, ARMS):
        found = mx.exact_moments(law, ours, N)
        assert found.mean.tolist() == (objective.weight(law.pass_rate) * law.grad_pass_rate).tolist()
        assert mx.moments(law, ours, N, target=objective).bias.tolist() == [0] * found.mean.size
        assert any(mx.moments(law, ours, N, target=MAXRL).bias.tolist())


@own
def test_the_checks_tell_it_from_maxrl(objective):
    """Its own advantages pass for it, and MaxRL's fail, and the other way round."""
    sizes = {"group_sizes": [N], "on_fail": None}

    def ours(l):
        return mx.advantages(l, objective)

    assert mx.check_estimator(ours, objective=objective, **sizes, scale=1).passed
    for function, target in ((ours, MAXRL), (mx.advantages, objective)):
        report = mx.check_estimator(function, objective=target, **sizes, scale=1)
        assert report["effective objective"].status == "failed"


@own
def test_a_table_compares_a_function_with_what_it_ascends(objective):
    def ours(l):
        return mx.advantages(l, objective)

    [row] = mx.bias_variance_table({"coin": COIN}, {"ours": ours}, N).rows
    exact = mx.exact_moments(COIN, ours, N)
    assert row.total_variance == pytest.approx(float(exact.total_variance), rel=1e-12)
    maxrl = mx.exact_moments(COIN, mx.advantages, N)
    assert row.total_variance != pytest.approx(float(maxrl.total_variance), rel=1e-3)


@own
def test_training_ascends_its_own_gradient(objective):
    """By the slope of its value."""
    task = mx.tasks.ContextualBandit([0], [[0, 1 / 4, 1]])
    policy = SoftmaxPolicy(Tabular(1, 3))
    theta, way, prompts = np.array([0.3, -0.2, 0.1]), np.array([0.5, 1.0, -0.7]), np.array([0])

    def run(estimator):
        return Run(task, policy, "own", estimator, N, 1, SGD(1.0), 3)

    def height(step):
        p = np.exp(task.log_pass_rates(policy, theta + step * way, prompts))
        return float(objective.value(p)[0])

    slope = (height(1e-5) - height(-1e-5)) / 2e-5
    assert run(Exact(objective)).gradient(theta, 1)[0] @ way == pytest.approx(slope, rel=1e-8)
    assert run(Exact(MAXRL)).gradient(theta, 1)[0] @ way != pytest.approx(slope, rel=1e-3)
